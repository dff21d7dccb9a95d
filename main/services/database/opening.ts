// Opens a database whatever lies in its place. What is no sound database of ours is put aside under a name that says why, and a new one is made: the
// pictures carry all that it must know of them, and the rows that can still be read come over.
import { accessSync, chmodSync, constants, copyFileSync, existsSync, lstatSync, readdirSync, renameSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import Libsql from 'libsql';
import type { ErrorData, ErrorInfo } from '../../../preload/contract/errors';
import { AppError, detailOf } from '../../engine/errors';
import { putAside } from '../data/disk';
import { copyRows } from './copy-rows';
import { checkPages, checkTables, Damage } from './soundness';
import { transaction } from './transaction';

export interface Opened {
  readonly connection: Libsql.Database;
  /** What was put aside. */
  readonly notices: ErrorInfo[];
  /** It was made just now, and knows no pictures. */
  readonly isNew: boolean;
}

/** SQLite keeps these beside it. */
const companions = ['-wal', '-shm'];
/** A version that no Atelier will ever have is damage. */
const MAX_VERSION = 10_000;

/**
 * `migrations[i]` brings version i to i + 1. `alone`: nobody else uses the file, which may then be replaced. Throws database.damaged when it must be
 * and may not, and what SQLite throws when the drive is at fault.
 */
export function openSound(path: string, migrations: readonly string[], alone: boolean): Opened {
  const notices = clearWay(path, alone);
  let rest: string | null = null, opened;
  try {
    opened = connect(path, migrations);
  } catch (cause) {
    const unfit = unfitness(cause);
    if (unfit === null) throw cause;
    if (!alone) throw damaged(path, cause);
    const notice = unfit.newer === undefined ? putAside(path, 'database', unfit.reason, companions) : putAsideNewer(path, unfit.newer);
    notices.push(notice);
    if (unfit.newer === undefined) rest = join(dirname(path), (notice.data as ErrorData['data.damaged']).kept);
    opened = connect(path, migrations);
  }
  if (rest !== null) copyReadable(rest, opened.connection);
  if (alone) takeBack(path, opened.connection, migrations);
  return { ...opened, notices };
}

export const isDamage = (error: unknown): boolean => /^SQLITE_(?:NOTADB|CORRUPT)/.test((error as { code?: string } | null)?.code ?? '');

export const damaged = (path: string, cause: unknown): AppError => new AppError('database.damaged', { file: path, detail: detailOf(cause) }, { cause });

class Newer extends Error {
  readonly version: number;
  constructor(version: number) {
    super(`it is of version ${version}`);
    this.version = version;
  }
}

/** null where waiting or another drive would help, and nothing is wrong with the file. */
function unfitness(cause: unknown): { reason: string; newer?: number } | null {
  if (cause instanceof Newer) return { reason: cause.message, newer: cause.version };
  // SQLITE_ERROR: its tables are not those of its version. SQLITE_READONLY: the header asks for a SQLite that nobody has, since the file itself may be written.
  const { code = '' } = cause as { code?: string };
  const unfit = cause instanceof Damage || isDamage(cause) || ['SQLITE_ERROR', 'SQLITE_READONLY', 'SQLITE_MISMATCH'].includes(code) || code.startsWith('SQLITE_CONSTRAINT');
  return unfit ? { reason: detailOf(cause) } : null;
}

function connect(path: string, migrations: readonly string[]): Omit<Opened, 'notices'> {
  if (existsSync(path) && statSync(path).size === 0 && !existsSync(`${path}-wal`)) throw new Damage('it is empty');
  const connection = new Libsql(path);
  try {
    connection.pragma('busy_timeout = 5000');      // the terminal and the studio may use the same folder
    connection.pragma('journal_mode = WAL');
    connection.pragma('synchronous = FULL');       // a job that was acknowledged outlives a power cut
    const version = versionOf(connection);
    if (version > migrations.length) throw version > MAX_VERSION ? new Damage(`it says to be of version ${version}`) : new Newer(version);
    checkPages(connection);
    migrate(connection, migrations);
    checkTables(connection, migrations);
    return { connection, isNew: version === 0 };
  } catch (error) {
    connection.close();
    throw error;
  }
}

const versionOf = (connection: Libsql.Database): number => (connection.prepare('PRAGMA user_version').get() as { user_version: number }).user_version;

function migrate(connection: Libsql.Database, migrations: readonly string[]): void {
  transaction(connection, () => {
    const version = versionOf(connection);      // another process may have been here in between
    for (const statements of migrations.slice(version)) connection.exec(statements);
    if (version < migrations.length) connection.exec(`PRAGMA user_version = ${migrations.length}`);
  })();
}

/** What is no file is put aside; a file that may not be written becomes one that may. */
function clearWay(path: string, alone: boolean): ErrorInfo[] {
  if (!alone) return [];
  const notices = ['', ...companions].map((ending) => path + ending).filter((file) => existsSync(file) && !statSync(file).isFile())
    .map((file) => putAside(file, 'other', 'it is no file'));
  if (existsSync(path) && !isWritable(path)) makeWritable(path);
  return notices;
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Its owner may say so; whoever is not makes a copy that is theirs. */
function makeWritable(path: string): void {
  try {
    chmodSync(path, lstatSync(path).mode | 0o600);
  } catch {
    const copy = `${path}-copy`;
    copyFileSync(path, copy);
    chmodSync(copy, 0o600);
    renameSync(copy, path);
  }
}

// A downgrade loses nothing: what the newer version made waits under a name with its number, and any version that understands it takes its rows back,
// to those that came meanwhile.

const newerName = (path: string, version: number | string): string => join(dirname(path), `${basename(path, extname(path))}.version-${version}${extname(path)}`);

function putAsideNewer(path: string, version: number): ErrorInfo {
  let aside = newerName(path, version);
  for (let n = 2; existsSync(aside); n++) aside = newerName(path, `${version}-${n}`);
  for (const ending of ['', ...companions]) if (existsSync(path + ending)) renameSync(path + ending, aside + ending);
  return { code: 'data.newer', data: { file: path, version, kept: basename(aside) } };
}

function takeBack(path: string, connection: Libsql.Database, migrations: readonly string[]): void {
  const [before = '', after = ''] = basename(newerName(path, '?')).split('?');
  for (const name of readdirSync(dirname(path))) {
    const version = name.startsWith(before) && name.endsWith(after) ? /^\d+/.exec(name.slice(before.length))?.[0] : undefined;
    if (version === undefined || Number(version) > migrations.length) continue;
    const aside = join(dirname(path), name);
    try {
      const kept = connect(aside, migrations).connection;
      copyRows(kept, connection);
      kept.close();
    } catch {
      copyReadable(aside, connection);      // damaged meanwhile
    }
    for (const ending of ['', ...companions]) if (existsSync(aside + ending)) renameSync(aside + ending, join(dirname(path), `taken-back-${name}${ending}`));
  }
}

function copyReadable(from: string, connection: Libsql.Database): void {
  let damagedOne: Libsql.Database | undefined;
  try {
    if (!statSync(from).isFile()) return;
    damagedOne = new Libsql(from);
    damagedOne.pragma('writable_schema = ON');      // else a file that is shorter than it says is not read at all
    copyRows(damagedOne, connection, { but: ['pictures'] });      // of these the files know better
  } catch { /* nothing of it can be read */ } finally {
    damagedOne?.close();
  }
}
