// Which hashes the rows name, read as bytes: also those of rows that this Atelier cannot read, and of tables that are added one day.
import type { Database } from 'libsql';
import { columnsOf, tablesOf } from './copy-rows';

/** They name no pictures. */
const without = ['model_files', 'timings', 'job_texts'];
/** Of rows, and of bytes. */
const AT_ONCE = 200, AT_ONCE_BYTES = 1e6;

/** Table after table, in the order in which they were added: a picture that is made meanwhile is in its job's row as long as it has none of its own. */
export function mentionStore(db: Database) {
  return {
    /** A piece at a time, so that whoever asks may rest between two. */
    *hashes(): Generator<readonly string[]> {
      for (const table of tablesOf(db).filter((name) => !without.includes(name))) {
        const texts = columnsOf(db, table).filter(({ type }) => type === 'TEXT').map(({ name }) => `ifnull(${name}, '')`).join(" || ' ' || ");
        const next = db.prepare(`SELECT rowid AS at, CAST(${texts || "''"} AS BLOB) AS bytes FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT 1`);
        for (let at = 0, isEnd = false; !isEnd;) {
          const found: string[] = [];
          for (let rows = 0, bytes = 0; rows < AT_ONCE && bytes < AT_ONCE_BYTES; rows++) {
            const row = next.get(at) as { at: number; bytes: ArrayBuffer } | undefined;
            if (!row) { isEnd = true; break; }
            const text = Buffer.from(row.bytes).toString('latin1');
            at = row.at;
            bytes += text.length;
            found.push(...text.match(/[0-9a-f]{64}/g) ?? []);
          }
          yield found;
        }
      }
    },
  };
}
