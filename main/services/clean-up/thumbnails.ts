// Thumbnails of pictures that are not in the library any more. One that should be there after all is made again when it is asked for.
import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Cleaner } from './clean-up';

/** `isRecorded`: of a picture, by its id. A picture is recorded before it gets its thumbnail. */
export function thumbnailCleaner(folder: string, isRecorded: (id: string) => boolean): Cleaner {
  return function* clean() {
    let removed = 0;
    for (const start of readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && entry.name.length === 2)) {
      const inside = join(folder, start.name), orphans = readdirSync(inside).filter((name) => name.endsWith('.webp') && !isRecorded(basename(name, '.webp')));
      for (const name of orphans) rmSync(join(inside, name), { force: true });
      removed += orphans.length;
      yield;
    }
    return removed;
  };
}
