// Cuts a prompt of any length into windows of 77 tokens, as the text encoder takes them. A1111's rules.
import { isBreak, parseAttention, type Piece } from './attention';
import type { FindEmbedding, Insert } from './embeddings';
import type { BracketMode } from './emphasis';
import type { Tokenizer } from './tokenizer';

/** Tokens of the prompt in a chunk; start and end come on top. */
export const room = 75;

/** `ids` and `multipliers` have 77 entries: start, 75 tokens filled up with end, end. `inserts`: vectors that replace tokens, whose ids are 0 there. */
export interface Chunk { readonly ids: readonly number[]; readonly multipliers: readonly number[]; readonly inserts?: readonly Insert[] }

export interface Chunks {
  readonly chunks: readonly Chunk[];
  /** Tokens used, fill before a cut included: what a counter shows as n of 75, 150, … */
  readonly tokenCount: number;
}

export type Vocabulary = Pick<Tokenizer, 'encode' | 'endsWord' | 'startId' | 'endId' | 'commaId'>;

export interface ChunkOptions {
  /** Which embedding is called up at a token. */
  readonly find?: FindEmbedding | undefined;
  readonly emphasis?: BracketMode | undefined;
}

/**
 * At least one chunk. When a chunk is full and a comma lies within its last `commaBacktrack` tokens, what follows the comma moves on to the next
 * chunk, so that no phrase is torn; 0 turns that off. A BREAK fills the present chunk. The vectors of an embedding stay together in one chunk.
 */
export function chunkPrompt(prompt: string, vocabulary: Vocabulary, commaBacktrack = 20, { find, emphasis }: ChunkOptions = {}): Chunks {
  const chunks: Chunk[] = [];
  let ids: number[] = [];
  let multipliers: number[] = [];
  let inserts: Insert[] = [];
  let lastComma = -1;
  let tokenCount = 0;

  const close = (keep = ids.length): void => {
    const movedIds = ids.splice(keep), movedMultipliers = multipliers.splice(keep);
    const moved = inserts.filter(({ at }) => at > keep).map((insert) => ({ ...insert, at: insert.at - keep }));
    chunks.push(filled(ids, multipliers, vocabulary, inserts.filter(({ at }) => at <= keep)));
    [ids, multipliers, inserts, lastComma] = [movedIds, movedMultipliers, moved, -1];
  };
  /** `tearable`: what comes may be torn from the phrase that it belongs to. */
  const makeRoom = (slots: number, tearable = false): void => {
    const phrase = !tearable && ids.length === room && lastComma >= 0 && room - lastComma <= commaBacktrack;
    for (let keep = phrase ? lastComma + 1 : ids.length; ids.length + slots > room; keep = ids.length) {
      close(keep);
      tokenCount += room;
    }
  };
  const place = (id: number, weight: number): void => {
    const isComma = id === vocabulary.commaId;
    if (isComma) lastComma = ids.length;
    makeRoom(1, isComma);
    ids.push(id);
    multipliers.push(weight);
  };

  for (const piece of piecesOf(prompt, emphasis)) {
    if (isBreak(piece)) {
      close();
      tokenCount += room;
      continue;
    }
    const tokens = vocabulary.encode(piece.text);
    for (let at = 0; at < tokens.length;) {
      const found = find?.(tokens, at);
      if (found) {
        makeRoom(found.word.count);
        inserts.push({ at: ids.length + 1, embedding: found.word });
        ids.push(...Array<number>(found.word.count).fill(0));
        multipliers.push(...Array<number>(found.word.count).fill(piece.weight));
      } else place(tokens[at]!, piece.weight);
      at += found?.length ?? 1;
    }
  }
  tokenCount += ids.length;
  if (ids.length > 0 || chunks.length === 0) close();
  return { chunks, tokenCount };
}

/** Where emphasis is no part of the language, a prompt is one piece, brackets and BREAK included. */
export const piecesOf = (prompt: string, emphasis?: BracketMode): Piece[] => (emphasis === 'none' ? [{ text: prompt, weight: 1 }] : parseAttention(prompt));

/** Adds empty chunks until there are `count`: positive and negative prompt need the same number. */
export function padChunks(chunks: readonly Chunk[], count: number, vocabulary: Vocabulary): Chunk[] {
  return [...chunks, ...Array.from({ length: Math.max(0, count - chunks.length) }, () => filled([], [], vocabulary, []))];
}

/** A chunk of what is there, closed and filled up with end tokens. */
export function filled(ids: readonly number[], multipliers: readonly number[], { startId, endId }: Vocabulary, inserts: readonly Insert[]): Chunk {
  const fill = room - ids.length + 1;
  return {
    ids: [startId, ...ids, ...Array<number>(fill).fill(endId)],
    multipliers: [1, ...multipliers, ...Array<number>(fill).fill(1)],
    ...(inserts.length > 0 && { inserts }),
  };
}
