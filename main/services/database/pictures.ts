// The index of the library's pictures. The files are the truth: all of it can be made again from them. A picture has the id of the job that made it,
// and is recorded in one transaction with that job's end: whatever happens between, neither is there without the other.
import type { Database } from 'libsql';
import { z } from 'zod';
import { AnyJob } from '../../../preload/contract/job';
import type { PictureRecord } from '../../../preload/contract/picture';
import type { UnreadableRecord } from '../../../preload/contract/unreadable';
import { AppError } from '../../engine/errors';
import { apart, json, parseRow } from './rows';
import { transaction } from './transaction';

/** `file`: path below the library's folder, with '/' between its parts, so that the whole data folder may be moved. */
export type StoredPicture = Omit<PictureRecord, 'path'> & { readonly file: string };
export interface PictureRows { readonly pictures: StoredPicture[]; readonly unreadable: (UnreadableRecord & { readonly file: string })[]; readonly next: number | null }
export type PictureStore = ReturnType<typeof pictureStore>;

interface Row { id: string; file: string; size_bytes: number; created_at: number; job: string }

const Picture = z.object({
  id: z.string(), file: z.string(), width: z.int().positive(), height: z.int().positive(), size_bytes: z.int().min(0), created_at: z.int(), seconds: z.number(),
  parameters: z.string(), job: json(AnyJob),
}).transform(({ size_bytes: sizeBytes, created_at: createdAt, ...rest }): StoredPicture => ({ ...rest, sizeBytes, createdAt }));

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
  const endJob = db.prepare("UPDATE jobs SET state = 'done', picture_id = id, ended_at = ? WHERE id = ? AND state NOT IN ('done', 'failed', 'cancelled')");
  const move = db.prepare('UPDATE OR IGNORE pictures SET file = ? WHERE id = ?');
  const count = db.prepare('SELECT count(*) AS total FROM pictures');
  const files = db.prepare('SELECT file, id FROM pictures');
  const remove = db.prepare('DELETE FROM pictures WHERE id = ?');

  return {
    put: transaction(db, (picture: StoredPicture): void => {
      insert.run(toRow(picture));
      endJob.run(picture.createdAt, picture.id);
    }),
    /** Leaves a record that is there as it is. */
    adopt: transaction(db, (picture: StoredPicture): void => {
      insertIfNew.run(toRow(picture));
      endJob.run(picture.createdAt, picture.id);
    }),
    /** Its file lies somewhere else now. All else of its record stays as it is, also where it cannot be read. */
    move(id: string, file: string): void { move.run(file, id); },
    /** Throws record.unreadable. */
    get(id: string): StoredPicture | null {
      const row = byId.get(id) as Row | undefined, parsed = row && parseRow(Picture, row, 'job');
      if (!parsed) return null;
      if ('record' in parsed) return parsed.record;
      throw new AppError('record.unreadable', { why: parsed.unreadable.why.kind, file: row.file });
    },
    isReadable(id: string): boolean {
      const row = byId.get(id) as Row | undefined;
      return row !== undefined && 'record' in parseRow(Picture, row, 'job');
    },
    /** Its place, whether or not the rest of its record can be read. */
    file(id: string): string | null { return (byId.get(id) as Row | undefined)?.file ?? null; },
    /** As it was written. */
    sizeBytes(id: string): number | null { return (byId.get(id) as Row | undefined)?.size_bytes ?? null; },
    /** Older than `before` (ms since 1970), newest first: `limit` of them, and those made in the same millisecond as the last. `next`: where the next page begins, unless this is the last. */
    page(before: number, limit: number): PictureRows {
      const rows = page.all({ before, limit }) as Row[], last = rows.at(-1);
      const { records: pictures, unreadable } = apart(rows.map((row) => parseRow(Picture, row, 'job')));
      const files = new Map(rows.map(({ id, file }) => [id, file]));
      return { pictures, unreadable: unreadable.map((record) => ({ ...record, file: files.get(record.id)! })), next: last && rows.length >= limit ? last.created_at : null };
    },
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
