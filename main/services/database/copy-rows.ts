// Rows of one database of ours into another: all that can be read, however damaged the one is that they come from.
import { isUtf8 } from 'node:buffer';
import type { Database } from 'libsql';
import { transaction } from './transaction';

/** A row of the same key gives way. Tables and columns that only one of the two knows are left out, and the tables `but`. */
export const copyRows = (from: Database, to: Database, { but = [] }: { but?: readonly string[] } = {}): void => transaction(to, () => {
  for (const table of tablesOf(to).filter((name) => !but.includes(name))) {
    try {
      copyTable(from, to, table);
    } catch { /* not there, or not a row of it can be read */ }
  }
})();

function copyTable(from: Database, to: Database, table: string): void {
  // `seq` counts anew: rows that are there already have numbers of their own.
  const known = columnsOf(from, table), columns = columnsOf(to, table).map(({ name }) => name).filter((name) => name !== 'seq' && known.some((column) => column.name === name));
  const insert = to.prepare(`INSERT OR REPLACE INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`);
  const asBytes = columns.map((name) => `CASE typeof(${name}) WHEN 'text' THEN CAST(${name} AS BLOB) ELSE ${name} END AS ${name}`).join(', ');
  const next = from.prepare(`SELECT rowid AS at, ${asBytes} FROM ${table} WHERE rowid >= ? ORDER BY rowid LIMIT 1`);
  for (let at = 1, misses = 0; misses < MISSES;) {
    try {
      const row = next.get(at) as ({ at: number } & Record<string, unknown>) | undefined;
      if (!row) return;
      at = row.at + 1;
      insert.run(columns.map((name) => textOf(row[name])));
    } catch {
      at++;      // it lies on a page that is gone, or is no row of ours any more
      misses++;
    }
  }
}

/** Of a table of which nothing can be read at all, not every number is asked for. */
const MISSES = 10_000;

/** libsql ends the process over a text that is no UTF-8, so texts come as bytes. Our tables have no others. Throws what is damaged in them. */
function textOf(value: unknown): unknown {
  if (!Buffer.isBuffer(value)) return value;
  if (!isUtf8(value) || value.includes(0)) throw new Error('no text of ours');
  const text = value.toString('utf8');
  if (/^[{[]/.test(text)) JSON.parse(text);
  return text;
}

export const tablesOf = (db: Database): string[] =>
  (db.prepare("SELECT CAST(name AS BLOB) AS name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all() as Bytes<'name'>[]).map(({ name }) => string(name));
export const columnsOf = (db: Database, table: string): { name: string; type: string }[] =>
  (db.prepare('SELECT CAST(name AS BLOB) AS name, CAST(type AS BLOB) AS type FROM pragma_table_info(?)').all(table) as Bytes<'name' | 'type'>[]).map(({ name, type }) => ({ name: string(name), type: string(type) }));

type Bytes<Name extends string> = Record<Name, ArrayBuffer>;
const string = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString();
