// From flags to a request: what is given counts, then what suits the model.
import { describe, expect, test } from 'vitest';
import { usualSettings, type ModelEntry } from '../../../preload/contract/model';
import { requestFrom, runGenerate } from '../../../main/cli/generate';
import { refusalOf, wordsFor } from '../../support/words';

type Values = Parameters<typeof requestFrom>[0];

const model = { id: 'm', nativeSize: { width: 512, height: 512 }, defaults: usualSettings } as ModelEntry;   // all that a request needs of a model
const values = (given: Partial<Values> = {}): Values => ({ prompt: 'a cat', json: false, style: [], detail: [], ...given } as Values);
const picture = (digits: string, width = 64, height = 64) => ({ hash: digits.repeat(32), width, height });

test('without flags, settings that suit most models, at the model\'s own size', () => {
  expect(requestFrom(values(), model)).toEqual({
    files: { model: 'm' }, prompt: 'a cat', negative: '', seed: null, steps: 24, cfg: 7, sampler: 'dpmpp_2m', schedule: 'karras', width: 512, height: 512,
    clipSkip: 1, rng: 'cpu', compat: 'a1111', strength: 0.6, count: 1,
  });
});

test("a model's own settings count, and flags before them", () => {
  const mini = { ...model, nativeSize: { width: 128, height: 96 }, defaults: { steps: 12, cfg: 3, sampler: 'euler', schedule: 'beta' } };
  expect(requestFrom(values(), mini)).toMatchObject({ steps: 12, cfg: 3, sampler: 'euler', schedule: 'beta', width: 128, height: 96 });
  expect(requestFrom(values({ steps: 5, sampler: 'ddim', seed: 0, 'clip-skip': 2, size: '512x768' }), mini)).toMatchObject({ steps: 5, cfg: 3, sampler: 'ddim', schedule: 'beta', seed: 0, clipSkip: 2, width: 512, height: 768 });
});

test('a picture to start from gives its shape, at as many pixels as suit the model', () => {
  const { width, height, init } = requestFrom(values(), model, { init: picture('ab', 4000, 3000) });
  expect({ width, height }).toEqual({ width: 592, height: 440 });
  expect(init).toBe('ab'.repeat(32));
});

test('a mask and a depth map give nothing but themselves', () => {
  const { width, height, ...rest } = requestFrom(values(), model, { init: picture('ab', 64, 64), mask: picture('cd', 4000, 3000), depth: picture('ef', 3000, 4000) });
  expect({ width, height }).toEqual({ width: 512, height: 512 });
  expect(rest).toMatchObject({ init: 'ab'.repeat(32), mask: 'cd'.repeat(32), depth: 'ef'.repeat(32) });
});

test('a refiner by its id, taking over at 0.8 or where it is told to', () => {
  expect(requestFrom(values(), model, { files: { refiner: 'r' } })).toMatchObject({ files: { model: 'm', refiner: 'r' }, refiner: { switchAt: 0.8 } });
  expect(requestFrom(values({ 'switch-at': 0 }), model, { files: { refiner: 'r' } }).refiner).toEqual({ switchAt: 0 });
});

test('a variation, with a seed of its own or a new one each time', () => {
  expect(requestFrom(values({ 'variation-strength': 0.2 }), model).variation).toEqual({ seed: null, strength: 0.2 });
  expect(requestFrom(values({ 'variation-strength': 0, 'variation-seed': 0 }), model).variation).toEqual({ seed: 0, strength: 0 });
});

test('every other flag has its place in the request', () => {
  expect(requestFrom(values({
    'image-cfg': 1.2, 'cfg-rescale': 0.7, prediction: 'v', rng: 'nv', compat: 'comfy', ensd: 31337, emphasis: 'no_norm', style: ['Ink', 'Dark, moody'], count: 3, strength: 0,
  }), model)).toMatchObject({
    imageCfg: 1.2, cfgRescale: 0.7, prediction: 'v', rng: 'nv', compat: 'comfy', ensd: 31337, emphasis: 'no_norm', styles: ['Ink', 'Dark, moody'], count: 3, strength: 0,
  });
});

test.each([['cpu', 'cpu', 'a1111'], ['gpu', 'nv', 'a1111'], ['comfy', 'cpu_nv', 'comfy']] as const)('--noise %s, as earlier versions had it, is --rng %s --compat %s, and these count before it', (noise, rng, compat) => {
  expect(requestFrom(values({ noise }), model)).toMatchObject({ rng, compat });
  expect(requestFrom(values({ noise }), model, {}, { rng: 'nv', compat: 'comfy' })).toMatchObject({ rng, compat });
  expect(requestFrom(values({ noise, rng: 'nv', compat: 'comfy' }), model)).toMatchObject({ rng: 'nv', compat: 'comfy' });
});

function wordsOfThrown(run: () => unknown): string {
  try { run(); } catch (error) { return wordsFor(error).message; }
  throw new Error('nothing was refused');
}

test.each<[string, Partial<Values>, RegExp]>([
  ['a size that is no multiple of 8', { size: '512x500' }, /^--size \(height\) must be a multiple of 8/],
  ['a size that is none', { size: '512' }, /^--size 512 is not a size/],
  ['too many steps', { steps: 1000 }, /^--steps /],
  ['half a step', { steps: 2.5 }, /^--steps /],
  ['a negative seed', { seed: -1 }, /^--seed /],
  ['a strength above 1', { strength: 1.5 }, /^--strength /],
  ['a clip skip of 0', { 'clip-skip': 0 }, /^--clip-skip /],
  ['an image guidance that is negative', { 'image-cfg': -1 }, /^--image-cfg /],
  ['a rescale above 1', { 'cfg-rescale': 1.1 }, /^--cfg-rescale /],
  ['a prediction of something else', { prediction: 'x0' }, /^--prediction /],
  ['a generator of nobody', { rng: 'mine' }, /^--rng /],
  ['conventions of nobody', { compat: 'mine' }, /^--compat /],
  ['a variation above 1', { 'variation-strength': 2 }, /^--variation-strength /],
  ['half a variation seed', { 'variation-strength': 0.5, 'variation-seed': 0.5 }, /^--variation-seed /],
  ['half an ENSD', { ensd: 0.5 }, /^--ensd /],
  ['an emphasis that is none', { emphasis: 'loud' }, /^--emphasis /],
  ['no picture at all', { count: 0 }, /^--count /],
])('%s is refused by the name of its flag', (_what, given, message) => {
  expect(wordsOfThrown(() => requestFrom(values(given), model))).toMatch(message);
});

test('a hand-over outside 0 to 1 is refused by the name of its flag', () => {
  expect(wordsOfThrown(() => requestFrom(values({ 'switch-at': 1.5 }), model, { files: { refiner: 'r' } }))).toMatch(/^--switch-at /);
});

describe('a flag that means nothing alone', () => {
  test.each([
    ['--strength', '0.5', '--init'], ['--mask', 'mask.png', '--init'], ['--switch-at', '0.5', '--refiner'], ['--variation-seed', '7', '--variation-strength'],
  ])('%s %s is refused without %s, before anything is opened', async (flag, value, base) => {
    expect(await refusalOf(runGenerate(['--prompt', 'a cat', flag, value, '--data-dir', '/dev/null/nowhere']))).toMatchObject({
      code: 'usage', message: `${flag} is for ${base}`, hint: expect.stringContaining(base),
    });
  });
});
