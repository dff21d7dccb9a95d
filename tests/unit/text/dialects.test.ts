// Prompts of other programs in our words: the weights are theirs, read back by our own grammar.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAttention } from '../../../main/engine/text/attention';
import { fromDialect } from '../../../main/engine/text/dialects';
import type { PictureSource } from '../../../preload/contract/vocabulary';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';

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
  ['a1111', [
    ['(a:1.2) [b] {c}', '(a:1.2) [b] {c}'], ['[fox:hen:0.5] [a|b] AND c:0.5 BREAK <lora:x:1>', '[fox:hen:0.5] [a|b] AND c:0.5 BREAK <lora:x:1>'],
    ['house #7, {a|b} __x__', 'house \\#7, \\{a|b} _\\_x_\\_'], ['\\AND \\<lora:x:1> (a\\:1.2) \\(b\\)', 'AND <lora:x:1> (a:1.2) \\(b\\)'],
  ]],
  ['fooocus', [['a (b:1.2) [c] #1 AND d', 'a (b:1.2) \\[c\\] \\#1 \\AND d'], ['a fox\n\na hen ', 'a fox\nBREAK\na hen '], ['__colour__ {a|b} <lora:x:0.5>', '__colour__ \\{a|b} <lora:x:0.5>'], ['sad :( cat', 'sad :\\( cat']]],
  ['invokeai', [['a cat :0.7 AND a dog :0.3', 'a cat :0.7 AND a dog :0.3'], ['a cat AND a dog', 'a cat \\AND a dog']]],
  ['sdcpp', [['a [fox:hen:0.5] (b:1.2) #1 AND {c|d}', 'a [fox\\:hen\\:0.5] (b:1.2) \\#1 \\AND \\{c|d}'], ['[a|b] <lora:x:1> BREAK', '[a\\|b] <lora:x:1> BREAK']]],
  ['swarmui', [['a <alternate:fox, hen><break>[b] [c|d] [e:f:0.5]', 'a [fox|hen] BREAK \\[b\\] [c|d] [e:f:0.5]'], ['<fromto[0.5]:x, y> <embed:z> #1 AND', '[x:y:0.5] z \\#1 \\AND']]],
  ['stabilitymatrix', [['a [b] # why\n{c|d} AND', 'a \\[b\\] # why\n{c|d} \\AND']]], ['ruinedfooocus', [['a\nb __c__ #1', 'a\nb __c__ \\#1']]],
  ['huggingface', [['(a:1.2) #1 BREAK', '\\(a:1.2\\) \\#1 \\BREAK']]], ['other', [['(a:1.2) #1', '(a:1.2) \\#1'], ['a (b) #1', 'a \\(b\\) \\#1']]],
  ['drawthings', [['a (b:1.2) [c]', 'a (b:1.2) (c:0.909)'], ['(a [b:c:0.5]) d', '(a:1.1) b:c:0.5 d'], ['#1 AND \\(d)', '\\#1 \\AND \\\\(d:1.1)'], ['(open', 'open']]],
  ['easydiffusion', [['a fox++ #1', 'a (fox:1.21) \\#1'], ['a (fox:1.3) [b] {c|d} AND e', 'a (fox:1.3) [b] \\{c|d} \\AND e']]],
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

test('brackets may be ten thousand deep', () => {
  for (const bracket of ['(', '{', '[']) for (const source of ['novelai', 'invokeai', 'comfyui'] as const) expect(fromDialect(bracket.repeat(10_000), source)).toBeTypeOf('string');
});

const many: readonly (readonly [string, (n: number) => string])[] = [
  ['spaces', (n) => `a${' '.repeat(n)}b`], ['digits', (n) => '1'.repeat(n)], ['weighed brackets', (n) => `${'(a'.repeat(n / 2)}${')+'.repeat(n / 2)}`], ['open brackets', (n) => '({['.repeat(n / 2)],
];
describe.each(many)('%s', (_, prompt) => {
  test.each(['novelai', 'invokeai', 'comfyui'] as const)('take linear time from %s', (source) => expectLinear((n) => fromDialect(prompt(n), source), 20_000));
});
