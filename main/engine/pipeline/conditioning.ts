// Prompts → what the U-Net reads at each step: scheduled texts, AND parts, chunks of 75 tokens, emphasis.
import type { Notice } from '../../../preload/contract/notice';
import { chunkPrompt, padChunks, piecesOf, type Chunk, type ChunkOptions, type Vocabulary } from '../text/chunks';
import { loadEmbeddings, type Embedding, type EmbeddingLibrary } from '../text/embeddings';
import { applyEmphasis, type EmphasisMode } from '../text/emphasis';
import type { ExtraNetwork } from '../text/extra-networks';
import { parseNegativePrompt, parsePrompt } from '../text/prompt';
import type { ScheduledText } from '../text/schedules';
import { float32, type Tensor } from '../tensor';
import type { Conditioning } from './denoiser';
import type { Condition, EncodedText, Inserts } from './model';

export interface Prompts {
  readonly prompt: string;
  readonly negative: string;
  readonly steps: number;
  readonly clipSkip: number;
  /** Guidance needs the negative prompt. */
  readonly guided: boolean;
  readonly emphasis?: EmphasisMode;
}

/** What the prompts are turned into conditions with: a model's encoders, and its vector condition where it has one. */
export interface Encoders {
  /** Rows of 77 ids → states and pooled vector. */
  readonly encode: (rows: readonly (readonly number[])[], clipSkip: number, inserts?: Inserts) => Promise<EncodedText>;
  /** Of the word vectors of each. */
  readonly widths: readonly number[];
  /** From the pooled text [1, P]. */
  readonly vector: (pooled: Tensor | null, negative: boolean) => Tensor | null;
}

/** [1, 77·n, D] and [1, P]. */
interface Encoded { readonly context: Tensor; readonly pooled: Tensor | null }

/** What a person may want to know of the words: which embeddings they called up, and what was not done. */
export interface WordsReport { readonly embeddings: readonly Embedding[]; readonly notices: readonly Notice[] }

export interface Conditioned extends WordsReport {
  /** What holds at step i, counted from 0. */
  readonly at: (step: number) => Conditioning;
}

/** Every text is encoded before the first step. */
export async function conditionOn(encoders: Encoders, vocabulary: Vocabulary, prompts: Prompts, library?: EmbeddingLibrary): Promise<Conditioned> {
  const { parts, networks } = parsePrompt(prompts.prompt, { steps: prompts.steps });
  const guided = prompts.guided || parts.length > 1;
  const negative = guided ? parseNegativePrompt(prompts.negative, { steps: prompts.steps }) : [];
  const texts = [...new Set([...parts.map(({ schedule }) => schedule), negative].flat().map(({ text }) => text))];
  const { emphasis } = prompts;
  const pieces = library ? texts.flatMap((text) => piecesOf(text, emphasis)).map(({ text }) => vocabulary.encode(text)) : [];
  const words = library && await loadEmbeddings(library, pieces, encoders.widths);
  const { encoded, embeddings } = await encodeAll(encoders.encode, vocabulary, texts, prompts.clipSkip, { find: words?.find, emphasis });
  const { vector } = encoders;
  const textAt = (schedule: readonly ScheduledText[], step: number): string => (schedule.find(({ endAtStep }) => step < endAtStep) ?? schedule.at(-1))!.text;
  const conditionFor = (text: string, isNegative: boolean): Condition => {
    const whole = encoded.get(text)!;
    const { context, pooled } = isNegative && text === '' ? withoutText(whole) : whole;
    return { context, y: vector(pooled, isNegative) };
  };
  return {
    embeddings,
    notices: [...networks.map(unsupported), ...(words?.notices ?? [])],
    at: (step) => ({
      conds: parts.map(({ weight, schedule }) => ({ condition: conditionFor(textAt(schedule, step), false), weight })),
      uncond: guided ? conditionFor(textAt(negative, step), true) : null,
    }),
  };
}

const unsupported = ({ kind, positional: [name = ''] }: ExtraNetwork): Notice =>
  ({ code: 'network.unsupported', message: `<${kind}:${name}> was left out: prompts cannot call up networks of this kind yet.` });

/** SDXL was trained with zeros where no text is, not with an empty text; Stability's code and A1111 do so for an empty negative prompt. */
function withoutText({ context, pooled }: Encoded): Encoded {
  return pooled ? { context: float32(context.dims), pooled: float32(pooled.dims) } : { context, pooled };
}

/** All of one length. */
async function encodeAll(encode: Encoders['encode'], vocabulary: Vocabulary, texts: readonly string[], clipSkip: number, options: ChunkOptions): Promise<{ encoded: Map<string, Encoded>; embeddings: Embedding[] }> {
  const chunked = texts.map((text) => chunkPrompt(text, vocabulary, undefined, options).chunks);
  const longest = Math.max(...chunked.map((chunks) => chunks.length));
  const encoded = new Map<string, Encoded>();
  for (const [i, text] of texts.entries()) {
    encoded.set(text, await encodeChunks(encode, padChunks(chunked[i]!, longest, vocabulary), clipSkip, options.emphasis));
  }
  const used = chunked.flat().flatMap(({ inserts = [] }) => inserts.map(({ embedding }) => embedding));
  return { encoded, embeddings: [...new Set(used)] };
}

/** As in A1111: emphasis restores the mean of each chunk and encoder by itself, and the pooled vector is the first chunk's. */
async function encodeChunks(encode: Encoders['encode'], chunks: readonly Chunk[], clipSkip: number, emphasis?: EmphasisMode): Promise<Encoded> {
  const { states, pooled } = await encode(chunks.map(({ ids }) => ids), clipSkip, chunks.map(({ inserts = [] }) => inserts));
  const weighted = states.map((state) => weightChunks(state, chunks, emphasis));
  return { context: sideBySide(weighted), pooled: pooled && float32([1, pooled.dims[1]!], pooled.data.slice(0, pooled.dims[1])) };
}

/** [rows, 77, D] → [1, rows·77, D], each token by its emphasis. */
function weightChunks(states: Tensor, chunks: readonly Chunk[], emphasis?: EmphasisMode): Tensor {
  const [rows, length, width] = states.dims as [number, number, number];
  const joined = float32([1, rows * length, width]);
  chunks.forEach(({ multipliers }, row) => {
    const state = float32([1, length, width], states.data.subarray(row * length * width, (row + 1) * length * width));
    joined.data.set(applyEmphasis(state, [multipliers], emphasis).data, row * length * width);
  });
  return joined;
}

/** [1, tokens, D₁], [1, tokens, D₂] → [1, tokens, D₁ + D₂]. */
function sideBySide(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const tokens = first!.dims[1]!;
  const width = parts.reduce((sum, { dims }) => sum + dims[2]!, 0);
  const out = float32([1, tokens, width]);
  let column = 0;
  for (const { data, dims } of parts) {
    const own = dims[2]!;
    for (let token = 0; token < tokens; token++) out.data.set(data.subarray(token * own, (token + 1) * own), token * width + column);
    column += own;
  }
  return out;
}
