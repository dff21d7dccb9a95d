// The library's trash: what was removed lies there for thirty days, or until its room is needed.
import { copyFileSync, existsSync, lstatSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { toAppError } from '../../engine/errors';
import { diskError, freeBytesOf, isFull, LITTLE_BYTES, stampNow, thrownAt } from '../data/disk';

/** Of anything that was thrown away. */
export const KEPT_MS = 30 * 86_400_000;

interface Thrown { readonly path: string; readonly bytes: number; readonly since: number }

export class Trash {
  private readonly folder: string;

  constructor(folder: string) { this.folder = folder; }

  /** Where it lies there: a name that is taken gets a number. null: it is gone already. Throws disk.full, disk.failed. */
  take(path: string): string | null {
    if (!lstatSync(path, { throwIfNoEntry: false })) return null;
    const name = basename(path, extname(path));
    let target = join(this.folder, basename(path));
    for (let n = 2; existsSync(target); n++) target = join(this.folder, `${name}_${n}${extname(path)}`);
    try {
      if (!move(path, target)) return null;
      stampNow(target);
      return target;
    } catch (cause) {
      throw diskError(cause, { folder: this.folder, what: basename(path), neededBytes: lstatSync(path).size });
    }
  }

  /** What has lain there long enough. Returns how many files that were. */
  dropOld(now = Date.now()): number {
    const old = this.list().filter(({ since }) => since < now - KEPT_MS);
    for (const { path } of old) drop(path);
    return old.length;
  }

  /** The oldest first, until their bytes are enough. Returns how many those are. */
  makeRoom(bytes = LITTLE_BYTES): number {
    let made = 0;
    for (const thrown of this.list()) {
      if (made >= bytes) break;
      if (drop(thrown.path)) made += thrown.bytes;
    }
    return made;
  }

  /** Gives its room to a drive that has little left. */
  giveWay(): void { if ((freeBytesOf(this.folder) ?? Infinity) < LITTLE_BYTES) this.makeRoom(); }

  /** Does it, and on a full disk once more in the room that the trash gives up. */
  async withRoom<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isFull(toAppError(error)) || this.makeRoom() === 0) throw error;
      return work();
    }
  }

  /** Oldest first. A link is no more than a name. */
  private list(): Thrown[] {
    const entries = readdirSync(this.folder, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    return entries.flatMap(({ name }) => {
      const path = join(this.folder, name), found = lstatSync(path, { throwIfNoEntry: false });
      return found ? [{ path, bytes: found.size, since: thrownAt(found) }] : [];
    }).sort((a, b) => a.since - b.since);
  }
}

/** false: it stays where it is. */
function move(path: string, target: string): boolean {
  try {
    renameSync(path, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    // What is no plain file has no end, or leads elsewhere, and stays.
    if (!lstatSync(path).isFile()) return false;
    try {
      copyFileSync(path, target);      // the pictures' folder may be a link to another drive
    } catch (cause) {
      drop(target);
      throw cause;
    }
    rmSync(path);
  }
  return true;
}

/** false: it cannot be removed now. */
function drop(path: string): boolean {
  try {
    rmSync(path, { force: true });
    return true;
  } catch {
    return false;
  }
}
