// Lines in a file that never grows beyond its bounds. Several processes may write to one at once: each line is a single append, and a full file is
// put aside by one rename to a name of its own, after which every writer notices that another file has its place.
import fs from 'node:fs';      // called through the module object, so that tests can make any of its calls fail
import { join } from 'node:path';

export interface LogBounds {
  readonly fileBytes: number;
  /** With the one that is written. */
  readonly files: number;
  /** After a fault nothing is tried for so long: a disk that does not answer holds up nobody again and again. */
  readonly retryMs: number;
}
const BOUNDS: LogBounds = { fileBytes: 2 << 20, files: 5, retryMs: 5_000 };

const NAME = 'atelier.jsonl', archivePattern = /^atelier-\d{4}-.*\.jsonl$/;
const OWNER_FILE = 0o600, OWNER_FOLDER = 0o700;
// Neither through a link to another file, nor into a pipe that nobody reads.
const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
const appending = O_WRONLY | O_APPEND | O_CREAT | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);

interface Open { readonly handle: number; readonly inode: number }

export class LogFile {
  private readonly folder: string;
  private readonly path: string;
  private readonly bounds: LogBounds;
  private readonly onFault: (fault: unknown) => void;
  private open: Open | null = null;
  private archived = 0;
  private waitUntil = -Infinity;
  /** A disk that filled up in the middle of a line: the next one begins on its own. */
  private isTorn = false;
  private hasTold = false;
  private missed = 0;

  /** Nothing is made before the first line. `onFault` is called once, however often it cannot be written. */
  constructor(folder: string, { onFault, ...bounds }: Partial<LogBounds> & { onFault: (fault: unknown) => void }) {
    this.folder = folder;
    this.path = join(folder, NAME);
    this.bounds = { ...BOUNDS, ...bounds };
    this.onFault = onFault;
  }

  /** Lines that could not be written since the last that was. */
  get lost(): number { return this.missed; }

  /** Throws nothing. False when it could not be written. */
  write(line: string): boolean {
    if (performance.now() < this.waitUntil) return this.miss();
    try {
      const bytes = Buffer.from(`${this.isTorn ? '\n' : ''}${line}\n`);
      const { handle } = this.fileFor(bytes.length);
      this.isTorn = true;
      if (fs.writeSync(handle, bytes) < bytes.length) throw Object.assign(new Error('ENOSPC: a line was cut short'), { code: 'ENOSPC' });
      this.isTorn = false;
      this.missed = 0;
      return true;
    } catch (fault) {
      this.waitUntil = performance.now() + this.bounds.retryMs;
      if (!this.hasTold) this.onFault(fault);
      this.hasTold = true;
      return this.miss();
    }
  }

  close(): void {
    const { open } = this;
    this.open = null;
    try {
      if (open) fs.closeSync(open.handle);
    } catch { /* it is not written any more */ }
  }

  private miss(): false {
    this.missed++;
    return false;
  }

  private fileFor(lineBytes: number): Open {
    let file = this.current();
    const { size } = fs.fstatSync(file.handle);
    if (size > 0 && size + lineBytes > this.bounds.fileBytes) {
      this.putAside(file.inode);
      file = this.current();
    }
    return file;
  }

  /** Another process may have put aside what this one has open. */
  private current(): Open {
    const inode = inodeOf(this.path);
    if (this.open && this.open.inode === inode) return this.open;
    this.close();
    if (inode === null) fs.mkdirSync(this.folder, { recursive: true, mode: OWNER_FOLDER });
    const handle = fs.openSync(this.path, appending, OWNER_FILE), found = fs.fstatSync(handle);
    if (!found.isFile()) {
      fs.closeSync(handle);
      throw Object.assign(new Error('it is no plain file'), { code: 'EFTYPE' });
    }
    return this.open = { handle, inode: found.ino };
  }

  /** The oldest go first, so that there are never too many. When another process was quicker there is nothing to do. */
  private putAside(inode: number): void {
    const archives = archivesIn(this.folder);
    for (const name of archives.slice(0, Math.max(0, archives.length + 2 - this.bounds.files))) fs.rmSync(join(this.folder, name), { force: true });
    if (inodeOf(this.path) !== inode) return;
    const stamp = new Date().toISOString().replaceAll(':', '-'), count = String(++this.archived).padStart(6, '0');
    try {
      fs.renameSync(this.path, join(this.folder, `atelier-${stamp}-${process.pid}-${count}.jsonl`));
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== 'ENOENT') throw fault;      // since this one looked
    }
  }
}

/** The last lines of all that was written, oldest first, from the last `mostBytes`. What cannot be read is left out. */
export function lastLines(folder: string, most: number, mostBytes = 512 << 10): string[] {
  let names: string[];
  try {
    names = [...archivesIn(folder), NAME];
  } catch {
    return [];
  }
  const lines: string[] = [];
  for (const name of names.reverse()) {
    if (lines.length >= most || mostBytes <= 0) break;
    const text = tailOf(join(folder, name), mostBytes);
    mostBytes -= text.length;
    lines.unshift(...text.split('\n').filter(Boolean));
  }
  return lines.slice(-most);
}

function tailOf(path: string, mostBytes: number): string {
  let handle: number | undefined;
  try {
    handle = fs.openSync(path, fs.constants.O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0));
    const found = fs.fstatSync(handle);
    if (!found.isFile()) return '';
    const bytes = Buffer.alloc(Math.min(found.size, mostBytes));
    const read = fs.readSync(handle, bytes, 0, bytes.length, found.size - bytes.length);
    const text = bytes.subarray(0, read).toString('utf8');
    return read < found.size ? text.slice(text.indexOf('\n') + 1) : text;      // its first line may be cut
  } catch {
    return '';
  } finally {
    if (handle !== undefined) fs.closeSync(handle);
  }
}

const archivesIn = (folder: string): string[] =>
  fs.readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile() && archivePattern.test(entry.name)).map(({ name }) => name).sort();

function inodeOf(path: string): number | null {
  return fs.lstatSync(path, { throwIfNoEntry: false })?.ino ?? null;
}
