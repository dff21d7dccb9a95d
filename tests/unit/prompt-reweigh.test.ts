// Ctrl with ↑ and ↓ in the prompt field: what was pressed weighs more or less, and the prompt is otherwise the same to its reader.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseAttention } from '../../main/engine/text/attention';
import { parsePrompt } from '../../main/engine/text/prompt';
import { expandWildcards } from '../../main/engine/text/wildcards';
import { reweigh } from '../../renderer/generate/emphasis';
import { promptTree } from '../../renderer/generate/prompt-tree';
import { fuzzRuns } from '../support/fuzz';
import { expectLinear } from '../support/growth';

interface Field { text: string; start: number; end: number }

/** One press, as the field does it. */
function press({ text, start, end }: Field, delta = 0.05): Field {
  const edit = reweigh(text, start, end, delta);
  return edit ? { text: text.slice(0, edit.from) + edit.text + text.slice(edit.to), start: edit.select[0], end: edit.select[1] } : { text, start, end };
}

/** `¦` marks the caret, or both ends of the selection. */
function field(marked: string): Field {
  const [before = '', middle = '', after] = marked.split('¦');
  return { text: marked.replaceAll('¦', ''), start: before.length, end: after === undefined ? before.length : before.length + middle.length };
}

test.each([
  ['words', 'a re¦d house', 'a (red:1.05) house'], ['words', 'a red¦, house', 'a (red:1.05), house'], ['words', 'red__x__¦y', '(red__x__y:1.05)'], ['words', 'easy_nega¦tive', '(easy_negative:1.05)'],
  ['words', 'a __colour/wa¦rm__ house', 'a (__colour/warm__:1.05) house'], ['words', 'a 1¦6:9 frame', 'a (16:9:1.05) frame'], ['words', 'C:\\\\d¦ir', '(C:\\\\dir:1.05)'],
  ['selections', 'a ¦red house, ¦here', 'a (red house:1.05), here'], ['selections', '¦a castle\nblue sky¦\ngrass', '(a castle\nblue sky:1.05)\ngrass'], ['selections', 'a ¦(fox:1.2)¦ b', 'a (fox:1.25) b'],
  ['selections', '¦(fox:1.2) and (hen:1.3)¦', '((fox:1.2) and (hen:1.3):1.05)'], ['selections', 'x ¦y (fox:1¦.2) z', 'x (y (fox:1.2):1.05) z'], ['selections', '(a ¦red¦ house:1.2)', '(a (red:1.05) house:1.2)'],
  ['selections', '(¦a red house¦:1.2)', '(a red house:1.25)'], ['selections', '¦a BREAK b AND c:0.5¦', '(a:1.05) BREAK (b:1.05) AND (c:1.05):0.5'], ['selections', '¦a # b\nc¦', '(a:1.05) # b\n(c:1.05)'],
  ['selections', '¦[fox:hen:0.5] x¦', '([fox:hen:0.5] x:1.05)'], ['selections', '[¦fox:hen¦:0.5]', '[(fox:1.05):(hen:1.05):0.5]'],
  ['brackets', '(f¦ox:1.2)', '(fox:1.25)'], ['brackets', '(f¦ox)', '(fox:1.15)'], ['brackets', '[f¦ox]', '[(fox:1.05)]'], ['brackets', '(f¦ox:-0.5)', '(fox:-0.45)'], ['brackets', '(f¦ox:2)', '(fox:2)'], ['brackets', '(f¦ox:0.95)', 'fox'],
  ['brackets', '(a (fo¦x:1.2) hen:1.1)', '(a (fox:1.25) hen:1.1)'], ['brackets', '(a (fox:1.2) he¦n:1.1)', '(a (fox:1.2) hen:1.15)'], ['brackets', '(fox:1.¦2)', '(fox:1.25)'], ['brackets', '¦(fox:1.2)', '(fox:1.25)'], ['brackets', 'red, (some phra¦se:0.95), blue', 'red, some phrase, blue'],
  ['brackets', '(f¦ox:1.234)', '(fox:1.284)'], ['brackets', 'a (open f¦ox', 'a (open (fox:1.05)'], ['brackets', 'fo¦x) b', '(fox:1.05)) b'], ['brackets', '((a:b:0.9¦5))', '(a:b)'], ['brackets', '(fo¦x <lora:x:1> hen:0.95)', '(fox <lora:x:1> hen:1)'], ['brackets', '(fo¦x [a:b:5]:0.95)', 'fox [a:b:5]'], ['brackets', '((a:5:0.9¦5))', '((a:5:1))'], ['brackets', '_(_x_¦_:0.95)', '_(_x__:1)'],
  ['escapes', 'st¦ar_\\(sky\\), night', '(star_\\(sky\\):1.05), night'], ['escapes', 'a \\(b¦ c\\)', 'a (\\(b:1.05) c\\)'], ['escapes', '\\[te¦xt\\]', '(\\[text\\]:1.05)'], ['escapes', '\\#on¦e \\AND', '(\\#one:1.05) \\AND'],
  ['schedules', 'a [fox:he¦n:0.5] runs', 'a [fox:(hen:1.05):0.5] runs'], ['schedules', 'a [fo¦x:hen:0.5]', 'a [(fox:1.05):hen:0.5]'], ['schedules', '[he¦n:5]', '[(hen:1.05):5]'], ['schedules', '[fo¦x::5]', '[(fox:1.05)::5]'], ['schedules', '[a:b:0.¦5]', '[a:b:0.5]'],
  ['schedules', '[[a:b¦:3]:c:0.5]', '[[a:(b:1.05):3]:c:0.5]'], ['schedules', '[a (b¦:1.2):c:0.5]', '[a (b:1.25):c:0.5]'],
  ['alternatives', 'a [fo¦x|hen] runs', 'a [(fox:1.05)|hen] runs'], ['alternatives', 'a {fo¦x|hen}', 'a {(fox:1.05)|hen}'], ['alternatives', '{2$$fo¦x|hen}', '{2$$(fox:1.05)|hen}'], ['alternatives', '{0.5::fo¦x|hen}', '{0.5::(fox:1.05)|hen}'], ['alternatives', '${a=fo¦x}', '${a=fox}'],
  ['tags', 'word <lora:L¦1:1>  <lora:L2:1>', 'word <lora:L1:1.05>  <lora:L2:1>'], ['tags', 'x <lora:L¦1>, y', 'x <lora:L1:1.05>, y'], ['tags', '<lora:L¦1:0.8:unet=0.5>', '<lora:L1:0.85:unet=0.5>'], ['tags', '<lora:L¦1:te=0.5>', '<lora:L1:1.05:te=0.5>'],
  ['tags', '<lora:L¦1:-0.5>', '<lora:L1:-0.45>'], ['tags', '<style:fi¦lm>', '<style:film>'], ['tags', '¦fox <lora:L1:1> hen¦', '(fox:1.05) <lora:L1:1.05> (hen:1.05)'], ['tags', '¦<lora:L1:1><lora:L2:1>¦', '<lora:L1:1.05><lora:L2:1.05>'], ['tags', '<3 lo¦ve', '<3 (love:1.05)'],
  ['tags that choices make', '¦<3{a|b}¦<lora:x:1>', '<3{a|b}<lora:x:1>'], ['tags that choices make', '¦[a|b]<3{a|b}¦<lora:L2>', '[a|b]<3{a|b}<lora:L2>'], ['tags that choices make', '¦<__a/b__¦ <lora:x:1>', '<__a/b__ <lora:x:1>'],
  ['tags that choices make', '¦<3 {a|b}¦ <lora:x:1>', '(<3 {a|b}:1.05) <lora:x:1>'], ['tags that choices make', '¦<3{a|b}¦', '(<3{a|b}:1.05)'],
  ['words of the language', 'fox BRE¦AK hen', 'fox BREAK hen'], ['words of the language', 'fox AN¦D hen', 'fox AND hen'], ['words of the language', 'fox:1.¦2 AND hen', 'fox:1.2 AND hen'], ['words of the language', 'fo¦x:1.2 AND hen', '(fox:1.05):1.2 AND hen'],
  ['words of the language', 'fo¦x:1.2 <lora:x:1> # why\n AND hen', '(fox:1.05):1.2 <lora:x:1> # why\n AND hen'], ['words of the language', 'fox # wh¦y', 'fox # why'], ['words of the language', '¦BREAK¦fast', 'BREAKfast'], ['words of the language', 'a ¦  b', 'a   b'],
])('%s: %s', (_, marked, up) => expect(press(field(marked)).text).toBe(up));

