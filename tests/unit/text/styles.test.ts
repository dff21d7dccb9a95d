import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyStyles, formatStyles, parseStyles, recogniseStyles, type Style } from '../../../main/engine/text/styles';
import { expectLinear } from '../../support/growth';

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

  it('may have columns in any order, too few cells, and headings that we do not know', () => {
    expect(parseStyles('Negative_Prompt, text ,prompt,NAME\nbad,old,new,a\n,,,\nx\n')).toEqual([{ name: 'a', prompt: 'new', negative: 'bad' }]);
    expect(parseStyles('prompt\nlost,not a name')).toEqual([]);
  });
  it('keeps what else a table has when styles are saved: columns, comments, dividers', () => {
    const before = '\ufeffname,text,colour\r\n# people,,\r\nA,old a,red\r\n---- PLACES ----,,\r\nB,b,"blue, dark"\r\n# end,,\r\n';
    const kept = parseStyles(before).filter(({ name }) => name !== 'A');
    expect(formatStyles([{ name: 'New', prompt: 'n', negative: 'x' }, ...kept], before)).toBe(
      '\ufeffname,text,colour,negative_prompt\r\nNew,n,,x\r\n# people,,\r\n---- PLACES ----,,,\r\nB,b,"blue, dark",\r\n# end,,\r\n');
  });

  const text = fc.string({ unit: 'binary', maxLength: 30 });
  const style = fc.record({ name: text.filter((name) => name !== '' && !name.startsWith('#')), prompt: text, negative: text });
  it('is read as it was written', () => fc.assert(fc.property(fc.uniqueArray(style, { selector: ({ name }) => name }), (styles) => {
    expect(parseStyles(formatStyles(styles))).toEqual(styles);
  })));
  it('is any text', () => fc.assert(fc.property(fc.array(fc.constantFrom('"', ',', '\n', '\r\n', ' ', 'name', 'prompt', '#', 'x')).map((parts) => parts.join('')), (csv) => void parseStyles(csv))));
  it.each<[string, (n: number) => string]>([['quotes', (n) => `name,prompt\n"${'""'.repeat(n)}`], ['open quotes', (n) => '"a'.repeat(n)]])('of many %s is read in linear time', (_, table) =>
    expectLinear((n) => parseStyles(table(n)), 5000));
});

describe('put on', () => {
  it('around the prompt, or behind it', () => {
    expect(applyStyles({ prompt: 'a cat', negative: '' }, [film, sharp])).toEqual({ prompt: 'film still, a cat, 35mm, sharp focus', negative: 'blurry' });
    expect(applyStyles({ prompt: '', negative: 'ugly' }, [sharp, tidy])).toEqual({ prompt: 'sharp focus', negative: 'text, ugly' });
    expect(applyStyles({ prompt: 'a cat', negative: '' }, [{ name: 'Twice', prompt: '{prompt}, ({prompt}:1.2)', negative: '' }]).prompt).toBe('a cat, (a cat:1.2)');
    expect(applyStyles({ prompt: 'a cat # Tom\n', negative: '' }, [film, { name: 'Noted', prompt: 'sharp # focus', negative: '' }]).prompt).toBe('film still, a cat, 35mm, sharp');
    expect(applyStyles({ prompt: '$& $1', negative: '' }, [film]).prompt).toBe('film still, $& $1, 35mm');
  });
});

describe('recognised', () => {
  const known = [sharp, tidy, film];
  it('in their order, with the prompts as they were', () => {
    expect(recogniseStyles({ prompt: 'film still, a cat, 35mm, sharp focus', negative: 'blurry' }, known)).toEqual({ prompt: 'a cat', negative: '', styles: ['Film', 'Sharp'] });
  });
  it('with the prompt at several places', () => {
    const twice = { name: 'Twice', prompt: '{prompt}, ({prompt}:1.2)', negative: '' };
    expect(recogniseStyles({ prompt: 'a cat, (a cat:1.2)', negative: '' }, [twice])).toEqual({ prompt: 'a cat', negative: '', styles: ['Twice'] });
    expect(recogniseStyles({ prompt: 'a cat, (a dog:1.2)', negative: '' }, [twice]).styles).toEqual([]);
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
