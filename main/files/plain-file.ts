// Files that others may have put there, opened as plain files or not at all: a pipe would never end, a device has no end, a folder no bytes, and a link
// may lead anywhere.
import { constants } from 'node:fs';
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { sep } from 'node:path';
import { throwIfPassing } from './system-faults';

/** It is there, and is a folder, a pipe, a socket or a device, or lies elsewhere than it says. */
export class NotAPlainFile extends Error {}

interface Bounds {
  /** Where links lead out of this folder, the file is refused. */
  readonly within?: string | undefined;
  readonly mostBytes?: number | undefined;
}

// A pipe is otherwise opened only when somebody writes to it. Windows has neither.
const withoutWaiting = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** For reading. Throws NotAPlainFile, and what the system says. */
export async function openPlain(path: string, { within, mostBytes = Infinity }: Bounds = {}): Promise<fs.FileHandle> {
  if (!(await fs.stat(path)).isFile()) throw notPlain(path);      // before it is opened: to open some devices is to use them
  if (within !== undefined && !await liesWithin(path, within)) throw new NotAPlainFile(`${path} leads out of its folder`);
  const handle = await fs.open(path, withoutWaiting);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw notPlain(path);
    if (found.size > mostBytes) throw new NotAPlainFile(`${path} is larger than ${mostBytes >> 20} MB`);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** All of its bytes. Throws NotAPlainFile, and what the system says. */
export async function readPlain(path: string, bounds?: Bounds): Promise<Buffer> {
  const handle = await openPlain(path, bounds);
  try {
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** Whether a plain file is there, and inside. Throws disk.silent, machine.exhausted where that cannot be told just now. */
export const isPlain = (path: string, within: string): Promise<boolean> => openPlain(path, { within }).then(async (handle) => {
  await handle.close();
  return true;
}, (cause: unknown) => {
  throwIfPassing(cause, path);
  return false;
});

/** By where both really are. Throws what the system says. */
export async function liesWithin(path: string, folder: string): Promise<boolean> {
  const [real, root] = await Promise.all([fs.realpath(path), fs.realpath(folder)]);
  return real.startsWith(root.endsWith(sep) ? root : root + sep);
}

const notPlain = (path: string): NotAPlainFile => new NotAPlainFile(`${path} is no plain file`);
