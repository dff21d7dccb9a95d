// Locks between processes, which the system lets go when their process ends, however it ends. Node reaches them only through SQLite: an empty database with
// a transaction that never ends.
import { lstatSync, rmSync, truncateSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import Libsql from 'libsql';

export type Lock = Libsql.Database;

/** 'busy' while another has it, for longer than `waitMs`; null where it cannot be held at all, as on drives that know no locks. */
export function hold(path: string, waitMs = 0): Lock | 'busy' | null {
  let lock: Lock | undefined;
  try {
    lock = new Libsql(path, { timeout: waitMs });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    lock?.close();
    const { code } = error as { code?: string };
    if (code !== 'SQLITE_NOTADB') return code === 'SQLITE_BUSY' ? 'busy' : null;
    truncateSync(path);      // nobody holds what SQLite could read
    return hold(path, waitMs);
  }
}

/** libsql closes the file, and with it lets go of the lock, only some time after it was asked to. */
export function letGo(lock: Lock): void {
  if (!lock.open) return;
  lock.exec('ROLLBACK');
  lock.close();
}

/** What cannot be removed is looked at again next time. */
export function removeLock(path: string): void {
  for (const file of [path, `${path}-journal`]) {
    try {
      rmSync(file, { recursive: true, force: true });
    } catch { /* see above */ }
  }
}

/** Does it while nobody else does anything under this lock. A process that keeps it for longer than `mostMs` hangs, and is not waited for. */
export function withLock<T>(path: string, mostMs: number, work: () => T): T {
  clearWay(path);
  const lock = hold(path, mostMs);
  try {
    return work();
  } finally {
    if (lock instanceof Libsql) letGo(lock);
  }
}

const LOOK_MS = 20;

/** The same for what takes its time, without holding up this process. */
export async function withLockAsync<T>(path: string, mostMs: number, work: () => Promise<T>): Promise<T> {
  clearWay(path);
  let lock = hold(path);
  for (const end = performance.now() + mostMs; lock === 'busy' && performance.now() < end; lock = hold(path)) await sleep(LOOK_MS);
  try {
    return await work();
  } finally {
    if (lock instanceof Libsql) letGo(lock);
  }
}

function clearWay(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() === false) removeLock(path);
}
