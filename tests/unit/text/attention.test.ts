import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseAttention } from '../../../main/engine/text/attention';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';

const weightsOf = (prompt: string) => Object.fromEntries(parseAttention(prompt).map(({ text, weight }) => [text, weight]));
/** Text made of what the grammar is made of, so that much of it is nearly well formed. */
const promptText = fc.array(fc.constantFrom('(', ')', '[', ']', ':', '1.2', '-3', '9'.repeat(400), '.', '\\', ' ', 'cat', 'é', '猫', 'BREAK', ',', '٣', '\n'), { maxLength: 60 })
  .map((parts) => parts.join(''));

describe('emphasis', () => {
  it('multiplies nested weights', () => expect(weightsOf('a (b (c:1.5))')).toEqual({ 'a ': 1, 'b ': 1.1, c: 1.5 * 1.1 }));
  it('takes away with square brackets', () => expect(weightsOf('[cat]').cat).toBeCloseTo(1 / 1.1, 12));
  it('keeps escaped brackets as text', () => expect(parseAttention('\\(cat\\)')).toEqual([{ text: '(cat)', weight: 1 }]));
  it('lets an open bracket act to the end', () => expect(weightsOf('a (b')).toEqual({ 'a ': 1, b: 1.1 }));
  it('reads digits of any script', () => expect(weightsOf('(a:１.٥)')).toEqual({ a: 1.5 }));
  it('uses a number that is none as text', () => {
    expect(parseAttention('(a:1.2.3) b')).toEqual([{ text: 'a:1.2.3', weight: 1.1 }, { text: ' b', weight: 1 }]);
  });
  it('makes BREAK a piece of its own', () => expect(parseAttention('a BREAK b').map(({ text }) => text)).toEqual(['a', 'BREAK', 'b']));

  it('gives finite weights for any prompt', () => {
    fc.assert(fc.property(promptText, (prompt) => {
      const pieces = parseAttention(prompt);
      expect(pieces.length).toBeGreaterThan(0);
      for (const { weight } of pieces) expect(Number.isFinite(weight)).toBe(true);
    }), { numRuns: fuzzRuns(1000) });
  });
  it('gives finite weights at any depth', () => {
    for (const { weight } of parseAttention('('.repeat(9000) + 'a' + ':99999)'.repeat(500))) expect(Number.isFinite(Math.fround(weight))).toBe(true);
  });
  it('loses nothing but brackets', () => {
    const noBrackets = (text: string): string => text.replace(/[()[\]]/g, '');
    fc.assert(fc.property(fc.stringMatching(/^[a-z ,()[\]猫\n]*$/), (prompt) => {
      expect(noBrackets(parseAttention(prompt).map(({ text }) => text).join(''))).toBe(noBrackets(prompt));
    }), { numRuns: fuzzRuns(1000) });
  });
  it('never leaves two neighbours of equal weight', () => {
    fc.assert(fc.property(promptText, (prompt) => {
      const pieces = parseAttention(prompt);
      pieces.slice(1).forEach((piece, i) => expect(piece.weight).not.toBe(pieces[i]!.weight));
    }));
  });
});

describe('brackets in each other', () => {
  it.each<[string, (n: number) => string]>([
    ['[a:', (n) => '[a:'.repeat(n / 3)], ['(a:1.1 ', (n) => '(a:1.1 '.repeat(n / 7)], ['[x', (n) => '[x'.repeat(n / 2)], ['[a|…]', (n) => '[a|'.repeat(n / 4) + ']'.repeat(n / 4)], ['(a…:1.01)', (n) => '(a'.repeat(n / 8) + ':1.01)'.repeat(n / 8)],
  ])('%s take linear time', (_, text) => expectLinear((n) => parseAttention(text(n)), 16_000));
  it('weigh as much at any depth', () => {
    expect(parseAttention(`${'('.repeat(800)}a${')'.repeat(800)} b`)).toEqual([{ text: 'a', weight: 1e30 }, { text: ' b', weight: 1 }]);
    expect(parseAttention(`${'('.repeat(800)}a`)).toEqual([{ text: 'a', weight: 1e30 }]);
    expect(parseAttention(`${'[('.repeat(800)}a${')]'.repeat(800)}`)[0]!.weight).toBeCloseTo(1, 5);
  });
});
