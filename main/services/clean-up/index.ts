// What a studio's clean-up takes away, and for how long it leaves it.
import type { Blobs } from '../data/blobs';
import type { DataFolder } from '../data/data-folder';
import { isAloneNow, type Session } from '../data/sole-user';
import type { Database } from '../database/database';
import type { Library } from '../library/library';
import type { Recovery } from '../library/recovery';
import type { Log } from '../log/log';
import type { Queue } from '../queue/queue';
import { blobCleaner } from './blobs';
import { CleanUp, type Cleaner, type CleanUpTimes } from './clean-up';
import { thumbnailCleaner } from './thumbnails';

export type { CleanUp, CleanUpTimes };

/** As many as a window is told of, and a week of those that failed, which somebody may want to try again. Of others the library has all. */
const ENDED = { keep: 200, failedMs: 7 * 86_400_000, most: 100 };

interface Parts {
  readonly folder: DataFolder;
  readonly log: Log;
  readonly session: Session;
  readonly database: Database;
  readonly library: Library;
  readonly blobs: Blobs;
  readonly queue: Pick<Queue, 'sweepSteps'>;
  /** The last look at the library's files. null: there was none, or it failed. */
  readonly recovery: () => Promise<Recovery | null>;
}

export function openCleanUp({ folder, log, session, database, library, blobs, queue, recovery }: Parts, times?: CleanUpTimes): CleanUp {
  const foreign = async () => {
    const found = await recovery();
    return database.isNew || !found || found.away ? null : found.foreign;
  };
  return new CleanUp({
    reserve: atOnce(() => library.reserve.lay()),
    jobs: function* endedJobs() {
      let removed = 0;
      for (let some; (some = database.jobs.dropEnded({ ...ENDED, failedBefore: Date.now() - ENDED.failedMs })) > 0;) {
        removed += some;
        yield;
      }
      return removed;
    },
    steps: atOnce(() => queue.sweepSteps()),
    thumbnails: thumbnailCleaner(folder.thumbnails, (id) => library.has(id)),
    trash: atOnce(() => library.trash.dropOld()),
    blobs: blobCleaner(blobs, { hashes: () => database.mentions.hashes(), root: folder.root, pictures: folder.pictures, foreign }),
  }, () => isAloneNow(session), log, times);
}

const atOnce = (work: () => number | Promise<void>): Cleaner => async function* all() {
  yield;
  return await work() ?? 0;
};
