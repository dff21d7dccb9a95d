// Who else uses a data folder just now: each process holds a lock of its own there, whose name says in which order they came. So of several that start at
// one moment one is the first, and when it has ended, the next.
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hold, letGo, removeLock, withLock, type Lock } from './lock';

export interface Session {
  /** Nobody who lives came before. */
  isFirst(): boolean;
  /**
   * What was left in the folder before this moment (ms since 1970) is nobody's who lives, and the session's to take up: Infinity when it is alone, its own
   * beginning when others have come since, -Infinity while one from before lives.
   */
  ownsBefore(): number;
  /** Is another whenever somebody has come or gone. */
  visits(): bigint;
  signOut(): void;
}

/**
 * Says at once what is the session's to take up, and again whenever that has become more, as by the end of one that came later, also where it came and ended
 * between two looks. Returns what ends the waiting.
 */
export function untilAlone(session: Session, say: (ownsBefore: number) => void, lookMs = LOOK_MS): () => void {
  let visits = session.visits(), before = session.ownsBefore();
  say(before);
  const timer = setInterval(() => {
    const last = before, seen = visits;
    visits = session.visits();
    before = ownsNow(session);
    if (before > last || (before === Infinity && visits !== seen)) say(before);
  }, lookMs).unref();
  return () => clearInterval(timer);
}

/** No handle, no access just now: that is no. */
export const isAloneNow = (session: Session): boolean => ownsNow(session) === Infinity;

/** No handle, no access just now: it is looked at again. */
function ownsNow(session: Session): number {
  try {
    return session.ownsBefore();
  } catch {
    return -Infinity;
  }
}

const LOOK_MS = 2_000;
/** Held for as long as somebody signs in. */
const DOOR = 'door', DOOR_MS = 10_000;

export function signIn(folder: string): Session {
  mkdirSync(folder, { recursive: true });
  const others = (own: string): string[] => readdirSync(folder).filter((name) => name !== own && !name.startsWith(DOOR));
  const { own, lock } = withLock(join(folder, DOOR), DOOR_MS, () => enter(folder, others('')));
  const since = Date.now(), number = numberOf(own);
  const living = (): string[] => others(own).filter((name) => !isDead(join(folder, name)));
  return {
    isFirst: () => living().every((name) => numberOf(name) > number),
    ownsBefore: () => {
      const found = living();
      return found.length === 0 ? Infinity : found.every((name) => numberOf(name) > number) ? since : -Infinity;
    },
    visits: () => statSync(folder, { bigint: true, throwIfNoEntry: false })?.mtimeNs ?? 0n,
    signOut: () => {
      removeLock(join(folder, own));
      if (lock) letGo(lock);
    },
  };
}

function enter(folder: string, others: readonly string[]): { own: string; lock: Lock | null } {
  const number = 1 + Math.max(0, ...others.map(numberOf));
  for (;;) {
    const own = `${number}-${randomBytes(8).toString('hex')}.lock`, lock = hold(join(folder, own));
    // Else somebody looked in between, and took it for a dead one's.
    if (lock !== 'busy' && (lock === null || existsSync(join(folder, own)))) return { own, lock };
  }
}

/** Whoever signed in as former versions did came before. */
const numberOf = (name: string): number => Number(/^(\d+)-/.exec(name)?.[1] ?? 0);

/** Clears away what the dead one left. */
function isDead(path: string): boolean {
  if (path.endsWith('-journal')) return true;      // goes with its lock
  const lock = hold(path);
  if (lock === 'busy') return false;
  removeLock(path);
  if (lock) letGo(lock);
  return true;
}
