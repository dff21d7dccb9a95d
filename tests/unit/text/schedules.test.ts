// Prompt editing and alternation, against tables of what A1111's own grammar gives and against a slow second reading of it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSchedule } from '../../../main/engine/text/schedules';
import { fuzzRuns } from '../../support/fuzz';
import { possibleSchedules } from './schedule-readings';

const texts = (prompt: string, steps = 10) => parseSchedule(prompt, { steps }).map(({ endAtStep, text }) => `${endAtStep} ${text}`);
const promptText = fc.array(fc.constantFrom('(', ')', '[', ']', ':', '|', '\\', '0.5', '3', '1e999', '-', ' ', 'cat', '猫', 'BREAK', '\n', '[a:b:', '[a|b]'), { maxLength: 60 })
  .map((parts) => parts.join(''));

describe('schedules', () => {
  it('changes the text after a step or a share of the steps', () => {
    expect(texts('a [cat:dog:0.25]', 20)).toEqual(['5 a cat', '20 a dog']);
    expect(texts('a [red :8]car', 20)).toEqual(['8 a car', '20 a red car']);
    expect(texts('[fog::4] hill')).toEqual(['4 fog hill', '10  hill']);
  });
  it('alternates at every step', () => expect(texts('[a|b|]c', 4)).toEqual(['1 ac', '2 bc', '3 c', '4 ac']));
  it('nests, also around emphasis', () => expect(texts('[:(detailed [face|hand]:1.2):2]', 4)).toEqual(['1 ', '2 ', '3 (detailed face:1.2)', '4 (detailed hand:1.2)']));
  it('takes a number with a dot as a share even above 1, and before 1.6 any number from 1 on as a step', () => {
    expect(texts('[a:b:1.5]')).toEqual(['10 a']);
    expect(parseSchedule('[a:b:1.5]', { steps: 10, oldRule: true })).toEqual([{ endAtStep: 1, text: 'a' }, { endAtStep: 10, text: 'b' }]);
  });
  it('counts on from the first pass in the second', () => {
    expect(parseSchedule('[a:b:1.25]', { steps: 20, hiresSteps: 8 })).toEqual([{ endAtStep: 2, text: 'a' }, { endAtStep: 8, text: 'b' }]);
  });
  it.each(['[a:b', 'a:b:0.5]', '[a:b:c]', '[a:b:0.5:c:0.7]', '{a|b}', '[a|b:0.5]', '[a:0.5]]', '[a:b:0.5]\\'])('uses %s literally', (prompt) => expect(texts(prompt)).toEqual([`10 ${prompt}`]));

  // From A1111's grammar as its own parser reads it: 26,000 texts, under up to 40 seeds of the sets' hash; these come out the same under each.
  it.each([
    ['[\\::.5\n]', ['5 ', '10 \\:']], ['[\\]cat:\\]: .5 ]', ['5 \\]cat', '10 \\]']], ['[a[\\::-1 ]:0.5]', ['5 ', '10 a\\:']], ['[(5): .5]', ['5 ', '10 (5)']],
    ['[[a:0 ]: 5\n]', ['5 ', '10 a']], ['[[c d]:+2\n]', ['2 ', '10 [c d]']], ['([BREAK:b: 1 ])', ['1 (BREAK)', '10 (b)']], ['[é\n:bBR[AK: 5]', ['5 [é\n:bBR', '10 [é\n:bBRAK']],
    ['[\\]:b:٣ [:c d: +2 ]', ['2 [\\]:b:٣ ', '10 [\\]:b:٣ c d']], ['(c d) 3[0.[5:\\]:+2\n]', ['2 (c d) 3[0.5', '10 (c d) 3[0.\\]']], ['[(\\[ : -1):a: 1]', ['1 (\\[ : -1)', '10 a']],
    ['[a: 1e1]', ['10 ']], ['[a:b:-1]', ['10 b']],
  ])('reads %j as A1111 does', (prompt, expected) => expect(texts(prompt)).toEqual(expected));
  it.each([
    ['[[x, y|\\(]] 3', ['1 [x, y] 3', '2 [\\(] 3']], ['([x, y|0.5|\\:] : -1)', ['1 (x, y : -1)', '2 (0.5 : -1)', '3 (\\: : -1)']], ['[[a:5]|\\(]', ['1 ', '2 \\(', '3 ']],
    ['[[|[b]|x, y]', ['1 [', '2 [[b]', '3 [x, y']], ['[b|\n])', ['1 b)', '2 \n)']], ['[[a|b]:5]]', ['1 ]', '2 ]', '3 ]', '4 ]', '5 ]', '6 b]']], ['[||]', ['1 ', '2 ', '3 ']], ['[5|5:)](', ['10 [5|5:)](']],
  ])('alternates in %j as A1111 does', (prompt, expected) => expect(texts(prompt).slice(0, expected.length)).toEqual(expected));
  it.each(['[5:c d: ٣ ]', '[]\\]|BREAK|a]', '[BREAK: .\\\n]', '[x), y: -1 ]', '[(\\]:1.2):\\(: ٣]', '[: d]', '[BE)AK|a]', '[(:): 1e1cat\n]', 'b[ AND ]:1.2)|'])('uses %j literally, as A1111 does', (prompt) => {
    expect(texts(prompt)).toEqual([`10 ${prompt}`]);
  });

  it('is one of the readings that the grammar has', () => {
    const short = fc.array(fc.constantFrom('[', ']', '[', ']', '(', ')', ':', ':', '|', '\\', ' ', ',', '.5', '5', 'a', 'AND', 'BREAK', '\n', '[a:5]', '[a|b]', ':.5]'), { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(fc.property(short, (prompt) => {
      expect(possibleSchedules(prompt, 4)).toContain(JSON.stringify(parseSchedule(prompt, { steps: 4 })));
    }), { numRuns: fuzzRuns(3000) });
  });
  it('takes any text: ascending steps up to the last', () => {
    fc.assert(fc.property(promptText, fc.integer({ min: 1, max: 40 }), (prompt, steps) => {
      const ends = parseSchedule(prompt, { steps }).map(({ endAtStep }) => endAtStep);
      expect(ends.at(-1)).toBe(steps);
      ends.forEach((end, i) => expect(end).toBeGreaterThan(ends[i - 1] ?? 0));
    }), { numRuns: fuzzRuns(1000) });
  });
  it('leaves text without numbers and alternatives exactly as it is', () => {
    fc.assert(fc.property(fc.stringMatching(/^[a-z ()[\]:\n猫]*$/), (prompt) => {
      expect(parseSchedule(prompt, { steps: 9 })).toEqual([{ endAtStep: 9, text: prompt }]);
    }), { numRuns: fuzzRuns(1000) });
  });
});
