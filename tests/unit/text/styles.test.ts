import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyStyles, formatStyles, parseStyles, recogniseStyles, type Style } from '../../../main/engine/text/styles';

const film: Style = { name: 'Film', prompt: 'film still, {prompt}, 35mm', negative: 'blurry' };
const sharp: Style = { name: 'Sharp', prompt: 'sharp focus', negative: '' };
const tidy: Style = { name: 'Tidy', prompt: '', negative: 'text, {prompt}' };

describe('styles.csv', () => {
  it('reads what A1111 writes: a mark, cells of several lines, quotes, comments, older headings', () => {
    expect(parseStyles('\ufeffname,prompt,negative_prompt\r\nFilm,"film still, {prompt}, 35mm", blurry\r\n# group,,\r\n"A ""b""","one\ntwo",\r\n')).toEqual([
      film, { name: 'A "b"', prompt: 'one\ntwo', negative: '' },
    ]);
    expect(parseStyles('name,text\nSharp,sharp focus')).toEqual([sharp]);
    expect(parseStyles('')).toEqual([]);
    expect(parseStyles('not a table')).toEqual([]);
    expect(parseStyles('name,prompt\na,1\na,2\n')).toEqual([{ name: 'a', prompt: '2', negative: '' }]);
  });

  const text = fc.string({ unit: 'binary', maxLength: 30 });
  const style = fc.record({ name: text.filter((name) => name !== '' && !name.startsWith('#')), prompt: text, negative: text });
  it('is read as it was written', () => fc.assert(fc.property(fc.uniqueArray(style, { selector: ({ name }) => name }), (styles) => {
    expect(parseStyles(formatStyles(styles))).toEqual(styles);
  })));
  it('is any text', () => fc.assert(fc.property(fc.array(fc.constantFrom('"', ',', '\n', '\r\n', ' ', 'name', 'prompt', '#', 'x')).map((parts) => parts.join('')), (csv) => void parseStyles(csv))));
  it('of a megabyte takes no time', () => {
    const began = performance.now();
    parseStyles(`name,prompt\n"${'""'.repeat(500_000)}`);
    parseStyles('"a'.repeat(400_000));
    expect(performance.now() - began).toBeLessThan(2000);
  });
});

describe('put on', () => {
  it('around the prompt, or behind it', () => {
    expect(applyStyles({ prompt: 'a cat', negative: '' }, [film, sharp])).toEqual({ prompt: 'film still, a cat, 35mm, sharp focus', negative: 'blurry' });
    expect(applyStyles({ prompt: '', negative: 'ugly' }, [sharp, tidy])).toEqual({ prompt: 'sharp focus', negative: 'text, ugly' });
    expect(applyStyles({ prompt: '$& $1', negative: '' }, [film]).prompt).toBe('film still, $& $1, 35mm');
  });
});

describe('recognised', () => {
  const known = [sharp, tidy, film];
  it('in their order, with the prompts as they were', () => {
    expect(recogniseStyles({ prompt: 'film still, a cat, 35mm, sharp focus', negative: 'blurry' }, known)).toEqual({ prompt: 'a cat', negative: '', styles: ['Film', 'Sharp'] });
  });
  it('only where both prompts have them', () => {
    expect(recogniseStyles({ prompt: 'film still, a cat, 35mm', negative: '' }, known).styles).toEqual([]);
    expect(recogniseStyles({ prompt: 'unsharp focus', negative: '' }, known).styles).toEqual([]);
  });
  const words = fc.array(fc.constantFrom('a cat', ', ', 'sharp focus', 'film still, ', ', 35mm', 'blurry', 'text, ', ' ')).map((parts) => parts.join(''));
  it('so that putting them on again gives the same prompts', () => fc.assert(fc.property(words, words, fc.subarray(known), (prompt, negative, on) => {
    const styled = applyStyles({ prompt, negative }, on);
    const { styles, ...before } = recogniseStyles(styled, known);
    expect(applyStyles(before, styles.map((name) => known.find((style) => style.name === name)!))).toEqual(styled);
  })));
  it('all of those that were put on a plain prompt', () => fc.assert(fc.property(fc.shuffledSubarray(known), (on) => {
    const { styles } = recogniseStyles(applyStyles({ prompt: 'a dog', negative: 'ugly' }, on), known);
    expect(styles.toSorted()).toEqual(on.map(({ name }) => name).toSorted());
  })));
});
