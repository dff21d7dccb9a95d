// Editing by the prompt, while the composition stays: Hertz et al. 2022, "Prompt-to-Prompt Image Editing with Cross Attention Control"
// (arXiv:2208.01626). Source and edited picture are made side by side from one noise; for a share of the steps the edited one attends as the source does.
//
// The first half of a batch is the source, the second the edited picture. With M a map of the source, N the edited picture's own, and v its values, its
// cross-attention is (M·T + N·diag(o))·v = M·(T·v) + N·(o·v): two attentions with other values, so that no map is ever written out. T says which of the
// source's columns a token takes, o how much of its own it keeps; swapped, refined and weighed words differ in these numbers alone, which are fed.
import type { Graph, Value } from '../graph/graph';
import type { Hooks } from '../graph/hooks';
import { add, concat, mul, slice } from '../nn/layers';
import { float32, type Tensor } from '../tensor';
import type { Extension, UnetCall } from './extensions';
import { readsWords } from './word-maps';

/** What the edited picture's tokens [tokens] do at an evaluation: `taken` [tokens of the source, tokens], `own` [tokens, 1]. */
export interface WordsTaken { readonly taken: Tensor; readonly own: Tensor }

/** Attention of the picture to itself is taken up to this many places, where it is about the layout; finer ones are about texture. As in the paper's later code. */
const SELF_PLACES = 32 ** 2;

/**
 * `words`: what the prompts' tokens do at this evaluation, for contexts of so many tokens; `self`: whether the edited picture attends to its own places
 * as the source does to its. The side without the prompt is left alone.
 */
export function attendAsSource({ words, self }: { words: (call: UnetCall, tokens: number) => WordsTaken; self: (call: UnetCall) => boolean }): Extension {
  return {
    key: 'prompt to prompt',
    hooks: ({ batch, tokens }) => hooksFor(batch / 2, tokens),
    feeds(call) {
      const pairs = call.rows.length / 2, tokens = call.condition.context.dims[1]!;
      const wordsTaken = float32([pairs, tokens, tokens]), wordsOwn = float32([pairs, tokens, 1], new Float32Array(pairs * tokens).fill(1)), selfTaken = float32([pairs, 1, 1]);
      for (let pair = 0; pair < pairs; pair++) {
        if (call.rows[pair] !== 'cond') continue;
        const { taken, own } = words(call, tokens);
        wordsTaken.data.set(taken.data, pair * tokens * tokens);
        wordsOwn.data.set(own.data, pair * tokens);
        selfTaken.data[pair] = self(call) ? 1 : 0;
      }
      return { wordsTaken, wordsOwn, selfTaken };
    },
  };
}

function hooksFor(pairs: number, tokens: number): Hooks {
  let fed: { wordsTaken: Value; wordsOwn: Value; selfTaken: Value; selfOwn: Value } | undefined;
  const inputs = (g: Graph): NonNullable<typeof fed> => {
    if (fed) return fed;
    const selfTaken = g.input('selfTaken', 'float32', [pairs, 1, 1]);
    return fed = {
      wordsTaken: g.input('wordsTaken', 'float32', [pairs, tokens, tokens]), wordsOwn: g.input('wordsOwn', 'float32', [pairs, tokens, 1]),
      selfTaken, selfOwn: g.apply('Sub', [g.scalar(1), selfTaken]),
    };
  };
  return {
    attention(g, site, attend) {
      const isCross = readsWords(site);
      if (!isCross && site.q.dims[1]! > SELF_PLACES) return attend(site);
      const { wordsTaken, wordsOwn, selfTaken, selfOwn } = inputs(g);
      const half = (first: number) => (value: Value): Value => slice(g, value, 0, first, first + pairs);
      const [q, k, v] = [site.q, site.k, site.v].map(half(0)) as [Value, Value, Value], [ownQ, ownK, ownV] = [site.q, site.k, site.v].map(half(pairs)) as [Value, Value, Value];
      // The same map is the same queries and keys. Of two factors 0 and 1, which leaves either as it is, to the bit.
      const either = (source: Value, own: Value): Value => add(g, mul(g, source, selfTaken), mul(g, own, selfOwn));
      const edited = isCross
        ? add(g, attend({ ...site, q, k, v: g.apply('MatMul', [wordsTaken, ownV]) }), attend({ ...site, q: ownQ, k: ownK, v: mul(g, ownV, wordsOwn) }))
        : attend({ ...site, q: either(q, ownQ), k: either(k, ownK), v: ownV });
      return concat(g, [attend({ ...site, q, k, v }), edited], 0);
    },
  };
}
