// Input pictures that nothing names: no job, no picture of the library, and nobody who uploaded or looked at one lately. They lie in the trash for
// thirty days, and come back when they are asked for: whatever was on its way when they went loses nothing.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { NotAPlainFile, readPlain } from '../../files/plain-file';
import type { Blobs } from '../data/blobs';
import { MOST_PICTURE_BYTES } from '../library/recovery';
import { KEPT_MS } from '../library/trash';
import type { Cleaner } from './clean-up';

const DAY_MS = 86_400_000, AT_ONCE = 50;

interface Named {
  /** Of all rows, a piece at a time. */
  hashes(): Iterable<readonly string[]>;
  /** The data folder, the library's, and files there that are no picture with a record. null: that is not known, or not all pictures were looked at. */
  readonly root: string;
  readonly pictures: string;
  foreign(): Promise<readonly string[] | null>;
}

export function blobCleaner(blobs: Blobs, { hashes, root, pictures, foreign }: Named, now: () => number = Date.now): Cleaner {
  return async function* clean() {
    const unrecorded = await foreign();
    if (unrecorded === null || await holdsNewerRows(root)) return 0;
    for (const file of unrecorded) {
      if (await isOurs(join(pictures, file))) return 0;
      yield;
    }
    const named = new Set<string>(), { here, trashed } = blobs.list();
    for (const some of hashes()) {
      for (const hash of some) named.add(hash);
      yield;
    }
    let removed = 0, looked = 0;
    for (const hash of here.filter((each) => !named.has(each))) {
      if (blobs.throwAway(hash, now() - DAY_MS)) removed++;
      if (++looked % AT_ONCE === 0) yield;
    }
    for (const hash of trashed) {
      if (named.has(hash)) await blobs.path(hash);      // takes it back
      else blobs.dropTrashed(hash, now() - KEPT_MS);
      if (++looked % AT_ONCE === 0) yield;
    }
    return removed;
  };
}

/** A newer Atelier's rows wait for it, and may name what these do not. */
const holdsNewerRows = async (root: string): Promise<boolean> => (await readdir(root)).some((name) => /^atelier\.version-\d/.test(name));

/** A picture of ours that could not be taken up: it is damaged, or a newer Atelier made it. What it names is not known. Also said of what cannot be read now. */
async function isOurs(path: string): Promise<boolean> {
  try {
    return (await readPlain(path, { mostBytes: MOST_PICTURE_BYTES })).includes('atelier\0');
  } catch (error) {
    return !(error instanceof NotAPlainFile) && (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}
