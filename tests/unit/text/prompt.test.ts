import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseNegativePrompt, parsePrompt } from '../../../main/engine/text/prompt';
import { splitAnd, takeExtraNetworks } from '../../../main/engine/text/prompt-syntax';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';

const promptText = fc.array(fc.constantFrom('(', ')', '[', ']', ':', '|', '\\', '0.5', '3', '1e999', '-', ' ', 'cat', '猫', ' AND ', 'BREAK', '<lora:', 'a=b', '>', '#', '\n', '[a:b:', '[a|b]'),
  { maxLength: 60 }).map((parts) => parts.join(''));

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
  it('reads no AND in a negative prompt', () => expect(parseNegativePrompt('a AND b:2 # c', { steps: 5 })).toEqual([{ endAtStep: 5, text: 'a AND b:2 ' }]));
  it('takes any text, with finite weights', () => {
    fc.assert(fc.property(fc.oneof(promptText, fc.string({ unit: 'binary' })), (text) => {
      const { parts } = parsePrompt(text, { steps: 7 });
      expect(parts.length).toBeGreaterThan(0);
      for (const { weight, schedule } of parts) expect([Number.isFinite(weight), schedule.at(-1)!.endAtStep]).toEqual([true, 7]);
    }), { numRuns: fuzzRuns(1000) });
  });
  it.each(['(', '[', '[a|', 'a(', '[a:b:0.5]', '[a|b]', '<lora:', ' AND ', ' BREAK ', ': ', 'a # b\n', '   '])('takes linear time for any number of %j', async (unit) => {
    const text = (n: number): string => unit.repeat(n / unit.length);
    await expectLinear((n) => parsePrompt(text(n), { steps: 50 }), 12_000);
    await expectLinear((n) => parsePrompt(`${text(n)}a${']'.repeat(n / 3)}`, { steps: 50 }), 12_000, 'it with brackets that close');
  });
});
