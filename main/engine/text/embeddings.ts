// Textual inversion: words that somebody trained (Gal et al. 2022, arXiv:2208.01618). Where a text has the name of such a file, the file's vectors
// stand in for the tokens' own. Names are found as in A1111: by their token ids, so in any case, and the longest first.
import type { Notice } from '../../../preload/contract/notice';
import { AppError, toAppError } from '../errors';
import type { Tensor } from '../tensor';

export interface Embedding {
  readonly name: string;
  /** SHA-256 of the file, in hex. */
  readonly hash: string;
  /** Slots that it takes in a chunk, 1–75. */
  readonly count: number;
  /** By the width of the encoder that they are for: [count, width]. */
  readonly vectors: ReadonlyMap<number, Tensor>;
}

/** Vectors in a row of 77 tokens: the first replaces the token at index `at`. */
export interface Insert { readonly at: number; readonly embedding: Embedding }

/** A name that begins at a token, and how many tokens it is. */
export interface FoundWord<T> { readonly word: T; readonly length: number }

export type FindEmbedding = (ids: readonly number[], at: number) => FoundWord<Embedding> | undefined;

/** What the host has: the names, and the files behind them. */
export interface EmbeddingLibrary {
  readonly words: WordIndex;
  /** Throws file.*, weights.*. */
  load(name: string): Promise<Embedding>;
}

/** Names by their token ids. */
export class WordIndex {
  private readonly byFirstId = new Map<number, { readonly ids: readonly number[]; readonly name: string }[]>();

  /** Of names that are the same tokens, the first counts. */
  constructor(names: Iterable<string>, encode: (text: string) => readonly number[]) {
    for (const name of names) {
      const ids = encode(name);
      if (ids.length === 0) continue;
      const others = this.byFirstId.get(ids[0]!) ?? [];
      if (!others.some((other) => startsWith(other.ids, ids, 0) && other.ids.length === ids.length)) others.push({ ids, name });
      this.byFirstId.set(ids[0]!, others);
    }
    for (const others of this.byFirstId.values()) others.sort((a, b) => b.ids.length - a.ids.length);
  }

  /** The longest name that begins at index `at` and is not among `except`. */
  find(ids: readonly number[], at: number, except?: ReadonlyMap<string, unknown>): FoundWord<string> | undefined {
    const found = this.byFirstId.get(ids[at]!)?.find((word) => !except?.has(word.name) && startsWith(ids, word.ids, at));
    return found && { word: found.name, length: found.ids.length };
  }
}

const startsWith = (ids: readonly number[], word: readonly number[], at: number): boolean => word.every((id, i) => ids[at + i] === id);

/**
 * Loads the embeddings that texts call by name; `texts` are the ids of their pieces, `widths` those of the model's encoders. What cannot be read
 * or does not fit is left as text, with a notice; then a shorter name in its place may count.
 */
export async function loadEmbeddings(library: EmbeddingLibrary, texts: readonly (readonly number[])[], widths: readonly number[]): Promise<{ find: FindEmbedding; notices: Notice[] }> {
  const loaded = new Map<string, Embedding>();
  const refused = new Map<string, Notice>();
  const namesIn = (ids: readonly number[]): string[] => {
    const names: string[] = [];
    for (let at = 0; at < ids.length;) {
      const found = library.words.find(ids, at, refused);
      if (found) names.push(found.word);
      at += found?.length ?? 1;
    }
    return names;
  };
  const unknown = (): string[] => [...new Set(texts.flatMap(namesIn))].filter((name) => !loaded.has(name));
  for (let names = unknown(); names.length > 0; names = unknown()) {
    for (const name of names) {
      const embedding = await library.load(name).catch((error: unknown) => toAppError(error));
      if (embedding instanceof AppError) refused.set(name, { code: 'embedding.unreadable', data: { name, error: embedding.info } });
      else if (!fits(embedding, widths)) refused.set(name, { code: 'embedding.unfit', data: { name, vectors: sum(embedding.vectors.keys()), reads: sum(widths) } });
      else loaded.set(name, embedding);
    }
  }
  return {
    notices: [...refused.values()],
    find: (ids, at) => {
      const found = library.words.find(ids, at, refused);
      return found && { word: loaded.get(found.word)!, length: found.length };
    },
  };
}

/** Vectors for every encoder, and none left over for a larger one: SDXL's have CLIP-L's width besides, but were not trained for it alone. */
function fits({ vectors }: Embedding, widths: readonly number[]): boolean {
  return widths.every((width) => vectors.has(width)) && widths.includes(Math.max(...vectors.keys()));
}

const sum = (widths: Iterable<number>): string => [...widths].join(' + ');