test.each<[string, number, string]>([['¦a castle\nblue sky¦\ngrass', 2, '(a castle\nblue sky:1.1)\ngrass'], ['fo¦x', 3, '(fox:1.15)'], ['¦((hen:1.3):1.15)', 2, '((hen:1.3):1.25)'], ['¦(a) (hen:1.3)¦', 2, '((a) (hen:1.3):1.1)'], ['¦(fox:1.2) BREAK hen¦', 2, '(fox:1.3) BREAK (hen:1.1)'], ['<lora:L¦1:1>', 3, '<lora:L1:1.15>']])('%s, %i presses', (marked, presses, text) => {
  let now = field(marked);
  for (let i = 0; i < presses; i++) now = press(now);
  expect(now.text).toBe(text);
  for (let i = 0; i < presses; i++) now = press(now, -0.05);
  expect(now.text).toBe(field(marked).text);
});

test('the word stays selected without its brackets, and a tag keeps the caret', () => {
  const selected = ({ text, start, end }: Field): string => text.slice(start, end);
  expect(selected(press(field('a re¦d house')))).toBe('red');
  expect(selected(press(field('(re¦d:0.95) house')))).toBe('red');
  expect(press(field('a <lora:L¦1:1>, b'))).toMatchObject({ start: 9, end: 9 });
});

