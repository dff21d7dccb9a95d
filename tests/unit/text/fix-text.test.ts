import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { charmaps } from '../../../main/engine/text/charmaps';
import { fixText, inOrder } from '../../../main/engine/text/fix-text';
import { unescapeAll, unescapeCertain, unescapeHtml } from '../../../main/engine/text/html-entities';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';

const windows1252 = charmaps.find(({ name }) => name === 'windows-1252')!;

describe('fixText', () => {
  it.each([
    ['UTF-8 read as windows-1252', 'âœ” No problems', '✔ No problems'],
    ['read twice over', 'ÃƒÂ©', 'é'],
    ['read as windows-1251', 'Ð¿Ñ€Ð¸Ð²ÐµÑ‚', 'привет'],
    ['read as MacRoman', 'caf√©', 'café'],
    ['a lost no-break space', 'voilÃ le travail', 'voilà le travail'],
    ['a lost byte', 'â€œquotedâ€�', '"quoted�'],
    ['only part of the text', 'ok ✔ and cafÃ©', 'ok ✔ and café'],
    ['windows-1252 read as Latin-1', '\x93smart\x94', '"smart"'],
    ['ligatures', 'ﬂuﬃest Ǆ', 'fluffiest DŽ'],
    ['line breaks', 'a\r\nb\rc\u2028d', 'a\nb\nc\nd'],
    ['terminal colours and control characters', '\x1b[31mred\x1b[0m\x07\ufeff', 'red'],
    ['combining marks', 'e\u0301', 'é'],
    ['references in capitals', 'P&EACUTE;REZ', 'PÉREZ'],
  ])('repairs %s', (_, broken, fixed) => expect(fixText(broken)).toBe(fixed));

  it.each([['accents', 'Ångström naïve façade'], ['a face', '(ò_ó)'], ['emoji', '😀👨‍👩‍👧'], ['an unfinished reference', 'AT&T &amp'], ['markup', '<b>&amp;</b>']])('leaves %s alone', (_, text) => expect(fixText(text)).toBe(text));

  it('takes the text for HTML from the first line with a bracket on', () => expect(fixText('&amp;\n<p>&amp;\n&amp;')).toBe('&\n<p>&amp;\n&amp;'));

  it('repairs any Russian word that was misread as windows-1252', () => {
    fc.assert(fc.property(fc.stringMatching(/^[а-яА-Я]{4,20}$/), (text) => {
      const misread = [...new TextEncoder().encode(text)].map((byte) => (byte < 0x80 ? String.fromCharCode(byte) : windows1252.high[byte - 0x80])).join('');
      expect(fixText(misread)).toBe(text);
    }));
  });
  it('leaves plain ASCII as it is, references aside', () => {
    fc.assert(fc.property(fc.stringMatching(/^[\n\x20-%'-~]*$/), (text) => { expect(fixText(text)).toBe(text); }));
  });
  it('ends for any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (text) => { expect(typeof fixText(text)).toBe('string'); }));
  });
});

describe('unescapeHtml', () => {
  it.each([['&lt;b&gt;', '<b>'], ['&ltfoo', '<foo'], ['&notit;', '¬it;'], ['&#128512;', '😀'], ['&#x80;', '€'], ['&#0;', '\ufffd'], ['&#xD800;', '\ufffd'],
    ['&#1;', ''], ['&#99999999999999999999;', '\ufffd'], ['&nosuch;', '&nosuch;'], ['&&', '&&'], ['&CounterClockwiseContourIntegral;', '∳'], ['&#65', 'A']])('%s → %s', (text, plain) => {
    expect(unescapeHtml(text)).toBe(plain);
  });
});

describe('without end', () => {
  it.each<[string, (n: number) => string]>([
    ['marks of several classes', (n) => '\u0301\u0323\u0300\u0327'.repeat(n / 4)], ['marks of one class', (n) => `a${'\u0301'.repeat(n)}`], ['references in references', (n) => `&${'amp;'.repeat(n / 4)}`],
    ['references of letters', (n) => '&#9'.repeat(n / 4) + '7;'.repeat(n / 4)], ['mojibake', (n) => 'cafÃ© ðŸ˜€ '.repeat(n / 10)], ['emoji joined', (n) => '👨\u200d👩\u200d👧\u200d👦'.repeat(n / 11)], ['terminal colours', (n) => '\x1b[1'.repeat(n / 3)],
  ])('%s take linear time', (_, text) => expectLinear((n) => fixText(text(n)), 4000));

  it('marks are put in the order that normal forms have', () => {
    const mark = fc.constantFrom(...'\u0301\u0300\u0323\u0327\u0334\u0345\u034f\u0344\u093c\u094d\u3099\u05b0\u064b\u{1d165}\u{1d16d}\u0e38\u0eb8\u0f71\u0f73\u302a\u0903\u20dd');
    fc.assert(fc.property(fc.array(mark, { minLength: 32, maxLength: 100 }), (marks) => {
      for (const form of ['NFC', 'NFD'] as const) expect(`a${inOrder(marks.join(''))}b`.normalize(form)).toBe(`a${marks.join('')}b`.normalize(form));
    }), { numRuns: fuzzRuns(500) });
  });

  it('references in each other come to what they do one by one', () => {
    const parts = fc.array(fc.constantFrom('&', 'amp;', '#38;', '#x26;', '#59;', 'semi;', ';', '&#', '9', '7;', 'a', 'm', 'p', '&#97;', '&lt;', 'EACUTE;', '&P', '<', '&semi', 'é'), { maxLength: 14 }).map((all) => all.join(''));
    fc.assert(fc.property(parts, (text) => {
      let last = text;
      for (let next = unescapeCertain(last); next !== last; next = unescapeCertain(last)) last = next;
      expect(unescapeAll(text)).toBe(last);
    }), { numRuns: fuzzRuns(2000) });
  });
});
