// The prompt field's view of the emphasis grammar: what is coloured, and what Ctrl with ↑ and ↓ does.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reweigh, spansOf } from '../../renderer/generate/emphasis';

const marked = (prompt: string) => spansOf(prompt).filter((span) => span.emphasis !== 'none').map((span) => span.text);

/** Applies the edit that the keys would make. `|` marks the caret, or both ends of the selection. */
function press(prompt: string, delta: number): string | null {
  const [before = '', middle = '', after] = prompt.split('|');
  const text = prompt.replaceAll('|', '');
  const edit = reweigh(text, before.length, after === undefined ? before.length : before.length + middle.length, delta);
  return edit && text.slice(0, edit.from) + edit.text + text.slice(edit.to);
}

describe('spans', () => {
  test.each([
    ['a (castle:1.2) at dusk', ['(castle:1.2)']],
    ['a (very (old)) [tree]', ['(very (old))', '[tree]']],
    ['a smile :) and (an open one', []],
    ['\\(plain\\) (loud)', ['(loud)']],
    ['((a) b', ['(a)']],
  ])('%s', (prompt, expected) => expect(marked(prompt)).toEqual(expected));

  test('joined they are the prompt, whatever it is', () => {
    fc.assert(fc.property(fc.array(fc.constantFrom('(', ')', '[', ']', '\\', ':', '1.2', 'a', ' ')).map((parts) => parts.join('')), (prompt) =>
      spansOf(prompt).map((span) => span.text).join('') === prompt));
  });
});

describe('weights', () => {
  test.each([
    ['a re|d house', 0.05, 'a (red:1.05) house'],
    ['a |red house| here', 0.05, 'a (red house:1.05) here'],
    ['a |red house, |here', -0.05, 'a (red house:0.95), here'],
    ['a (re|d:1.05) house', 0.05, 'a (red:1.1) house'],
    ['a (|red|:1.05) house', -0.05, 'a red house'],
    ['a (|red|:2) house', 0.05, 'a (red:2) house'],
  ])('%s by %d', (prompt, delta, expected) => expect(press(prompt, delta)).toBe(expected));

  test('nothing to weigh between words', () => expect(press('a |  b', 0.05)).toBeNull());

  test('up and down again gives the words back', () => {
    fc.assert(fc.property(fc.stringMatching(/^[a-z]{1,8}( [a-z]{1,8}){0,4}$/), fc.nat(40), (prompt, at) => {
      const caret = Math.min(at, prompt.length);
      const up = reweigh(prompt, caret, caret, 0.05);
      if (!up) return;
      const weighed = prompt.slice(0, up.from) + up.text + prompt.slice(up.to);
      const down = reweigh(weighed, ...up.select, -0.05);
      expect(down && weighed.slice(0, down.from) + down.text + weighed.slice(down.to)).toBe(prompt);
    }));
  });
});
