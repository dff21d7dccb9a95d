// Which tokens of an edited prompt stand where those of its source stood. Words are aligned as Hertz et al. 2022 (arXiv:2208.01626) align tokens for a
// refinement, by the longest common subsequence; words in the place of others take these for their own, as in its word swap.
import type { Chunk, Vocabulary } from './chunks';

/** Of each token of an edited prompt, 77 a chunk, the source's tokens whose part it takes, and how much of each; none where it is new. */
export type Alignment = readonly (readonly TakenFrom[])[];
interface TakenFrom { readonly place: number; readonly share: number }

const WINDOW = 77;

/** Tokens that make one word, by their places; `name` is the same for the same word. */
interface Word { readonly name: string; readonly places: readonly number[] }

/**
 * The same words take from each other, token by token. Between them, words that stand where the source has others take from these: one from one where they
 * are as many, else all from all; tokens likewise, where all from all is an even share each. (The paper's code needs as many words, and counts on by one
 * token a word behind the last one that was swapped; here the words behind it stay aligned.) Start and end tokens take from those of the same chunk, and
 * the fill behind them from the fill at its place.
 */
export function alignWords(source: readonly Chunk[], edited: readonly Chunk[], vocabulary: Vocabulary): Alignment {
  const taken: TakenFrom[][] = edited.flatMap(({ ids }) => ids.map(() => []));
  const take = (to: readonly number[], from: readonly number[]): void => {
    if (to.length === from.length) to.forEach((at, i) => { taken[at]!.push({ place: from[i]!, share: 1 }); });
    else for (const at of to) for (const place of from) taken[at]!.push({ place, share: 1 / to.length });
  };
  for (const { from, to } of pairsOf(wordsOf(source, vocabulary), wordsOf(edited, vocabulary))) {
    if (from.length === to.length) to.forEach((word, i) => { take(word.places, from[i]!.places); });
    else take(to.flatMap(({ places }) => places), from.flatMap(({ places }) => places));
  }
  edited.slice(0, source.length).forEach((chunk, c) => {
    const first = WINDOW * c, end = fillOf(chunk, vocabulary), endOfSource = fillOf(source[c]!, vocabulary);
    take([first, first + end], [first, first + endOfSource]);
    for (let at = end + 1; at < WINDOW; at++) if (at >= endOfSource) take([first + at], [first + at]);
  });
  return taken;
}

/** The tokens of `text`, a word or several, wherever the prompt has it; a trained word by its name. */
export function placesOf(text: string, chunks: readonly Chunk[], vocabulary: Vocabulary): number[] {
  const wanted = vocabulary.encode(text), name = text.trim().toLowerCase();
  return chunks.flatMap(({ ids, inserts = [] }, c) => {
    const begins = (at: number): boolean => at === 1 || vocabulary.endsWord(ids[at - 1]!) || inserts.some((insert) => insert.at + insert.embedding.count === at);
    const isHere = (at: number): boolean => at > 0 && begins(at) && wanted.every((id, i) => ids[at + i] === id);
    const spelt = wanted.length === 0 ? [] : ids.flatMap((_, at) => (isHere(at) ? range(at, at + wanted.length) : []));
    const trained = inserts.filter(({ embedding }) => embedding.name.toLowerCase() === name).flatMap(({ at, embedding: { count } }) => range(at, at + count));
    return [...new Set([...spelt, ...trained])].sort((a, b) => a - b).map((at) => WINDOW * c + at);
  });
}

/** Where the end token stands, and fill behind it. */
const fillOf = ({ ids }: Chunk, { endId }: Vocabulary): number => ids.findLastIndex((id) => id !== endId) + 1;

function wordsOf(chunks: readonly Chunk[], vocabulary: Vocabulary): Word[] {
  return chunks.flatMap((chunk, c) => {
    const { ids, inserts = [] } = chunk, words: Word[] = [], end = fillOf(chunk, vocabulary);
    for (let at = 1, next = 1; at < end; at = next) {
      const insert = inserts.find((each) => each.at === at);
      next = at + (insert?.embedding.count ?? 1);
      if (!insert) while (next < end && !vocabulary.endsWord(ids[next - 1]!) && !inserts.some((each) => each.at === next)) next++;
      words.push({ name: insert?.embedding.hash ?? ids.slice(at, next).join(), places: range(WINDOW * c + at, WINDOW * c + next) });
    }
    return words;
  });
}

/** Words that are the same, one each, and between them what stands in the place of what. */
function pairsOf(source: readonly Word[], edited: readonly Word[]): { from: readonly Word[]; to: readonly Word[] }[] {
  // common[i][j]: how many words source from i and edited from j on have in common, in order.
  const common = Array.from({ length: source.length + 1 }, () => new Uint32Array(edited.length + 1));
  for (let i = source.length - 1; i >= 0; i--) {
    for (let j = edited.length - 1; j >= 0; j--) common[i]![j] = source[i]!.name === edited[j]!.name ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
  }
  const pairs: { from: Word[]; to: Word[] }[] = [];
  let open = { from: [] as Word[], to: [] as Word[] };
  for (let i = 0, j = 0; i < source.length || j < edited.length;) {
    if (i < source.length && j < edited.length && source[i]!.name === edited[j]!.name) {
      pairs.push(open, { from: [source[i++]!], to: [edited[j++]!] });
      open = { from: [], to: [] };
    } else if (j >= edited.length || (i < source.length && common[i + 1]![j]! >= common[i]![j + 1]!)) open.from.push(source[i++]!);
    else open.to.push(edited[j++]!);
  }
  return [...pairs, open].filter(({ from, to }) => from.length > 0 && to.length > 0);
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
