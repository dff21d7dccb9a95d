// From flags to a request: what is given counts, then what suits the model, then what suits most.
import { expect, test } from 'vitest';
import type { ModelEntry } from '../../../preload/contract/model';
import { requestFrom } from '../../../main/cli/generate';

type Values = Parameters<typeof requestFrom>[0];

const model = { id: 'm', nativeSize: { width: 512, height: 512 }, defaults: {} } as ModelEntry;   // all that a request needs of a model
const values = (given: Partial<Values> = {}): Values => ({ prompt: 'a cat', json: false, ...given } as Values);

test('without flags, settings that suit most models, at the model\'s own size', () => {
  expect(requestFrom(values(), model)).toEqual({
    model: 'm', prompt: 'a cat', negative: '', seed: null, steps: 24, cfg: 7, sampler: 'dpmpp_2m', schedule: 'karras', width: 512, height: 512,
    clipSkip: 1, noise: 'cpu', strength: 0.6, count: 1,
  });
});

test("a model's own settings come before the usual ones, and flags before both", () => {
  const mini = { ...model, nativeSize: { width: 128, height: 96 }, defaults: { steps: 12, cfg: 3, sampler: 'euler' } };
  expect(requestFrom(values(), mini)).toMatchObject({ steps: 12, cfg: 3, sampler: 'euler', schedule: 'karras', width: 128, height: 96 });
  expect(requestFrom(values({ steps: 5, sampler: 'ddim', seed: 0, 'clip-skip': 2, size: '512x768' }), mini)).toMatchObject({ steps: 5, cfg: 3, sampler: 'ddim', seed: 0, clipSkip: 2, width: 512, height: 768 });
});

test('a picture to start from gives its shape, at as many pixels as suit the model', () => {
  const { width, height, init } = requestFrom(values(), model, { hash: 'ab'.repeat(32), width: 4000, height: 3000 });
  expect({ width, height }).toEqual({ width: 592, height: 440 });
  expect(init).toBe('ab'.repeat(32));
});

test.each<[string, Partial<Values>, RegExp]>([
  ['a size that is no multiple of 8', { size: '512x500' }, /^--size \(height\): must be a multiple of 8/],
  ['a size that is none', { size: '512' }, /^--size 512 is not a size/],
  ['too many steps', { steps: 1000 }, /^--steps: /],
  ['half a step', { steps: 2.5 }, /^--steps: /],
  ['a negative seed', { seed: -1 }, /^--seed: /],
  ['a strength above 1', { strength: 1.5 }, /^--strength: /],
  ['a clip skip of 0', { 'clip-skip': 0 }, /^--clip-skip: /],
])('%s is refused by the name of its flag', (_what, given, message) => {
  expect(() => requestFrom(values(given), model)).toThrow(message);
});
