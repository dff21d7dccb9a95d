// The folder with trained words (textual inversion): each file is called by its name without the ending, wherever it lies in the folder.
import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { extname, join, parse } from 'node:path';
import { AppError } from '../engine/errors';
import type { Tensor } from '../engine/tensor';
import { embeddingEntries, WordIndex, type Embedding, type EmbeddingLibrary } from '../engine/text/embeddings';
import type { Vocabulary } from '../engine/text/chunks';
import { toFloat32 } from '../engine/weights/half';
import { baseName } from '../engine/weights/safetensors';
import type { TensorEntry } from '../engine/weights/source';
import { openWeightFile, withFile } from './files';

/** Of files of one name, the first of these kinds counts, and of those the one that lies highest. */
const endings = ['.safetensors', '.pt', '.bin'];

/** Far above any: 75 vectors of SDXL in float32 are 0.6 MB, and the first trainer's pickles hold little besides. */
const MAX_BYTES = 64 << 20;

interface Listed { readonly names: string; readonly words: WordIndex }
let last: Listed | undefined;

/** Looks what is there; files are read when a prompt calls them up. undefined where there are none, or no folder. */
export async function openEmbeddings(folder: string, vocabulary: Pick<Vocabulary, 'encode'>): Promise<EmbeddingLibrary | undefined> {
  const paths = new Map<string, string>();
  for (const file of await filesIn(folder)) {
    const { name } = parse(file);
    if (!paths.has(name.toLowerCase())) paths.set(name.toLowerCase(), join(folder, file));
  }
  if (paths.size === 0) return undefined;
  const names = [...paths.values()].map((path) => parse(path).name);
  const key = names.join('\n');
  if (last?.names !== key) last = { names: key, words: new WordIndex(names, (name) => vocabulary.encode(name)) };      // thousands are common
  return { words: last.words, load: (name) => readEmbedding(paths.get(name.toLowerCase())!) };
}

/** Relative paths, the most wanted first. */
async function filesIn(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  const rank = (file: string): number => endings.indexOf(extname(file).toLowerCase());
  const depth = (file: string): number => file.split(/[\\/]/).length;
  return files.filter((file) => rank(file) >= 0).sort((a, b) => rank(a) - rank(b) || depth(a) - depth(b) || (a < b ? -1 : 1));
}

/** A file of any of the trainers' forms. Throws file.*, weights.*; weights.notFinite for values that are no numbers. */
export async function readEmbedding(path: string): Promise<Embedding> {
  const bytes = await withFile(path, ({ read, sizeBytes }) => {
    if (sizeBytes > MAX_BYTES) throw new AppError('weights.unsupportedLayout', { message: `${baseName(path)} is too large for an embedding`, data: { file: path }, hint: 'Keep only embeddings in this folder.' });
    return read(0, sizeBytes);
  });
  const entries = embeddingEntries(await openWeightFile(path));
  const tensors = entries.map((entry) => vectorsOf(entry, bytes));
  if (!tensors.every(({ data }) => data.every(Number.isFinite))) {
    throw new AppError('weights.notFinite', { message: `${baseName(path)} holds values that are not numbers`, data: { file: path }, hint: 'Get the file again from its source.' });
  }
  const hash = createHash('sha256').update(bytes).digest('hex');
  return { name: parse(path).name, hash, count: tensors[0]!.dims[0]!, vectors: new Map(tensors.map((tensor) => [tensor.dims[1]!, tensor])) };
}

/** [n, d], also where the file has one vector [d], or the vectors in columns. */
function vectorsOf({ dtype, offset, byteLength, shape, layout }: TensorEntry, bytes: Uint8Array): Tensor {
  const stored = toFloat32(dtype, bytes.slice(offset, offset + byteLength));
  const [count, width] = shape.length === 1 ? [1, shape[0]!] : [shape[0]!, shape[1]!];
  const turned = layout !== undefined && layout.perm[0] === 1;
  const data = turned ? stored.map((_, i) => stored[(i % width) * count + Math.floor(i / width)]!) : stored;
  return { dtype: 'float32', dims: [count, width], data };
}
