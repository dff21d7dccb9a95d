// Whether a database is what it says to be: its pages, its tables and columns, and every text in them. Looked at when it is opened, since SQLite
// itself finds damage only where it happens to read.
import { isUtf8 } from 'node:buffer';
import Libsql from 'libsql';
import { columnsOf, tablesOf } from './copy-rows';

/** What no waiting mends. */
export class Damage extends Error {}

/** Up to here all is looked at, in 7 ms a megabyte; above, all but whether indexes say what their tables say, in 4. */
const THOROUGH_BYTES = 256e6;

/** Of texts. */
const AT_ONCE_BYTES = 4e6;

export function checkPages(connection: Libsql.Database): void {
  const { bytes } = connection.prepare('SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size').get() as { bytes: number };
  const check = bytes > THOROUGH_BYTES ? 'quick_check' : 'integrity_check';
  // As bytes, here and below: libsql ends the process over a text that is no UTF-8.
  const { found } = connection.prepare(`SELECT CAST(${check} AS BLOB) AS found FROM pragma_${check}(1)`).get() as { found: Buffer };
  if (found.toString() !== 'ok') throw new Damage(found.toString());
}

/** Other tables and columns may be there besides. */
export function checkTables(connection: Libsql.Database, migrations: readonly string[]): void {
  const model = new Libsql(':memory:');
  for (const statements of migrations) model.exec(statements);
  for (const table of tablesOf(model)) {
    const columns = columnsOf(model, table), there = columnsOf(connection, table);
    const missing = columns.find(({ name }) => !there.some((column) => column.name === name));
    if (missing) throw new Damage(`${table}.${missing.name} is missing`);
    checkTexts(connection, table, columns.filter(({ type }) => type === 'TEXT').map(({ name }) => name));
  }
  model.close();
}

function checkTexts(connection: Libsql.Database, table: string, columns: readonly string[]): void {
  // Prompts may hold what only zeroed pages hold elsewhere.
  const texts = columns.map((name) => (name === 'parameters' ? `replace(${name}, char(0), ' ')` : `ifnull(${name}, '')`)).join(' || char(10) || ');
  const lengths = connection.prepare(`SELECT rowid AS at, ${columns.map((name) => `ifnull(octet_length(${name}), 0)`).join(' + ')} AS bytes FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT 200`);
  const read = connection.prepare(`SELECT CAST(group_concat(texts, char(10)) AS BLOB) AS bytes FROM (SELECT ${texts} AS texts FROM ${table} WHERE rowid > ? AND rowid <= ? ORDER BY rowid)`);
  for (let last = 0, until; (until = reach(lengths.all(last) as Length[])) !== null; last = until) {
    const { bytes } = read.get(last, until) as { bytes: Buffer | null };
    if (bytes && (!isUtf8(bytes) || bytes.includes(0))) throw new Damage(`a text in ${table} is none`);
  }
}

interface Length { readonly at: number; readonly bytes: number }

/** The last row of those that are read at once. */
function reach(rows: readonly Length[]): number | null {
  let bytes = 0;
  const end = rows.findIndex((row) => (bytes += row.bytes) > AT_ONCE_BYTES);
  return (end < 0 ? rows.at(-1) : rows[Math.max(0, end - 1)])?.at ?? null;
}
