// A data folder of version 1, as data-folder-v1/README.md says how it came about, in a place of its own and as if it had been made there.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import type { Dims } from '../../main/engine/tensor';
import { writeRandomCheckpoint } from '../../main/services/model-tools/random-checkpoint';
import { scratchFolder } from './checkpoints';

const packed = join(import.meta.dirname, 'data-folder-v1'), resources = join(import.meta.dirname, '../../resources');

/** Where its paths begin in the repository. */
const packedData = '/atelier/data', packedResources = '/atelier/resources';

/** The files of its `models/`, which are made anew, to the byte: their tensors in the order in which they were written, and the seed of their values. */
const seeds = { 'tiny-xl': 1, 'tiny-xl-refiner': 2, 'tiny-sd2': 3, 'tiny-vae': 4, 'tiny-clip': 5 };
const names = Object.keys(seeds) as (keyof typeof seeds)[];
const lists = JSON.parse(readFileSync(join(packed, 'models.json'), 'utf8')) as Record<keyof typeof seeds, readonly string[]>;
const tensorsOf = (name: keyof typeof seeds): ReadonlyMap<string, Dims> => new Map(lists[name].map((line) => {
  const [key = '', dims = ''] = line.split(' ');
  return [key, dims.split('x').map(Number)];
}));

/** Version 1 names a model by its absolute path. */
export const modelIdV1 = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 16);

export interface DataFolderV1 {
  readonly root: string;
  /** The path of a file of `models/`. */
  model(name: string): string;
  readonly builtIn: string;
}

/** `withModels`: with the files that its jobs are for; without them they cannot run. */
export async function dataFolderV1({ withModels = true }: { withModels?: boolean } = {}): Promise<DataFolderV1> {
  const root = realpathSync(scratchFolder()), model = (name: string): string => join(root, 'models', `${name}.safetensors`), builtIn = realpathSync(join(resources, 'models/atelier-mini.safetensors'));
  cpSync(join(packed, 'data'), root, { recursive: true });
  mkdirSync(join(root, 'models'), { recursive: true });
  for (const name of withModels ? names : []) await writeRandomCheckpoint(model(name), tensorsOf(name), seeds[name]);
  const paths = new Map([[join(packedResources, 'models/atelier-mini.safetensors'), builtIn], ...names.map((name) => [join(packedData, 'models', `${name}.safetensors`), model(name)] as const)]);
  moveFolder(root, paths);
  return { root, model, builtIn };
}

/** Puts files' paths, and the ids that come from them, in the place of others; what is remembered of a file is of the file that is there. */
function moveFolder(root: string, paths: ReadonlyMap<string, string>): void {
  const moves = [...[...paths].map(([from, to]) => [modelIdV1(from), modelIdV1(to)] as const), ...paths, [packedData, root] as const];
  const settings = join(root, 'settings.json');
  writeFileSync(settings, moves.reduce((text, [from, to]) => text.replaceAll(from, to), readFileSync(settings, 'utf8')));
  const db = new Libsql(join(root, 'atelier.db'));
  for (const column of ['model_id', 'refiner_id', 'vae_id', 'text_encoder_ids', 'error']) {
    for (const [from, to] of moves) db.prepare(`UPDATE jobs SET ${column} = replace(${column}, ?, ?)`).run(from, to);
  }
  for (const [from, to] of moves) db.prepare('UPDATE model_files SET path = replace(path, ?, ?)').run(from, to);
  for (const path of paths.values()) if (existsSync(path)) db.prepare('UPDATE model_files SET mtime_ms = ? WHERE path = ?').run(statSync(path).mtimeMs, path);
  db.close();
}
