// Prompts of other programs in our words: the weights are theirs, read back by our own grammar.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAttention } from '../../../main/engine/text/attention';
import { fromDialect } from '../../../main/engine/text/dialects';
import type { PictureSource } from '../../../preload/contract/vocabulary';
import { fuzzRuns } from '../../support/fuzz';

const examples: readonly (readonly [PictureSource, readonly (readonly [theirs: string, ours: string])[]])[] = [
  ['novelai', [
    ['a cat, {{best}} quality', 'a cat, (best:1.103) quality'], ['[bad], {good}', '(bad:0.952), (good:1.05)'], ['{a, {b}}', '(a:1.05), (b:1.103)'],
    ['smile (happy), 1.5::red hair::, blue', 'smile \\(happy\\), (red hair:1.5), blue'], ['-1::hat::', '(hat:-1)'], ['{open', '(open:1.05)'], ['plain words', 'plain words'],
  ]],
  ['invokeai', [
    ['a fluffy++ cat', 'a (fluffy:1.21) cat'], ['a (tall tree)-, sky', 'a (tall tree:0.9), sky'], ['(a cat)1.3 on a mat', '(a cat:1.3) on a mat'], ['(red (hat)++)1.1', '(red:1.1) (hat:1.331)'],
    ['half-timbered house', 'half-timbered house'], ['a \\(b\\) [c]', 'a \\(b\\) \\[c\\]'], ['(open', 'open'], ['C-- code', '(C:0.81) code'], ['a (b) c', 'a b c'],
  ]],
  ['comfyui', [
    ['(red:1.2) [blue] \\(x\\)', '(red:1.2) \\[blue\\] \\(x\\)'], ['embedding:easynegative, (embedding:bad_hands:1.1)', 'easynegative, (bad_hands:1.1)'],
  ]],
  ['a1111', [['(a:1.2) [b] {c}', '(a:1.2) [b] {c}']]],
];
describe.each(examples)('%s', (source, cases) => {
  test.each(cases)('%s → %s', (theirs, ours) => { expect(fromDialect(theirs, source)).toBe(ours); });
});

test('words without signs of weight mean the same everywhere, and nothing throws', () => {
  const words = fc.stringMatching(/^[a-z]+(?: [a-z]+){0,4}$/);
  fc.assert(fc.property(words, fc.constantFrom('novelai', 'invokeai', 'comfyui', 'easydiffusion'), (prompt, source) => { expect(fromDialect(prompt, source)).toBe(prompt); }), { numRuns: fuzzRuns(200) });
  const letters = fc.array(fc.constantFrom('a', 'b ', '+', '-', '(', ')', '[', ']', '{', '}', '::', '1.5', '\\', ',', 'embedding:', '\n'), { maxLength: 40 }).map((parts) => parts.join(''));
  fc.assert(fc.property(letters, fc.constantFrom('novelai', 'invokeai', 'comfyui'), (prompt, source) => { parseAttention(fromDialect(prompt, source)); }), { numRuns: fuzzRuns(1000) });
});

test('brackets ten thousand deep take no time', () => {
  for (const bracket of ['(', '{', '[']) for (const source of ['novelai', 'invokeai', 'comfyui'] as const) expect(fromDialect(bracket.repeat(10_000), source)).toBeTypeOf('string');
});

test.each([['spaces', `a${' '.repeat(300_000)}b`], ['digits', '1'.repeat(300_000)], ['weighed brackets', `${'(a'.repeat(100_000)}${')+'.repeat(100_000)}`]])('300,000 %s take no time', (_, prompt) => {
  const began = performance.now();
  for (const source of ['novelai', 'invokeai', 'comfyui'] as const) fromDialect(prompt, source);
  expect(performance.now() - began).toBeLessThan(3000);
});
