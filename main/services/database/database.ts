// The studio's database: one SQLite file, opened here and nowhere else. Each table has its store beside, under database/.
import { basename, dirname } from 'node:path';
import type { ErrorInfo } from '../../../preload/contract/errors';
import { hashCache } from './hashes';
import { jobStore } from './jobs';
import { mentionStore } from './mentions';
import { damaged, isDamage, openSound } from './opening';
import { pictureStore } from './pictures';
import { timingStore } from './timings';
import { diskError } from '../data/disk';

export type Database = ReturnType<typeof openDatabase>;

/** Entry i brings a database of version i to version i + 1. Released entries are never changed. */
const migrations = [
  `CREATE TABLE pictures (
     id TEXT PRIMARY KEY, file TEXT NOT NULL UNIQUE, width INTEGER NOT NULL, height INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
     created_at INTEGER NOT NULL, seconds REAL NOT NULL, parameters TEXT NOT NULL, job TEXT NOT NULL) STRICT;
   CREATE INDEX pictures_by_time ON pictures (created_at);
   CREATE TABLE model_files (
     path TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL, mtime_ms REAL NOT NULL,
     sha256 TEXT NOT NULL, autov1 TEXT NOT NULL, autov2 TEXT NOT NULL, autov3 TEXT NOT NULL) STRICT;
   CREATE TABLE jobs (
     seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, batch_id TEXT NOT NULL, batch_index INTEGER NOT NULL, batch_size INTEGER NOT NULL,
     spec TEXT NOT NULL, model_id TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, error TEXT, picture_id TEXT,
     created_at REAL NOT NULL, started_at REAL, ended_at REAL) STRICT;
   CREATE INDEX jobs_by_state ON jobs (state);
   CREATE TABLE timings (
     model_hash TEXT NOT NULL, parameters REAL NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, evaluations REAL NOT NULL,
     open_seconds REAL NOT NULL, step_seconds REAL NOT NULL, decode_seconds REAL NOT NULL, peak_bytes REAL NOT NULL, updated_at REAL NOT NULL,
     PRIMARY KEY (model_hash, width, height, evaluations)) STRICT;`,
  // Runs are compared by what their networks compute, which is not known of those measured before.
  `ALTER TABLE jobs ADD COLUMN refiner_id TEXT;
   DELETE FROM timings;
   ALTER TABLE timings ADD COLUMN unet_flops REAL NOT NULL DEFAULT 0;
   ALTER TABLE timings ADD COLUMN decode_flops REAL NOT NULL DEFAULT 0;`,
  `ALTER TABLE jobs ADD COLUMN vae_id TEXT;
   ALTER TABLE jobs ADD COLUMN text_encoder_ids TEXT NOT NULL DEFAULT '[]';`,
  // A job's files by slot. null, and a list without files: the model's own.
  `ALTER TABLE jobs ADD COLUMN file_ids TEXT NOT NULL DEFAULT '{}';
   UPDATE jobs SET file_ids = json_object('model', model_id, 'refiner', refiner_id, 'vae', vae_id, 'textEncoders', json(text_encoder_ids));
   ALTER TABLE jobs DROP COLUMN model_id;
   ALTER TABLE jobs DROP COLUMN refiner_id;
   ALTER TABLE jobs DROP COLUMN vae_id;
   ALTER TABLE jobs DROP COLUMN text_encoder_ids;`,
  // A try is lost by the worker's death alone; until now the studio's own end cost one as well, and which it was is not known of these.
  `UPDATE jobs SET attempt = 0 WHERE state = 'queued';
   UPDATE jobs SET attempt = 1 WHERE state IN ('loading', 'running', 'decoding', 'saving');`,
  `ALTER TABLE jobs ADD COLUMN has_texts INTEGER NOT NULL DEFAULT 0;
   CREATE TABLE job_texts (id TEXT PRIMARY KEY, texts TEXT NOT NULL) STRICT;`,
];

/**
 * Opens the file, or makes it. What is no sound database of this version is put aside, and `notices` says so: the library fills again from the
 * pictures, for which `isNew` asks. `alone`: nobody else uses it; only then it is replaced. Throws database.damaged, disk.full, disk.failed.
 */
export function openDatabase(path: string, { alone = true } = {}) {
  const { connection, notices, isNew } = inOurWords(path, () => openSound(path, migrations, alone));
  const guarded = <Store extends object>(store: Store): Store => guardedBy((method) => inOurWords(path, method, notices), store);
  return {
    notices: notices as readonly ErrorInfo[], isNew,
    pictures: guarded(pictureStore(connection)), hashes: guarded(hashCache(connection)), jobs: guarded(jobStore(connection)), timings: guarded(timingStore(connection)), mentions: mentionStore(connection),
    describe: () => ({ path, version: migrations.length }),
    close: () => {
      if (!connection.open) return;
      connection.pragma('wal_checkpoint(TRUNCATE)');      // libsql closes the file some time later
      connection.close();
    },
  };
}

const guardedBy = <Store extends object>(guard: <T>(method: () => T) => T, store: Store): Store => Object.fromEntries(
  Object.entries(store as Record<string, (...args: unknown[]) => unknown>).map(([name, method]) => [name, (...args: unknown[]) => guard(() => method(...args))])) as Store;

/** What SQLite throws, as database.damaged, disk.full or disk.failed. Damage that shows only now is told once; the next start mends it. */
function inOurWords<T>(path: string, work: () => T, notices?: ErrorInfo[]): T {
  try {
    return work();
  } catch (cause) {
    if (!isDamage(cause)) throw diskError(cause, { folder: dirname(path), what: `the database ${basename(path)}`, neededBytes: 100_000 });
    const error = damaged(path, cause);
    if (notices && !notices.some(({ code }) => code === error.code)) notices.push(error.info);
    throw error;
  }
}
