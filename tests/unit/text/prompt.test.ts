import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitAnd } from '../../../main/engine/text/and';
import { takeExtraNetworks } from '../../../main/engine/text/extra-networks';
import { parseNegativePrompt, parsePrompt } from '../../../main/engine/text/prompt';
import { parseSchedule } from '../../../main/engine/text/schedules';
import { fuzzRuns } from '../../support/fuzz';

const texts = (prompt: string, steps = 10) => parseSchedule(prompt, { steps }).map(({ endAtStep, text }) => `${endAtStep} ${text}`);
const promptText = fc.array(fc.constantFrom('(', ')', '[', ']', ':', '|', '\\', '0.5', '3', '1e999', '-', ' ', 'cat', '猫', ' AND ', 'BREAK', '<lora:', 'a=b', '>', '#', '\n', '[a:b:', '[a|b]'),
  { maxLength: 60 }).map((parts) => parts.join(''));

describe('schedules', () => {
  it('changes the text after a step or a share of the steps', () => {
    expect(texts('a [cat:dog:0.25]', 20)).toEqual(['5 a cat', '20 a dog']);
    expect(texts('a [red :8]car', 20)).toEqual(['8 a car', '20 a red car']);
    expect(texts('[fog::4] hill')).toEqual(['4 fog hill', '10  hill']);
  });
  it('alternates at every step', () => expect(texts('[a|b|]c', 4)).toEqual(['1 ac', '2 bc', '3 c', '4 ac']));
  it('nests, also around emphasis', () => expect(texts('[:(detailed [face|hand]:1.2):2]', 4)).toEqual(['1 ', '2 ', '3 (detailed face:1.2)', '4 (detailed hand:1.2)']));
  it('counts on from the first pass in the second', () => {
    expect(parseSchedule('[a:b:1.25]', { steps: 20, hiresSteps: 8 })).toEqual([{ endAtStep: 2, text: 'a' }, { endAtStep: 8, text: 'b' }]);
  });
  it.each(['[a:b', 'a:b:0.5]', '[a:b:c]', '[a:b:0.5:c:0.7]', '{a|b}', '[a|b:0.5]', '[a:0.5]]', '[a:b:0.5]\\'])('uses %s literally', (prompt) => expect(texts(prompt)).toEqual([`10 ${prompt}`]));

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

describe('AND', () => {
  it('splits into weighted parts', () => expect(splitAnd('a cat :1.2 AND a dog:-.5')).toEqual([{ text: 'a cat', weight: 1.2 }, { text: ' a dog', weight: -0.5 }]));
  it('is the whole word only', () => expect(splitAnd('BRAND and SAND ANDé')).toHaveLength(1));
  it('uses a number too large as text', () => expect(splitAnd(`a:${'9'.repeat(400)}`)[0]!.weight).toBe(1));
});

describe('extra networks', () => {
  it('takes tags out with their arguments', () => {
    expect(takeExtraNetworks('a <lora:foo:0.8:unet=0.5> b')).toEqual({ prompt: 'a  b', networks: [{ kind: 'lora', positional: ['foo', '0.8'], named: new Map([['unet', '0.5']]) }] });
  });
  it.each(['<3', '<lora>', '<lora:>', 'a < b > c', '<lora:foo'])('leaves %s', (text) => expect(takeExtraNetworks(text)).toEqual({ prompt: text, networks: [] }));
});

describe('parsePrompt', () => {
  it('works in order: comments, tags, AND, schedules', () => {
    const plan = parsePrompt('# my cat\na [cat:dog:5] <lora:x:1> AND a hill:0.5 # far away', { steps: 10 });
    expect(plan.networks.map(({ positional }) => positional[0])).toEqual(['x']);
    expect(plan.parts).toEqual([
      { weight: 1, schedule: [{ endAtStep: 5, text: 'a cat' }, { endAtStep: 10, text: 'a dog' }] },
      { weight: 0.5, schedule: [{ endAtStep: 10, text: ' a hill' }] },
    ]);
  });
  it('joins steps that have the same text', () => expect(parsePrompt('a [b|b] c', { steps: 30 }).parts[0]!.schedule).toEqual([{ endAtStep: 30, text: 'a b c' }]));
  it('reads no AND in a negative prompt', () => expect(parseNegativePrompt('a AND b:2 # c', { steps: 5 })).toEqual([{ endAtStep: 5, text: 'a AND b:2 ' }]));
  it('takes any text, with finite weights', () => {
    fc.assert(fc.property(fc.oneof(promptText, fc.string({ unit: 'binary' })), (text) => {
      const { parts } = parsePrompt(text, { steps: 7 });
      expect(parts.length).toBeGreaterThan(0);
      for (const { weight, schedule } of parts) expect([Number.isFinite(weight), schedule.at(-1)!.endAtStep]).toEqual([true, 7]);
    }), { numRuns: fuzzRuns(1000) });
  });
  it.each(['(', '[', '[a|', 'a(', '[a:b:0.5]', '[a|b]', '<lora:', ' AND ', ' BREAK ', ': ', 'a # b\n', '   '])('is quick with 10,000 characters of %j', (unit) => {
    const text = unit.repeat(10_000 / unit.length);
    const begin = performance.now();
    parsePrompt(text, { steps: 50 });
    parsePrompt(`${text}a${']'.repeat(3000)}`, { steps: 50 });
    expect(performance.now() - begin).toBeLessThan(1000);     // some 20 ms when the machine is idle
  });
});
