// Who may talk to the server: this machine's own browser, from our own page, in a session; and scripts with the secret. Each rule names the attack that it stops.
import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorInfo } from '../../preload/contract/errors';
import { isSame } from './secret';
import { SESSION_SECONDS, type Sessions } from './sessions';

export interface Access { readonly port: number; readonly secret: string; readonly sessions: Sessions }

/** null when such a request may be heard at all; else why not, with 403. */
export function strangerness(headers: IncomingHttpHeaders, port: number): ErrorInfo | null {
  const names = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `http://${name}`);
  // A browser leaves HTTP's usual port out of Host and Origin.
  const origins = [...names.map((name) => `${name}:${port}`), ...(port === 80 ? names : [])];
  // DNS rebinding: a foreign name that now points at 127.0.0.1 is still in the Host header.
  if (!origins.includes(`http://${headers.host?.toLowerCase()}`)) return { code: 'auth.refused', data: { why: 'host', host: headers.host ?? '' } };
  // Requests that other pages send in the user's name. Browsers put the sender into Origin, and say cross-site or same-site elsewhere;
  // other ports of this machine are the same *site*, which a SameSite cookie does not stop.
  if (headers.origin !== undefined && !origins.includes(headers.origin)) return { code: 'auth.refused', data: { why: 'origin', origin: headers.origin } };
  const site = headers['sec-fetch-site'];
  if ((site === 'cross-site' || site === 'same-site') && headers['sec-fetch-mode'] !== 'navigate') return { code: 'auth.refused', data: { why: 'page' } };
  return null;
}

/**
 * Whether it comes from a session's window, or a script with the secret. Browsers send a cookie to every port of an address, so whoever listens at another
 * one can have it: it counts together with a key alone. `addressKey`: the one that the address carries, where it may.
 */
export function isKnown(headers: IncomingHttpHeaders, addressKey: unknown, { port, secret, sessions }: Access): boolean {
  const bearer = /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return isSame(bearer, secret);
  const pageKey = headers['x-atelier-key'];
  return cookies(headers.cookie, cookieName(port)).map((cookie) => sessions.keysFor(cookie)).some((keys) => keys !== null
    && (typeof pageKey === 'string' ? isSame(pageKey, keys.page) : typeof addressKey === 'string' && isSame(addressKey, keys.address)));
}

export const sessionCookie = (value: string, port: number): string => `${cookieName(port)}=${value}; HttpOnly; SameSite=Strict; Path=/; Max-Age=${SESSION_SECONDS}`;

/** By port, so that two studios do not take each other's away. */
const cookieName = (port: number): string => `atelier-${port}`;

/** All of that name: pages at other ports can set one too. */
const cookies = (header: string | undefined, name: string): string[] =>
  (header?.split(/; */) ?? []).filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
