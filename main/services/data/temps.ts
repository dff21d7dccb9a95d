// The names under which files are written before they have their own, and the removal of those whose writer is gone: killed, or cut off by a power cut.
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { basename, join } from 'node:path';
import { walk } from '../../files/walk';

// The process's id, and when it began, tell whether a writer still lives: ids are given again. Where a system does not say when, only a dead id is believed.
const token = beganAt(process.pid) ?? randomBytes(4).toString('hex');
const pattern = /^\.atelier-(\d+)-(s\d+|[0-9a-f]{8})-\d+\.tmp$/;
let count = 0;

const written = new Set<string>();
/** Whoever asks twice to stop is not waited for. */
process.once('exit', () => { for (const path of written) rmSync(path, { force: true }); });

/** Looked through once for what crashed writes left: they may be any folders of the user's. */
const swept = new Set<string>();
/** What somebody wrote to just now stays all the same: such a folder may lie on a drive that other machines write to. */
const QUIET_MS = 600_000;

/** Does what it must with a name of its own in the folder, which is free again when it has ended. */
export async function withTemp<T>(folder: string, work: (temp: string) => Promise<T>): Promise<T> {
  if (!swept.has(folder)) await sweepTempsIn(folder, QUIET_MS);
  swept.add(folder);
  const temp = join(folder, `.atelier-${process.pid}-${token}-${++count}.tmp`);
  written.add(temp);
  try {
    return await work(temp);
  } finally {
    await fs.rm(temp, { force: true }).catch(() => {});      // gone already after a rename; what cannot be removed now is swept later
    written.delete(temp);
  }
}

/** Removes what crashed writes left behind, in the folder and all below. Writes of processes that are alive stay. Returns how many there were. */
export async function sweepTemps(folder: string): Promise<number> {
  const { files } = await walk(folder, { away: () => {} });      // what cannot be looked at now is swept at another start
  return remove(files.filter((file) => isLeftover(basename(file))).map((file) => join(folder, file)));
}

/** The same in the folder alone. `quietMs`: since their last byte. */
export async function sweepTempsIn(folder: string, quietMs = 0): Promise<number> {
  const names = (await fs.readdir(folder).catch(() => [])).filter(isLeftover), old: string[] = [];
  for (const path of names.map((name) => join(folder, name))) {
    const { mtimeMs } = await fs.stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs <= Date.now() - quietMs) old.push(path);
  }
  return remove(old);
}

/** One that this process writes just now, or has just done with. */
export const isOwnTemp = (name: string): boolean => name.startsWith(`.atelier-${process.pid}-${token}-`);

async function remove(paths: readonly string[]): Promise<number> {
  await Promise.all(paths.map((path) => fs.rm(path, { force: true })));
  return paths.length;
}

function isLeftover(name: string): boolean {
  const [, pid, its] = pattern.exec(name) ?? [];
  if (pid === undefined) return false;
  if (Number(pid) === process.pid) return its !== token;
  if (!isAlive(Number(pid))) return true;
  const began = its!.startsWith('s') ? beganAt(Number(pid)) : null;
  return began !== null && began !== its;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** In ticks since the machine began, as Linux has it (proc(5), /proc/PID/stat, field 22). null elsewhere. */
function beganAt(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return `s${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return null;
  }
}
