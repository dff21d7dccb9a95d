// A few megabytes that nothing uses, so that on a full disk somebody can still remove things: that has to be written down, too.
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { toAppError } from '../../engine/errors';
import { freeBytesOf, isFull, LITTLE_BYTES, writeAtomic } from './disk';

const BYTES = 4 << 20;

export class Reserve {
  private readonly path: string;

  constructor(path: string) { this.path = path; }

  /** Makes it where it is missing and there is room. To have none is no error. */
  async lay(): Promise<void> {
    if (existsSync(this.path)) return;
    try {
      if ((freeBytesOf(dirname(this.path)) ?? 0) >= LITTLE_BYTES) await writeAtomic(this.path, randomBytes(BYTES));      // which no drive can press together
    } catch { /* at another time, then */ }
  }

  /** Does what removes something, and on a full disk once more in this room. */
  use<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!isFull(toAppError(error)) || !this.letGo()) throw error;
      return work();
    }
  }

  /** Its room is for whoever writes next. false: there was none. */
  letGo(): boolean {
    if (!existsSync(this.path)) return false;
    rmSync(this.path, { force: true });
    return true;
  }
}
