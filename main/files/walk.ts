// The plain files in a folder and below, however it is linked: each real folder is looked into once, to a depth and a number that are said.
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { join } from 'node:path';
import type { AppError } from '../engine/errors';
import { liesWithin } from './plain-file';
import { systemFault } from './system-faults';

export interface Walk {
  /** Below the folder, with '/' between their parts. */
  readonly files: readonly string[];
  /** null: all was looked at. Else how many files and folders were. */
  readonly cutAt: number | null;
}

interface Bounds {
  /** Links may lead out of the folder, to other drives. */
  readonly outside?: boolean | undefined;
  /** Of files and folders. */
  readonly most?: number | undefined;
  readonly deepest?: number | undefined;
  /** Of a file or folder, by its name. */
  readonly skip?: (name: string) => boolean;
  /** Whether to look at what is in a folder, by the names that are. */
  readonly enter?: (folder: string, names: readonly string[]) => boolean;
  /** Real folders that were looked into before, to which these are added. */
  readonly seen?: Set<string>;
  /** Told of what cannot be looked at just now, so that the rest is walked without it. Where nobody listens, the walk ends and throws the fault. */
  readonly away?: (path: string, fault: AppError) => void;
}

const MOST = 1_000_000, DEEPEST = 32;

/**
 * What may not be read, or is neither a plain file nor a folder, is left out. Throws what the system says of the folder itself, and disk.silent or
 * machine.exhausted for what is below.
 */
export async function walk(root: string, bounds: Bounds = {}): Promise<Walk> {
  const { outside = false, most = MOST, deepest = DEEPEST, skip = () => false, enter = () => true, seen = new Set(), away = (_, fault) => { throw fault; } } = bounds;
  const files: string[] = [];
  let looked = 0;
  await visit('', 0);
  return { files, cutAt: looked > most ? most : null };

  async function visit(below: string, depth: number): Promise<void> {
    const folder = join(root, below), { dev, ino } = await fs.stat(folder, { bigint: true }), real = `${dev}:${ino}`;
    if (seen.has(real)) return;
    seen.add(real);
    const entries = await fs.readdir(folder, { withFileTypes: true });
    if (!enter(folder, entries.map(({ name }) => name))) return;
    for (const entry of entries) {
      if (skip(entry.name)) continue;
      if (++looked > most) return;
      const file = below === '' ? entry.name : `${below}/${entry.name}`, path = join(root, file);
      const found = entry.isSymbolicLink() ? await behindLink(path).catch(leaveOut(path)) : entry;
      if (found?.isFile()) files.push(file);
      else if (found?.isDirectory() && depth < deepest) await visit(file, depth + 1).catch(leaveOut(path));
    }
  }

  async function behindLink(path: string) {
    return outside || await liesWithin(path, root) ? fs.stat(path) : null;
  }

  function leaveOut(path: string): (cause: unknown) => null {
    return (cause) => {
      const fault = systemFault(cause, path);
      if (fault) away(path, fault);
      return null;
    };
  }
}
