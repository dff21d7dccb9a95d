// Cuts a prompt of any length into windows of 77 tokens, as the text encoder takes them. A1111's rules.
import { isBreak, parseAttention } from './attention';
import type { Tokenizer } from './tokenizer';

/** Tokens of the prompt in a chunk; start and end come on top. */
const room = 75;

/** `ids` and `multipliers` have 77 entries: start, 75 tokens filled up with end, end. */
export interface Chunk { readonly ids: readonly number[]; readonly multipliers: readonly number[] }

export interface Chunks {
  readonly chunks: readonly Chunk[];
  /** Tokens used, fill before a cut included: what a counter shows as n of 75, 150, … */
  readonly tokenCount: number;
}

export type Vocabulary = Pick<Tokenizer, 'encode' | 'startId' | 'endId' | 'commaId'>;

/**
 * At least one chunk. When a chunk is full and a comma lies within its last `commaBacktrack` tokens, what follows the comma moves on to the next
 * chunk, so that no phrase is torn; 0 turns that off. A BREAK fills the present chunk. Embedding vectors (textual inversion), which take several
 * slots and must stay in one chunk, will join the tokens at `place`.
 */
export function chunkPrompt(prompt: string, vocabulary: Vocabulary, commaBacktrack = 20): Chunks {
  const chunks: Chunk[] = [];
  let ids: number[] = [];
  let multipliers: number[] = [];
  let lastComma = -1;
  let tokenCount = 0;

  const close = (keep = ids.length): void => {
    const movedIds = ids.splice(keep), movedMultipliers = multipliers.splice(keep);
    chunks.push(filled(ids, multipliers, vocabulary));
    [ids, multipliers, lastComma] = [movedIds, movedMultipliers, -1];
  };
  const place = (id: number, weight: number): void => {
    if (id === vocabulary.commaId) lastComma = ids.length;
    const phrase = lastComma >= 0 && room - lastComma <= commaBacktrack && id !== vocabulary.commaId;
    if (ids.length === room) {
      close(phrase ? lastComma + 1 : room);
      tokenCount += room;
    }
    ids.push(id);
    multipliers.push(weight);
  };

  for (const piece of parseAttention(prompt)) {
    if (isBreak(piece)) {
      close();
      tokenCount += room;
    } else for (const id of vocabulary.encode(piece.text)) place(id, piece.weight);
  }
  tokenCount += ids.length;
  if (ids.length > 0 || chunks.length === 0) close();
  return { chunks, tokenCount };
}

/** Adds empty chunks until there are `count`: positive and negative prompt need the same number. */
export function padChunks(chunks: readonly Chunk[], count: number, vocabulary: Vocabulary): Chunk[] {
  return [...chunks, ...Array.from({ length: Math.max(0, count - chunks.length) }, () => filled([], [], vocabulary))];
}

function filled(ids: readonly number[], multipliers: readonly number[], { startId, endId }: Vocabulary): Chunk {
  const fill = room - ids.length + 1;
  return {
    ids: [startId, ...ids, ...Array<number>(fill).fill(endId)],
    multipliers: [1, ...multipliers, ...Array<number>(fill).fill(1)],
  };
}