describe('whatever stands there', () => {
  const library = { lines: () => Promise.resolve(['one', '(two:1.1)']) };
  /** Letters of each part at each step, with their weights aside, and what tags call up, without numbers. */
  async function meaning(prompt: string) {
    const { texts } = await expandWildcards([prompt], 7, library), { parts, networks } = parsePrompt(texts[0]!, { steps: 4 });
    const plain = (text: string): string => parseAttention(text).map((piece) => (piece.text === 'BREAK' && piece.weight < 0 ? '\0' : piece.text)).join('').replace(/\s+/g, '');
    return { networks: networks.map(({ kind, positional, named }) => [kind, positional.filter((each) => !/^-?[\d.]+$/.test(each)), [...named]]), parts: parts.map(({ weight, schedule }) => ({ weight, texts: schedule.map(({ endAtStep, text }) => [endAtStep, plain(text)]) })) };
  }
  const signs = ['fox', 'red house', ' ', ', ', '(', ')', '[', ']', ':1.2)', ':0.95)', '(hen:1.3)', '(a)', '[fox:hen:0.5]', '[b:2]', '[a|b]', '[(a) ', '(b ', '[c:', ':3]', '|d]', '{e|', ']', '[fox]', '(red (hen:1.3) ', ':1.15)', '{a|b}', '{', '}', '|', '__x__', '<lora:L1:1>', '<lora:L2>', '<3', ' BREAK ', ' AND ', ':', ':0.5', '\\(', '\\)', '\\', '\\#', '# c\n', '\n', '_', '猫', '😀'];
  const fields = fc.tuple(fc.array(fc.constantFrom(...signs), { maxLength: 14 }).map((parts) => parts.join('')), fc.nat(60), fc.nat(60))
    .map(([text, a, b]): Field => ({ text, start: Math.min(a, b, text.length), end: Math.min(Math.max(a, b), text.length) }))
    .chain((at) => fc.constantFrom(at, { ...at, end: at.start }));

  /** Of brackets that match nothing A1111 has several readings. */
  const isMatched = (text: string): boolean => !promptTree(text).stops.some(({ start, end }) => end === start + 1 && /[()[\]{}]/.test(text[start]!));

  it('only weights change', async () => {
    await fc.assert(fc.asyncProperty(fields, fc.constantFrom(0.05, -0.05), async (at, delta) => {
      if (!isMatched(at.text)) return;
      const pressed = press(at, delta);
      expect(await meaning(pressed.text)).toEqual(await meaning(at.text));
    }), { numRuns: fuzzRuns(1000) });
  });
  it('back is as before', () => {
    fc.assert(fc.property(fields, fc.constantFrom(0.05, -0.05), (at, delta) => {
      const once = press(at, delta), back = press(once, -delta), again = press(press(back, delta), -delta);
      if (!isMatched(at.text)) return;
      expect(again).toEqual(back);
      // But for numbers that were left out, and spaces at the edge of a bracket.
      if (!at.text.includes('<lora:L2>') && !/[\s,]:[\d.]+\)|\([\s,#]/.test(at.text) && promptTree(at.text).groups.every(({ kind, weight }) => kind !== 'round' || weight)) expect(back.text).toBe(at.text);
    }), { numRuns: fuzzRuns(1000) });
  });
  it('takes linear time', async () => {
    for (const unit of ['(', ')', '[a|', '(fox:1.2) ', '[a:b:0.5]', '<lora:', '<lora:x:1> ', 'a BREAK ', '{a|', '\\', '__', 'fox ', '(a BREAK b) ']) {
      const prompt = (n: number) => unit.repeat(n / unit.length);
      await expectLinear((n) => { reweigh(prompt(n), 0, n, 0.05); reweigh(prompt(n), n >> 1, n >> 1, 0.05); }, 12_000, unit);
    }
  });
});
