// The studio's database: one SQLite file, opened here and nowhere else. Each table has its store beside, under database/.
import { basename, dirname } from 'node:path';
import Libsql from 'libsql';
import type { ErrorInfo } from '../../../preload/contract/errors';
import { AppError } from '../../engine/errors';
import { hashCache } from './hashes';
import { jobStore } from './jobs';
import { pictureStore } from './pictures';
import { timingStore } from './timings';
import { transaction } from './transaction';
import { diskError, putAside } from '../data/disk';

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
];

/**
 * Opens the file, or makes it. One that is no database any more is put aside, and `notice` says so: the library fills again from the
 * pictures. Throws file.unreadable when a newer Atelier made it, disk.full, disk.failed.
 */
export function openDatabase(path: string) {
  let notice: ErrorInfo | null = null;
  let connection: Libsql.Database;
  try {
    connection = connect(path);
  } catch (cause) {
    if (!isDamaged(cause)) throw failure(cause, path);
    notice = putAside(path, 'it is no database any more', 'A new one was made, and the library fills again from your pictures', ['-wal', '-shm']);
    connection = connect(path);
  }
  return {
    notice,
    pictures: guarded(pictureStore(connection), path), hashes: guarded(hashCache(connection), path),
    jobs: guarded(jobStore(connection), path), timings: guarded(timingStore(connection), path),
    describe: () => ({ path, version: migrations.length }),
    close: () => { connection.close(); },
  };
}

function connect(path: string): Libsql.Database {
  const connection = new Libsql(path);
  try {
    connection.pragma('busy_timeout = 5000');      // the terminal and the studio may use the same folder
    connection.pragma('journal_mode = WAL');
    connection.pragma('synchronous = FULL');       // a job that was acknowledged outlives a power cut
    migrate(connection, path);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function migrate(connection: Libsql.Database, path: string): void {
  transaction(connection, () => {
    const { user_version: version } = connection.prepare('PRAGMA user_version').get() as { user_version: number };
    if (version > migrations.length) {
      throw new AppError('file.unreadable', {
        message: `${basename(path)} was made by a newer Atelier (version ${version}, this one knows ${migrations.length})`,
        hint: 'Update Atelier, or choose another data folder.', data: { file: path },
      });
    }
    for (const statements of migrations.slice(version)) connection.exec(statements);
    if (version < migrations.length) connection.exec(`PRAGMA user_version = ${migrations.length}`);
  })();
}

const isDamaged = (error: unknown): boolean => ['SQLITE_NOTADB', 'SQLITE_CORRUPT'].includes((error as { code?: string }).code ?? '');

/** The store, with what SQLite throws in our words: disk.full, disk.failed. */
function guarded<Store extends object>(store: Store, path: string): Store {
  const guard = (method: (...args: unknown[]) => unknown) => (...args: unknown[]): unknown => {
    try {
      return method(...args);
    } catch (cause) {
      throw failure(cause, path);
    }
  };
  return Object.fromEntries(Object.entries(store).map(([name, method]) => [name, guard(method)])) as Store;
}

const failure = (cause: unknown, path: string): AppError => diskError(cause, { folder: dirname(path), what: `the database ${basename(path)}`, neededBytes: 100_000 });
