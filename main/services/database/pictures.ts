// The index of the library's pictures. The files are the truth: all of it but `seconds` can be made again from them.
import type { Database } from 'libsql';
import { JobSpec } from '../../../preload/contract/job';
import type { PictureRecord } from '../../../preload/contract/picture';
import { transaction } from './transaction';

/** `file`: path below the library's folder, with '/' between its parts, so that the whole data folder may be moved. */
export type StoredPicture = Omit<PictureRecord, 'path'> & { readonly file: string };
export type PictureStore = ReturnType<typeof pictureStore>;

interface Row { id: string; file: string; width: number; height: number; size_bytes: number; created_at: number; seconds: number; parameters: string; job: string }

const values = '(id, file, width, height, size_bytes, created_at, seconds, parameters, job) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)';
// A page ends on a moment, not within one, so that the moment alone says where the next begins.
const pageQuery = `
  SELECT * FROM pictures WHERE created_at < :before AND created_at >=
    (SELECT min(created_at) FROM (SELECT created_at FROM pictures WHERE created_at < :before ORDER BY created_at DESC LIMIT :limit))
  ORDER BY created_at DESC, file DESC`;

export function pictureStore(db: Database) {
  const insert = db.prepare(`INSERT OR REPLACE INTO pictures ${values}`);
  const insertIfNew = db.prepare(`INSERT OR IGNORE INTO pictures ${values}`);
  const byId = db.prepare('SELECT * FROM pictures WHERE id = ?');
  const page = db.prepare(pageQuery);
  const count = db.prepare('SELECT count(*) AS total FROM pictures');
  const files = db.prepare('SELECT file, id FROM pictures');
  const remove = db.prepare('DELETE FROM pictures WHERE id = ?');

  return {
    put(picture: StoredPicture): void { insert.run(toRow(picture)); },
    /** Leaves a record that is there as it is. */
    adopt(picture: StoredPicture): void { insertIfNew.run(toRow(picture)); },
    get(id: string): StoredPicture | null {
      const row = byId.get(id) as Row | undefined;
      return row ? fromRow(row) : null;
    },
    /** Older than `before` (ms since 1970), newest first: `limit` of them, and those made in the same millisecond as the last. */
    page(before: number, limit: number): StoredPicture[] { return (page.all({ before, limit }) as Row[]).map(fromRow); },
    count(): number { return (count.get() as { total: number }).total; },
    /** Id by file. */
    files(): Map<string, string> { return new Map((files.all() as Row[]).map(({ file, id }) => [file, id])); },
    /** Forgets the record, unless `also` throws. */
    remove: transaction(db, (id: string, also: () => void): void => {
      remove.run(id);
      also();
    }),
  };
}

const toRow = ({ id, file, width, height, sizeBytes, createdAt, seconds, parameters, job }: StoredPicture) =>
  [id, file, width, height, sizeBytes, createdAt, seconds, parameters, JSON.stringify(job)];

const fromRow = ({ id, file, width, height, size_bytes: sizeBytes, created_at: createdAt, seconds, parameters, job }: Row): StoredPicture =>
  ({ id, file, width, height, sizeBytes, createdAt, seconds, parameters, job: JobSpec.parse(JSON.parse(job)) });
