// The texts of a schedule → what the U-Net reads for each: chunks through the encoders, weighted by emphasis. After A1111's sd_hijack_clip.py, and
// ComfyUI's sd1_clip.py.
import type { Chunk } from '../text/chunks';
import { applyEmphasis, blendWithEmpty, type BracketMode, type EmphasisMode } from '../text/emphasis';
import type { ScheduledText } from '../text/schedules';
import { float32, type Tensor } from '../tensor';
import { sideBySide } from './contexts';
import type { EncodedText, Inserts } from './networks';

/** Rows of 77 ids, and the trained vectors in each → states and pooled vector. */
export type EncodeRows = (rows: readonly (readonly number[])[], inserts: Inserts) => Promise<EncodedText>;

/** [1, 77·n, D], and [1, P] where the U-Net reads it: of the first chunk. */
export interface Encoded { readonly context: Tensor; readonly pooled: Tensor | null }

interface Encoding {
  /** n chunks for each text. */
  readonly chunksOf: (text: string) => readonly Chunk[];
  /** A chunk without text. */
  readonly noText: Chunk;
  readonly encode: EncodeRows;
  readonly emphasis?: EmphasisMode | undefined;
}

export async function encodeSchedule(schedule: readonly ScheduledText[], { chunksOf, noText, encode, emphasis }: Encoding): Promise<Map<string, Encoded>> {
  const counts = new Map<string, number>();
  for (const { text } of schedule) counts.set(text, (counts.get(text) ?? 0) + 1);
  const chunks = [...counts.keys()].map(chunksOf);
  const answers: EncodedText[] = [];
  for (const rows of chunks) answers.push(await encode(rows.map(({ ids }) => ids), rows.map(({ inserts = [] }) => inserts)));

  const isBlended = emphasis === 'comfy' && chunks.flat().some(({ multipliers }) => multipliers.some((weight) => weight !== 1));
  const empty = isBlended ? await encode([noText.ids], [[]]) : null;
  const towers = answers[0]!.states.map((_, tower) => {
    const states = answers.map((answer) => answer.states[tower]!);
    return emphasis === 'comfy' ? blended(states, chunks, empty?.states[tower]) : weighted(states, chunks, [...counts.values()], emphasis);
  });
  return new Map([...counts.keys()].map((text, i) => [text, { context: sideBySide(towers.map((contexts) => contexts[i]!)), pooled: firstRow(answers[i]!.pooled) }]));
}

/**
 * One encoder's states of each text, [n, 77, D] → [1, n·77, D] with each token by its emphasis. Where that restores the mean, it is the mean of the i-th
 * chunks of all texts of the schedule, each as often as it stands there: A1111 encodes them together.
 */
function weighted(states: readonly Tensor[], chunks: readonly (readonly Chunk[])[], counts: readonly number[], emphasis?: BracketMode): Tensor[] {
  const [n, length, width] = states[0]!.dims as [number, number, number];
  const size = length * width;
  const contexts = states.map(() => float32([1, n * length, width]));
  for (let i = 0; i < n; i++) {
    const z = float32([states.length, length, width]);
    states.forEach(({ data }, text) => { z.data.set(data.subarray(i * size, (i + 1) * size), text * size); });
    const { data } = applyEmphasis(z, chunks.map((rows) => rows[i]!.multipliers), emphasis, counts);
    contexts.forEach((context, text) => { context.data.set(data.subarray(text * size, (text + 1) * size), i * size); });
  }
  return contexts;
}

/** The same in ComfyUI's way: each token on the line between the empty prompt and its own. `empty` [1, 77, D], where there are weights. */
function blended(states: readonly Tensor[], chunks: readonly (readonly Chunk[])[], empty: Tensor | undefined): Tensor[] {
  return states.map((z, text) => {
    const [n, length, width] = z.dims as [number, number, number];
    const { data } = empty ? blendWithEmpty(z, chunks[text]!.map(({ multipliers }) => multipliers), empty) : z;
    return float32([1, n * length, width], data);
  });
}

const firstRow = (pooled: Tensor | null): Tensor | null => pooled && float32([1, pooled.dims[1]!], pooled.data.slice(0, pooled.dims[1]));
