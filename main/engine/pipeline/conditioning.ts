// Prompts → what the U-Net reads at each step: scheduled texts, AND parts, chunks of 75 tokens, emphasis.
import { chunkPrompt, padChunks, type Chunk, type Vocabulary } from '../text/chunks';
import { applyEmphasis } from '../text/emphasis';
import { parseNegativePrompt, parsePrompt } from '../text/prompt';
import type { ScheduledText } from '../text/schedules';
import { float32, type Tensor } from '../tensor';
import type { Conditioning } from './denoiser';

export interface Prompts {
  readonly prompt: string;
  readonly negative: string;
  readonly steps: number;
  readonly clipSkip: number;
  /** Guidance needs the negative prompt. */
  readonly guided: boolean;
}

/** Rows of 77 ids → [rows, 77, D]. */
export type EncodeText = (rows: readonly (readonly number[])[], clipSkip: number) => Promise<Tensor>;

/** What holds at step i, counted from 0. Every text is encoded before the first step. */
export async function conditionOn(encode: EncodeText, vocabulary: Vocabulary, prompts: Prompts): Promise<(step: number) => Conditioning> {
  const { parts } = parsePrompt(prompts.prompt, { steps: prompts.steps });
  const guided = prompts.guided || parts.length > 1;
  const negative = guided ? parseNegativePrompt(prompts.negative, { steps: prompts.steps }) : [];
  const texts = new Set([...parts.map(({ schedule }) => schedule), negative].flat().map(({ text }) => text));
  const contexts = await encodeAll(encode, vocabulary, [...texts], prompts.clipSkip);
  const contextAt = (schedule: readonly ScheduledText[], step: number): Tensor =>
    contexts.get((schedule.find(({ endAtStep }) => step < endAtStep) ?? schedule.at(-1))!.text)!;
  return (step) => ({
    conds: parts.map(({ weight, schedule }) => ({ context: contextAt(schedule, step), weight })),
    uncond: guided ? contextAt(negative, step) : null,
  });
}

/** Texts → [1, 77·n, D], all of one length. */
async function encodeAll(encode: EncodeText, vocabulary: Vocabulary, texts: readonly string[], clipSkip: number): Promise<Map<string, Tensor>> {
  const chunked = texts.map((text) => chunkPrompt(text, vocabulary).chunks);
  const longest = Math.max(...chunked.map((chunks) => chunks.length));
  const contexts = new Map<string, Tensor>();
  for (const [i, text] of texts.entries()) contexts.set(text, await encodeChunks(encode, padChunks(chunked[i]!, longest, vocabulary), clipSkip));
  return contexts;
}

/** The mean that emphasis restores is each chunk's own, as in A1111. */
async function encodeChunks(encode: EncodeText, chunks: readonly Chunk[], clipSkip: number): Promise<Tensor> {
  const states = await encode(chunks.map(({ ids }) => ids), clipSkip);
  const [rows, length, width] = states.dims as [number, number, number];
  const joined = float32([1, rows * length, width]);
  chunks.forEach(({ multipliers }, row) => {
    const state = float32([1, length, width], states.data.subarray(row * length * width, (row + 1) * length * width));
    joined.data.set(applyEmphasis(state, [multipliers]).data, row * length * width);
  });
  return joined;
}
