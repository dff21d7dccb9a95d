// Words that a LoRA was taught, put into a prompt that has a language of its own.
import { expect, it } from 'vitest';
import { hasWords, withWords } from '../../renderer/generate/trigger-words';
import { takeExtraNetworks, stripComments } from '../../main/engine/text/prompt-syntax';

it.each(['wool', 'felt (style)', 'a [b] {c|d} #e <f:g>', '__name__', 'back\\slash'])('%s stands in the prompt as it is, and is known again', (words) => {
  const prompt = withWords('a red house, ', words);
  expect(prompt.startsWith('a red house, ')).toBe(true);
  expect(hasWords(prompt, words)).toBe(true);
  expect(takeExtraNetworks(stripComments(prompt))).toEqual({ prompt, networks: [] });
});

it('begins an empty prompt, and is not found inside of other words', () => {
  expect(withWords(' ', 'wool')).toBe('wool');
  expect([hasWords('a woolly cat', 'wool'), hasWords('Wool, soft', 'wool'), hasWords('', 'wool')]).toEqual([false, true, false]);
});
