// An edit by words, for one model: what both prompts say at each evaluation, how the edited picture attends, and where it may differ.
import type { JobSpec } from '../../../preload/contract/job';
import { AppError } from '../errors';
import type { Chunk, Vocabulary } from '../text/chunks';
import { alignWords, placesOf } from '../text/word-alignment';
import { float32 } from '../tensor';
import type { Conditioned } from './conditioning';
import { leastCommonMultiple, repeatWhole } from './contexts';
import type { Conditioning } from './denoiser';
import type { Extension } from './extensions';
import { localBlend } from './local-blend';
import { attendAsSource, type WordsTaken } from './prompt-to-prompt';
import type { Condition } from './networks';

export type Edit = NonNullable<JobSpec['edit']>;

export interface Editing {
  /** Of the source, and of the edited picture. */
  readonly at: (evaluation: number) => readonly [Conditioning, Conditioning];
  readonly extensions: readonly Extension[];
  readonly blend?: ReturnType<typeof localBlend> | undefined;
}

/** Throws edit.unfit where the prompts have parts (AND), or lack a word that the edit is about. */
export function editBetween(edit: Edit, source: Conditioned, edited: Conditioned, evaluations: number, vocabulary: Vocabulary): Editing {
  const sourceAt = (evaluation: number): readonly Chunk[] => source.tokensAt(evaluation)[0]!, editedAt = (evaluation: number): readonly Chunk[] => edited.tokensAt(evaluation)[0]!;
  if (source.tokensAt(0).length > 1 || edited.tokensAt(0).length > 1) throw new AppError('edit.unfit', { why: 'parts' });
  const isIn = (tokensAt: typeof sourceAt) => {
    const texts = Array.from({ length: evaluations }, (_, i) => tokensAt(i));
    return (word: string): boolean => texts.some((chunks) => placesOf(word, chunks, vocabulary).length > 0);
  };
  assertThere([...(edit.words ?? []).map(({ text }) => text), ...(edit.blend?.edited ?? [])], isIn(editedAt), 'word');
  assertThere(edit.blend?.source ?? [], isIn(sourceAt), 'sourceWord');

  const wordsAt = (progress: number, tokens: number): WordsTaken => {
    const evaluation = Math.round(progress * evaluations);
    return wordsTaken(edit, sourceAt(evaluation), editedAt(evaluation), { progress, tokens, vocabulary });
  };
  const blend = edit.blend && localBlend(edit.blend.threshold, (evaluation, tokens) => ({
    source: everywhere(edit.blend!.source, sourceAt(evaluation), tokens, vocabulary), edited: everywhere(edit.blend!.edited, editedAt(evaluation), tokens, vocabulary),
  }));
  return {
    at: (evaluation) => ofOneLength(source.at(evaluation), edited.at(evaluation)),
    extensions: [attendAsSource({ words: ({ progress }, tokens) => wordsAt(progress, tokens), self: ({ progress }) => isWithin(progress, edit.self) }), ...(blend ? [blend.extension] : [])],
    blend,
  };
}

function assertThere(words: readonly string[], isThere: (word: string) => boolean, why: 'word' | 'sourceWord'): void {
  const missing = words.find((word) => !isThere(word));
  if (missing !== undefined) throw new AppError('edit.unfit', { why, word: missing });
}

const isWithin = (progress: number, share: number): boolean => share >= 1 || progress < share;

interface Turn { readonly progress: number; readonly tokens: number; readonly vocabulary: Vocabulary }

/**
 * For contexts of so many tokens, in which each prompt may stand several times. A token of a word that the source has takes its map, a new one keeps its
 * own, and either is weighed; after its share of the evaluations a token is left alone.
 */
function wordsTaken({ cross, words = [] }: Edit, source: readonly Chunk[], edited: readonly Chunk[], { progress, tokens, vocabulary }: Turn): WordsTaken {
  const alignment = alignWords(source, edited, vocabulary), length = alignment.length, sourceLength = source.flatMap(({ ids }) => ids).length;
  const weights = Array<number>(length).fill(1), until = Array<number>(length).fill(cross);
  for (const { text, weight, cross: own } of words) for (const place of placesOf(text, edited, vocabulary)) {
    weights[place]! *= weight;
    if (own !== undefined) until[place] = own;
  }
  const taken = float32([tokens, tokens]), own = float32([tokens, 1]), times = tokens / length;
  for (let to = 0; to < tokens; to++) {
    const token = to % length, from = alignment[token]!;
    const isTaken = isWithin(progress, until[token]!), weight = isTaken ? weights[token]! : 1;
    own.data[to] = isTaken && from.length > 0 ? 0 : weight;
    if (isTaken) for (const { place, share } of from) for (let at = place; at < tokens; at += sourceLength) taken.data[at * tokens + to]! += (weight * share) / times;
  }
  return { taken, own };
}

const everywhere = (words: readonly string[], chunks: readonly Chunk[], tokens: number, vocabulary: Vocabulary): number[] => {
  const length = chunks.flatMap(({ ids }) => ids).length, places = new Set(words.flatMap((word) => placesOf(word, chunks, vocabulary)));
  return Array.from({ length: tokens }, (_, at) => at).filter((at) => places.has(at % length));
};

/** Both contexts as often as it takes to make them equally long. */
function ofOneLength(source: Conditioning, edited: Conditioning): readonly [Conditioning, Conditioning] {
  const lengthOf = ({ conds }: Conditioning): number => conds[0]!.condition.context.dims[1]!, tokens = leastCommonMultiple(lengthOf(source), lengthOf(edited));
  const longer = (condition: Condition): Condition => ({ ...condition, context: repeatWhole(condition.context, tokens) });
  const whole = ({ conds, uncond }: Conditioning): Conditioning => ({ conds: conds.map((cond) => ({ ...cond, condition: longer(cond.condition) })), uncond: uncond && longer(uncond) });
  return [whole(source), whole(edited)];
}
