// Who may talk to the server: this machine's own browser, from our own page, with the token. Each rule names the attack that it stops.
import { timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorInfo } from '../../preload/contract/errors';

export interface Access { readonly port: number; readonly token: string }

/** null when the request may pass; else the status and what to say. */
export function refusal(headers: IncomingHttpHeaders, access: Access): { status: 401 | 403; error: ErrorInfo } | null {
  const names = ['127.0.0.1', 'localhost', '[::1]'].map((name) => `http://${name}`);
  // A browser leaves HTTP's usual port out of Host and Origin.
  const origins = [...names.map((name) => `${name}:${access.port}`), ...(access.port === 80 ? names : [])];
  // DNS rebinding: a foreign name that now points at 127.0.0.1 is still in the Host header.
  if (!origins.includes(`http://${headers.host?.toLowerCase()}`)) return refused(403, `The address ${headers.host ?? ''} is not this studio's`);
  // Requests that other pages send in the user's name. Browsers put the sender into Origin, and say cross-site or same-site elsewhere;
  // other ports of this machine are the same *site*, which a SameSite cookie does not stop.
  if (headers.origin !== undefined && !origins.includes(headers.origin)) return refused(403, `A page of ${headers.origin} may not use this studio`);
  const site = headers['sec-fetch-site'];
  if ((site === 'cross-site' || site === 'same-site') && headers['sec-fetch-mode'] !== 'navigate') return refused(403, 'Another page may not use this studio');
  const given = bearer(headers.authorization) ?? cookie(headers.cookie, cookieName(access.port));
  return given !== undefined && isToken(given, access.token) ? null : refused(401, 'The token is missing or wrong');
}

/** Lengths are compared in bytes: a letter beyond ASCII is more than one, and `timingSafeEqual` throws where they differ. */
export function isToken(given: string, token: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(token)];
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Cookies are shared by all ports of a host, so each port has its own. Lasts as long as the browser's session. */
export const sessionCookie = ({ port, token }: Access): string => `${cookieName(port)}=${token}; HttpOnly; SameSite=Strict; Path=/`;

const cookieName = (port: number): string => `atelier-${port}`;
const bearer = (authorization: string | undefined): string | undefined => /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
const cookie = (header: string | undefined, name: string): string | undefined =>
  header?.split(/; */).find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);

const refused = (status: 401 | 403, message: string) => ({
  status, error: { code: 'auth.refused' as const, message, hint: 'Open the address that Atelier printed when it started.' },
});
