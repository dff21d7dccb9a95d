// What is text elsewhere is that text here, to the letter, whatever our own language makes of such signs; and a backslash writes each of them by hand.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseAttention } from '../../../main/engine/text/attention';
import { comfyStretches } from '../../../main/engine/text/comfy-words';
import { fromComfyLanguage, fromDialect } from '../../../main/engine/text/dialects';
import { parseNegativePrompt, parsePrompt } from '../../../main/engine/text/prompt';
import { applyStyles } from '../../../main/engine/text/styles';
import { expandWildcards, wildcardLines } from '../../../main/engine/text/wildcards';
import { commentsIn } from '../../../preload/contract/comments';
import type { PictureSource } from '../../../preload/contract/vocabulary';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';

const library = { lines: () => Promise.resolve(['a line of a file']) };

/** What is painted of a prompt that is in our words: texts and weights of each part at each step. */
async function painted(prompt: string) {
  const { texts } = await expandWildcards([prompt], 7, library);
  const { parts, networks } = parsePrompt(texts[0]!, { steps: 4 });
  return { networks, parts: parts.map(({ weight, schedule }) => ({ weight, texts: [...new Set(schedule.map(({ text }) => text))].map(parseAttention) })) };
}
const asText = (text: string) => ({ networks: [], parts: [{ weight: 1, texts: [[{ text, weight: 1 }]] }] });

describe('a sign by hand', () => {
  it.each([
    ['text "\\#python" here', 'text "#python" here'], ['salt \\AND pepper', 'salt AND pepper'], ['\\BREAK it', 'BREAK it'], ['\\<lora:x:1>', '<lora:x:1>'], ['\\{a|b}', '{a|b}'], ['\\__x__', '__x__'],
    ['a poster, 16\\:9', 'a poster, 16:9'], ['\\(a\\) \\[b\\]', '(a) [b]'], ['C:\\\\dir', 'C:\\dir'], ['$\\{x}', '${x}'], ['\\[fox:hen:0.5\\]', '[fox:hen:0.5]'], ['\\(a\\:1.2\\)', '(a:1.2)'],
  ])('%s', async (typed, text) => {
    expect(await painted(typed)).toEqual(asText(text));
    expect(parseNegativePrompt(typed, { steps: 4 }).map((entry) => parseAttention(entry.text))).toEqual([[{ text, weight: 1 }]]);
  });
  it('counts in schedules and brackets', async () => {
    expect((await painted('[a\\:b:c:2] [x\\|y|z]')).parts[0]!.texts.flat().map(({ text }) => text)).toEqual(['a:b x|y', 'a:b z', 'c x|y', 'c z']);
    expect((await painted('(ratio 16\\:9)')).parts[0]!.texts).toEqual([[{ text: 'ratio 16:9', weight: 1.1 }]]);
  });
  it('stays a word behind a backslash that is text itself', async () => {
    expect(await painted('a\\\\# b')).toEqual(asText('a\\'));
    expect((await painted('a\\\\AND b')).parts).toHaveLength(2);
  });
  it('needs no brackets to be read', () => {
    const texts = (prompt: string, emphasis: 'none' | 'comfy') => parsePrompt(prompt, { steps: 4 }, emphasis).parts[0]!.schedule.map(({ text }) => text);
    expect(texts('\\# \\AND \\{a|b} (c) \\(', 'none')).toEqual(['# AND {a|b} (c) \\(']);
    expect(texts('\\{a|b} \\__x__ # AND', 'comfy')).toEqual(['{a|b} __x__ # AND']);
  });
});

describe('comments', () => {
  it('are told as they stand', () => expect(commentsIn('# by day\na "#1" sign # todo\nplain \\#2\n#')).toEqual(['by day', '1" sign # todo']));
  it('are none in lines of files and in styles where the sign is text', () => {
    expect(wildcardLines('red \\#1 # no\n#')).toEqual(['red \\#1']);
    expect(applyStyles({ prompt: 'a \\#1 # no', negative: '' }, [{ name: 'x', prompt: 'b', negative: '' }]).prompt).toBe('a \\#1, b');
    expect(applyStyles({ prompt: 'a #1', negative: '' }, [{ name: 'x', prompt: 'b', negative: '' }], { comments: false }).prompt).toBe('a #1, b');
  });
  it('hide no choice where there are none', async () => {
    expect((await expandWildcards(['#1 {a|a}'], 1, library)).texts).toEqual(['#1 {a|a}']);
    expect((await expandWildcards(['#1 {a|a}'], 1, library, { comments: false })).texts).toEqual(['#1 a']);
  });
});

