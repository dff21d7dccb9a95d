// One network's folder in a diffusers model: which of its files are the weights to read, in one piece or in shards.
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { join } from 'node:path';
import { AppError } from '../engine/errors';
import { joinShards } from '../engine/weights/key-maps/assemble';
import type { WeightFile } from '../engine/weights/source';
import { readPlain } from './plain-file';
import { throwIfPassing } from './system-faults';
import { openWeightFile } from './weight-file';

/** Files that together are the network. */
interface Weights { readonly variant: string; readonly isPickle: boolean; readonly files: readonly string[] }

/**
 * The network's weights, or undefined where the folder has none. `.safetensors` come before pickles, fp16 before the plain variant and that before others
 * (non_ema), one file before shards of the same; a set of which a shard is missing comes last. Throws file.notFound naming the shard, and what opening
 * a file throws.
 */
export async function openNetwork(folder: string): Promise<WeightFile | undefined> {
  const there = await fs.readdir(folder).catch((cause: unknown): string[] => { throwIfPassing(cause, folder); return []; });
  const missing = ({ files }: Weights): string | undefined => files.find((file) => !there.includes(file));
  const sets = (await weightsIn(folder, there)).sort((a, b) => Number(a.isPickle) - Number(b.isPickle) || rank(a.variant) - rank(b.variant) || a.files.length - b.files.length);
  const chosen = sets.find((set) => missing(set) === undefined) ?? sets[0];
  if (!chosen) return undefined;
  const lost = missing(chosen);
  if (lost !== undefined) throw noShard(folder, lost, chosen.files.length);
  const files = await Promise.all(chosen.files.map((name) => openWeightFile(join(folder, name))));
  return files.length === 1 ? files[0] : joinShards(folder, files);
}

/** EMA copies and others come last. */
const rank = (variant: string): number => (variant === 'fp16' ? 0 : variant === '' ? 1 : 2);

/** Besides the weights, folders have pickles of other programs (openvino_model.bin, training_args.bin). */
const weightName = /\.safetensors$|^(?:diffusion_)?pytorch_model\b.*\.bin$/;
const shard = /^(.*)-(\d{5})-of-(\d{5})(.*)$/;

/** What an index lists, files in one piece, and shards without an index, as their numbers tell. */
async function weightsIn(folder: string, there: readonly string[]): Promise<Weights[]> {
  const indexed = await Promise.all(there.filter((name) => /\.index\..*json$/.test(name)).map((name) => shardsOf(join(folder, name))));
  const known = new Set(indexed.flat());
  const numbered = there.filter((name) => weightName.test(name) && !known.has(name)).map((name) => {
    const [, stem, , total, ending] = shard.exec(name) ?? [];
    return total === undefined ? [name] : Array.from({ length: Number(total) }, (_, i) => `${stem}-${String(i + 1).padStart(5, '0')}-of-${total}${ending}`);
  });
  return [...indexed, ...numbered].filter((files) => files.length > 0).map((files) => ({ variant: variantOf(files[0]!), isPickle: files[0]!.endsWith('.bin'), files }));
}

/** 'diffusion_pytorch_model.fp16-00001-of-00002.safetensors' and '…-00001-of-00002.fp16.safetensors' → 'fp16'; '' for the plain name. */
const variantOf = (name: string): string => name.replace(/-\d{5}-of-\d{5}/, '').split('.').slice(1, -1).join('.');

/** SDXL's largest is 0.2 MB. */
const MAX_INDEX_BYTES = 16 << 20;

/** The files of an index's `weight_map` (tensor → file). None where it cannot be read: then the shards' own numbers count. */
async function shardsOf(path: string): Promise<string[]> {
  try {
    const { weight_map: map } = JSON.parse((await readPlain(path, { mostBytes: MAX_INDEX_BYTES })).toString('utf8')) as { weight_map?: Record<string, unknown> };
    const files = [...new Set(Object.values(map ?? {}))];
    return files.every((file) => typeof file === 'string' && weightName.test(file)) ? (files as string[]).sort() : [];
  } catch (cause) {
    throwIfPassing(cause, path);
    return [];
  }
}

const noShard = (folder: string, shardName: string, count: number): AppError => new AppError('model.shard', { file: join(folder, shardName), folder, count });
