// Which trained words a weight file holds, and which of its tensors are their vectors: the forms of A1111, diffusers, kohya, OneTrainer and ComfyUI,
// and the words that come bundled in a LoRA.
import { AppError } from '../errors';
import type { TensorEntry, WeightFile } from '../weights/source';

export interface StoredWord {
  /** null: the word is the file's own name. */
  readonly name: string | null;
  /** Each [d] or [n, d]. Those of one width follow one another; every width has as many vectors as the others. */
  readonly entries: readonly TensorEntry[];
}

/** Slots of a prompt in one chunk. */
const MOST_VECTORS = 75;
/** T5's, the widest that anybody trains for, is 4096. */
const MAX_WIDTH = 8192;

/**
 * One word under the file's name where the file has `clip_l` and `clip_g` (SDXL), a list of dictionaries (as ComfyUI joins them), or a single tensor of
 * any name: `emb_params`, `string_to_param.*`, a token. Several tokens `<…>` (diffusers) or parameters (the first trainer) are words of those names.
 * `bundle_emb.NAME.…` in a LoRA is the word NAME, as A1111 makes it callable; the LoRA's own name is none.
 * Throws weights.unsupportedLayout when the file is something else.
 */
export function wordsIn(file: WeightFile): readonly StoredWord[] {
  const entries = [...file.tensors.values()], bundled = bundledWords(entries);
  const words = bundled.size > 0 ? named(bundled).filter(isTrained) : ownWords(entries.filter(({ name }) => !name.startsWith('string_to_token')));
  if (words.length > 0 && words.every(isTrained)) return words;
  throw new AppError('weights.unsupportedLayout', { why: 'notEmbedding', file: file.path });
}

type Entries = readonly TensorEntry[];

const named = (words: ReadonlyMap<string, Entries>): StoredWord[] => [...words].map(([name, entries]) => ({ name, entries }));

/** NAME may have dots; what stands behind it is what an embedding's own file would have. Output vectors (`clip_l_out`) have no place in a prompt. */
const bundle = /^bundle_emb\.(.+?)(?:\.(string_to_param\..+|emb_params|clip_[lgh]|t5xxl|<.+>|string_to_token.*|clip_[lgh]_out))?$/s;
const isNoVector = (role: string | undefined): boolean => role !== undefined && /^string_to_token|_out$/.test(role);

function bundledWords(entries: Entries): Map<string, Entries> {
  const words = new Map<string, Entries>();
  for (const entry of entries) {
    const [, name, role] = bundle.exec(entry.name) ?? [];
    if (name !== undefined && !isNoVector(role)) words.set(name, [...words.get(name) ?? [], entry]);
  }
  return words;
}

const encoder = /^(?:clip_[lgh]|t5xxl)$/, listed = /^\d+\./, token = /^<.+>$/s, parameter = /^string_to_param\./;

function ownWords(entries: Entries): StoredWord[] {
  const byEncoder = entries.filter(({ name }) => encoder.test(name));
  if (byEncoder.length > 0) return [{ name: null, entries: byEncoder }];
  const every = (pattern: RegExp): boolean => entries.every(({ name }) => pattern.test(name));
  if (entries.length === 1 || every(listed)) return [{ name: null, entries }];
  return every(token) || every(parameter) ? entries.map((entry) => ({ name: entry.name.replace(parameter, ''), entries: [entry] })) : [];
}

function isTrained({ entries }: StoredWord): boolean {
  const counts = new Map<number, number>();
  for (const { shape } of entries) {
    const width = shape.at(-1) ?? 0;
    if (shape.length > 2 || width < 1 || width > MAX_WIDTH) return false;
    counts.set(width, (counts.get(width) ?? 0) + (shape.length === 2 ? shape[0]! : 1));
  }
  const [count = 0, ...others] = counts.values();
  return count > 0 && count <= MOST_VECTORS && others.every((other) => other === count);
}
