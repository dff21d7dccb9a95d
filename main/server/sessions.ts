// How a browser comes in: with a code that works once, which becomes a session. A session is a cookie and two keys, all made from the secret and
// an id, so that nothing is stored and open windows still get in after a restart. Why a cookie is not enough: docs/notes/who-comes-in.md.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { isSame, newSecret } from './secret';

export interface Keys {
  /** Sent as a header by our page. With the cookie it opens everything. */
  readonly page: string;
  /** For addresses that the browser itself asks for, which carry no header. With the cookie it shows pictures and the queue's events. */
  readonly address: string;
}

export const SESSION_SECONDS = 30 * 86_400;
const CODE_MS = 600_000;
/** Unused ones. The oldest goes first. */
const MOST_CODES = 32;

export class Sessions {
  private readonly secret: string;
  /** When each ends, by its hash: looking one up tells nothing of the others. */
  private readonly codes = new Map<string, number>();

  constructor(secret: string) { this.secret = secret; }

  /** A code that lets one browser in, once, within ten minutes. */
  newCode(now = Date.now()): string {
    const code = newSecret(), [oldest] = this.codes.keys();
    if (oldest !== undefined && this.codes.size >= MOST_CODES) this.codes.delete(oldest);
    this.codes.set(hashOf(code), now + CODE_MS);
    return code;
  }

  isGood(code: string, now = Date.now()): boolean { return (this.codes.get(hashOf(code)) ?? 0) > now; }

  /** Uses up a good code. null when it is none. */
  begin(code: string, now = Date.now()): { cookie: string; keys: Keys } | null {
    if (!this.isGood(code, now)) return null;
    this.codes.delete(hashOf(code));
    const id = `${randomBytes(16).toString('base64url')}.${Math.floor(now / 1000) + SESSION_SECONDS}`;
    return { cookie: `${id}.${this.sign('cookie', id)}`, keys: this.keysOf(id) };
  }

  /** The keys that go with a cookie. null when it is not of this studio, or too old. */
  keysFor(cookie: string, now = Date.now()): Keys | null {
    const [, id, end, signature] = /^([\w-]+\.(\d+))\.([\w-]+)$/.exec(cookie) ?? [];
    if (id === undefined || !isSame(signature!, this.sign('cookie', id)) || Number(end) * 1000 <= now) return null;
    return this.keysOf(id);
  }

  private keysOf(id: string): Keys { return { page: this.sign('page', id), address: this.sign('address', id) }; }
  private sign(use: string, id: string): string { return createHmac('sha256', this.secret).update(`${use} ${id}`).digest('base64url'); }
}

const hashOf = (code: string): string => createHash('sha256').update(code).digest('base64url');