const words = ['a red house ', 'fox', '#1 ', ' AND ', 'BREAK', '<lora:x:1>', '<3', '<a:', '__x__', '__', '_', '${v=b}', '${v}', '$', '|', ',', ' ', '\n', '"', '16:9', ':', ':1.5', '猫', 'AND'];
const braces = ['{a|b}', '{', '}', '{2$$a|b}'];
const programs: readonly (readonly [PictureSource, readonly string[]])[] = [
  ['invokeai', [...words, ...braces]], ['novelai', words.filter((each) => !each.includes('{') && !each.startsWith(':')).concat('\\', '(', ')', '(x:1.2)')], ['drawthings', [...words, ...braces, '\\']], ['easydiffusion', [...words, ...braces]],
  ['huggingface', [...words, ...braces, '(', ')', '[', ']', '\\', '[a|b]']],
];
test.each(programs)('%s: signs that are no words there are painted', async (source, signs) => {
  const prompts = fc.array(fc.constantFrom(...signs), { maxLength: 14 }).map((parts) => parts.join(''));
  await fc.assert(fc.asyncProperty(prompts, async (prompt) => { expect(await painted(fromDialect(prompt, source))).toEqual(asText(prompt.trimEnd())); }), { numRuns: fuzzRuns(400) });
});

test('fooocus has wildcards, and BREAK at the end of a line', async () => {
  const signs = words.filter((each) => !each.includes('__') && each !== '\n' && !each.startsWith('<lora') && each !== 'BREAK').concat(braces, '[', ']', '[a:b:0.5]');
  const prompts = fc.array(fc.constantFrom(...signs), { maxLength: 14 }).map((parts) => parts.join(''));
  await fc.assert(fc.asyncProperty(prompts, async (prompt) => { expect(await painted(fromDialect(prompt, 'fooocus'))).toEqual(asText(prompt.trimEnd())); }), { numRuns: fuzzRuns(400) });
});

test('what stands in the text of A1111 means what it meant, and no choice is made anew', async () => {
  const signs = [...words.filter((each) => each !== '#1 '), ...braces, '(', ')', '[', ']', ':1.2)', '[a:b:0.5]', '[a|b]', '\\(', '\\\\'];
  const prompts = fc.array(fc.constantFrom(...signs), { maxLength: 14 }).map((parts) => parts.join('')).filter((prompt) => !/<\w*__/.test(prompt));      // no kind of network is named so
  const plan = (prompt: string) => parsePrompt(prompt, { steps: 4 });
  const read = (prompt: string) => plan(prompt).parts.map(({ weight, schedule }) => ({ weight, pieces: schedule.map(({ text }) => parseAttention(text)) }));
  await fc.assert(fc.asyncProperty(prompts, async (prompt) => {
    const ours = fromDialect(prompt, 'a1111'), { texts } = await expandWildcards([ours], 7, library);
    expect(texts).toEqual([ours]);
    expect(read(ours)).toEqual(read(prompt));
    expect(plan(ours).networks).toEqual(plan(prompt).networks);
  }), { numRuns: fuzzRuns(400) });
});

test("what is left of choices where A1111 had them is the extension's", () => expect(fromDialect('{a|b} #1', 'a1111', { template: true })).toBe('{a|b} \\#1'));

test("a prompt of ComfyUI is painted as its graph has it, whatever our choices are", async () => {
  const signs = [...words, ...braces, '(a:1.2)', '[', '('];
  const prompts = fc.array(fc.constantFrom(...signs), { maxLength: 14 }).map((parts) => parts.join(''));
  await fc.assert(fc.asyncProperty(prompts, async (prompt) => {
    const { texts } = await expandWildcards([fromComfyLanguage(prompt)], 7, library, { comments: false });
    const [{ text } = { text: '' }] = parsePrompt(texts[0]!, { steps: 4 }, 'comfy').parts[0]!.schedule;
    expect(comfyStretches(text)).toEqual(comfyStretches(prompt));
  }), { numRuns: fuzzRuns(400) });
});

test('our own pictures say again what they said', () => fc.assert(fc.property(fc.array(fc.constantFrom(...words, ...braces, '\\#', '\\{', '(', ')')).map((parts) => parts.join('')), (prompt) => fromDialect(prompt, 'atelier') === prompt)));

test.each(['<a', '__x', '{a|', '\\', '#', ':', '[a:', 'AND ', '(', 'embedding:'])('any number of %j takes linear time', async (unit) => {
  await expectLinear((n) => { for (const source of ['a1111', 'fooocus', 'drawthings', 'invokeai'] as const) fromDialect(unit.repeat(n / unit.length), source); }, 12_000);
});

test('a name in a tag keeps its signs', () => {
  expect(parsePrompt(fromDialect('<lora:a__b__c#1:0.5> [<lora:d\\e:1>]', 'a1111'), { steps: 4 }).networks.map(({ positional }) => positional)).toEqual([['a__b__c#1', '0.5'], ['d\\e', '1']]);
});
