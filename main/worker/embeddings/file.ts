// One file of the embeddings folder: which words it holds, and their vectors.
import { createHash } from 'node:crypto';
import { basename, dirname, parse, relative } from 'node:path';
import { AppError } from '../../engine/errors';
import { float32, type Tensor } from '../../engine/tensor';
import { wordsIn } from '../../engine/text/embedding-words';
import type { Embedding } from '../../engine/text/embeddings';
import { refuseForeignForm } from '../../engine/weights/quantized/forms';
import type { WeightFile } from '../../engine/weights/source';
import { valuesOf } from '../../engine/weights/values';
import { openPictureEmbedding } from './picture';
import { openWeightFile, withFile } from '../../files/weight-file';

export const isPictureName = (path: string): boolean => /\.(?:png|webp)$/i.test(path);

interface OpenFile { readonly file: WeightFile; readonly read: (offset: number, byteLength: number) => Promise<Uint8Array> }

/** null for a picture that carries none. */
async function open(path: string): Promise<OpenFile | null> {
  if (!isPictureName(path)) {
    const file = await openWeightFile(path);
    refuseForeignForm(file);
    return { file, read: (offset, byteLength) => withFile(path, (source) => source.read(offset, byteLength)) };
  }
  const carried = await openPictureEmbedding(path);
  return carried && { file: carried.file, read: (offset, byteLength) => Promise.resolve(carried.bytes.slice(offset, offset + byteLength)) };
}

/** A trainer's word in a picture is no longer. */
const LONGEST_WORD = 200;

/**
 * What calls the file up: its name without the ending, as in A1111; in a picture, the name that the trainer wrote into it; of several tokens and of
 * a LoRA's bundle, their own names. diffusers calls every file `learned_embeds`, so there the name of its folder below `root` counts too, and the
 * token `<…>` itself. A picture without an embedding has no words. Throws file.*, weights.*.
 */
export async function wordsOf(path: string, root: string): Promise<string[]> {
  const opened = await open(path);
  if (!opened) return [];
  const { name } = parse(path), { metadata } = opened.file;
  return wordsIn(opened.file).flatMap((word) => {
    if (word.name !== null) return word.name;
    if (isPictureName(path)) return metadata.name && metadata.name.length <= LONGEST_WORD ? metadata.name : name;
    if (!/^learned_embeds/i.test(name)) return name;
    const folder = dirname(path), tokens = word.entries.map((entry) => entry.name).filter((token) => /^<.+>$/.test(token));
    return [name, ...(relative(root, folder) === '' ? [] : [basename(folder)]), ...tokens];
  });
}

/** The vectors that the file has for one of its words. Throws file.*, weights.*; weights.notFinite for values that are no numbers. */
export async function readEmbedding(path: string, name = parse(path).name): Promise<Embedding> {
  const opened = await open(path);
  const word = opened && wordsIn(opened.file).find((stored) => stored.name === null || stored.name === name);
  if (!word) throw new AppError('weights.unsupportedLayout', { why: 'noWord', file: path, name });
  const byWidth = new Map<number, Float32Array[]>();
  for (const entry of word.entries) {
    const width = entry.shape.at(-1)!;
    byWidth.set(width, [...byWidth.get(width) ?? [], await valuesOf(entry, opened.read)]);
  }
  const vectors = new Map([...byWidth].map(([width, parts]) => [width, stacked(parts, width)]));
  if (![...vectors.values()].every(({ data }) => data.every(Number.isFinite))) {
    throw new AppError('weights.notFinite', { why: 'embedding', file: path });
  }
  return { name, hash: await hashOf(path), count: vectors.values().next().value!.dims[0]!, vectors };
}

/** [n, width] of all parts. */
function stacked(parts: readonly Float32Array[], width: number): Tensor {
  const all = float32([parts.reduce((sum, { length }) => sum + length, 0) / width, width]);
  let at = 0;
  for (const part of parts) {
    all.data.set(part, at);
    at += part.length;
  }
  return all;
}

const CHUNK_BYTES = 4 << 20;

/** SHA-256 of the whole file, as A1111 writes it with a picture. */
const hashOf = (path: string): Promise<string> => withFile(path, async ({ sizeBytes, read }) => {
  const hash = createHash('sha256');
  for (let at = 0; at < sizeBytes; at += CHUNK_BYTES) hash.update(await read(at, Math.min(CHUNK_BYTES, sizeBytes - at)));
  return hash.digest('hex');
});
