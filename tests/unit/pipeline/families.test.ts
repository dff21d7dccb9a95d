// Whole runs on small random checkpoints of every family and variant: each becomes pictures through the same pipeline, and what sets it apart has its effect.
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { CheckpointSizes } from '../../../main/engine/families/known-sizes';
import { whyNotRunnable } from '../../../main/engine/identify/identify';
import { generate, type Generated } from '../../../main/engine/pipeline/generate';
import { composeModel, type Model } from '../../../main/engine/pipeline/model';
import type { Inputs } from '../../../main/engine/pipeline/passes';
import { float32, type Tensor } from '../../../main/engine/tensor';
import { Tokenizer } from '../../../main/engine/text/tokenizer';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { clipMerges } from '../../../main/worker/tokenizer-vocabulary';
import { JobSpec } from '../../../preload/contract/job';
import { randomFamilyCheckpoint, tinyFamilies, withInputs } from '../../support/checkpoints';
import { refusalOf } from '../../support/words';

const side = 64;
const runtime = ortRuntime({ threads: 1 });
let vocabulary: Tokenizer;
beforeAll(async () => { vocabulary = new Tokenizer(await clipMerges()); });

const open = async (...args: Parameters<typeof randomFamilyCheckpoint>): Promise<Model> => {
  const file = await openWeightFile(await randomFamilyCheckpoint(...args));
  expect(whyNotRunnable(file)).toBeNull();
  return composeModel({ unet: file, text: file, vae: file }, runtime);
};
const jobOf = (changes: Partial<JobSpec> = {}): JobSpec => JobSpec.parse({
  kind: 'txt2img', files: { model: { name: 'tiny', hash: null } }, prompt: 'a red (house:1.3)', negative: 'blurry', seed: 7, steps: 3, sampler: 'euler', schedule: 'normal',
  cfg: 5, width: side, height: side, ...changes,
});
const make = (model: Model, changes: Partial<JobSpec> = {}, inputs: Inputs = {}): Promise<Generated> => generate(jobOf(changes), model, inputs, {
  vocabulary, now: () => performance.now() / 1000, signal: new AbortController().signal, onPhase: () => undefined, onStep: () => undefined,
});
const image = async (...args: Parameters<typeof make>): Promise<Float32Array> => (await make(...args)).image.data;
const distance = (a: Float32Array, b: Float32Array): number => Math.sqrt(a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length);

/** A smooth picture, and one of other colours. */
const picture = (phase = 0): Tensor => float32([1, 3, side, side], Float32Array.from({ length: 3 * side * side }, (_, i) => Math.sin(i / 300 + phase)));
const mask = (white: (x: number, y: number) => boolean): Tensor =>
  float32([1, 1, side, side], Float32Array.from({ length: side * side }, (_, i) => (white(i % side, Math.floor(i / side)) ? 1 : 0)));
const hash = 'a'.repeat(64);
const img2img = { kind: 'img2img', init: hash, strength: 0.8 } as const;

describe.each(Object.entries(tinyFamilies))('%s', (family, sizes: CheckpointSizes) => {
  let model: Model;
  beforeAll(async () => { model = await open(sizes); });

  test('makes a picture of the size that was asked for, the same for the same job', async () => {
    const [first, again] = [await make(model), await make(model)];
    expect(first.image.dims).toEqual([1, 3, side, side]);
    expect(first.image.data.every(Number.isFinite)).toBe(true);
    expect(distance(first.image.data, again.image.data)).toBe(0);
  });
  test('reads the prompt, the negative prompt and its emphasis', async () => {
    const usual = await image(model);
    expect(distance(usual, await image(model, { prompt: 'a blue boat' }))).toBeGreaterThan(1e-3);
    expect(distance(usual, await image(model, { negative: '' }))).toBeGreaterThan(1e-3);
    expect(distance(usual, await image(model, { prompt: 'a red house' }))).toBeGreaterThan(1e-4);
  });
  test('clip skip goes back from the state that the family was trained on', async () => {
    const [usual, two, three] = [await image(model), await image(model, { clipSkip: 2 }), await image(model, { clipSkip: 3 })];
    // SD 2 and SDXL read the last state but one as it is, which people call clip skip 2.
    if (family === 'sd1') expect(distance(usual, two)).toBeGreaterThan(1e-4);
    else {
      expect(distance(usual, two)).toBe(0);
      expect(distance(usual, three)).toBeGreaterThan(1e-4);
    }
  });
  test('takes prompts of several chunks and joined ones', async () => {
    const long = await image(model, { prompt: `${'red house, '.repeat(40)} AND a boat :0.5` });
    expect(long.every(Number.isFinite)).toBe(true);
  });
  test('evaluated one after the other, the picture is the same', async () => {
    const sequential = await generate(jobOf(), model, {}, { vocabulary, now: () => 0, signal: new AbortController().signal, onPhase: () => undefined, onStep: () => undefined, sequential: true });
    expect(distance(sequential.image.data, await image(model))).toBeLessThan(1e-4);
  });
  test('starts from a picture, and keeps of it what the mask leaves', async () => {
    const decode = vi.spyOn(model.autoencoder, 'decode');
    await make(model, { ...img2img, strength: 1, mask: hash }, { init: picture(), mask: mask((x) => x < side / 2) });
    const [result, original] = [decode.mock.calls[0]![0], await model.autoencoder.encode(picture())];
    decode.mockRestore();
    const half = (latents: Tensor, right: boolean): Float32Array => latents.data.filter((_, i) => i % (side / 8) >= side / 16 === right);
    expect(distance(half(result, true), half(original, true))).toBeLessThan(1e-5);
    expect(distance(half(result, false), half(original, false))).toBeGreaterThan(0.1);
  });
  test(`knows what it predicts: ${family === 'sd2' ? 'v' : 'eps'}, unless the job says otherwise`, async () => {
    expect(model.traits.prediction).toBe(family === 'sd2' ? 'v' : 'eps');
    expect(distance(await image(model, { prediction: 'v' }), await image(model, { prediction: 'eps' }))).toBeGreaterThan(1e-3);
  });
});

describe('SDXL', () => {
  test('is told the size: another vector condition for a wide picture', async () => {
    const model = await open(tinyFamilies.sdxl);
    const pooled = float32([1, 48]);
    const [square, wide] = [model.vectorCondition(pooled, { width: 64, height: 64 }, false), model.vectorCondition(pooled, { width: 128, height: 64 }, false)];
    expect(square!.dims).toEqual([1, 48 + 6 * 256]);
    // Original and target width change, heights and crops do not.
    const changed = Array.from({ length: 6 }, (_, n) => Array.from({ length: 256 }, (_, i) => 48 + n * 256 + i).some((i) => square!.data[i] !== wide!.data[i]));
    expect(changed).toEqual([false, true, false, false, false, true]);
  });
  test('with markers predicts v from pure noise', async () => {
    const model = await open(tinyFamilies.sdxl, { markers: ['v_pred', 'ztsnr'] });
    expect(model.traits.prediction).toBe('v');
    expect(model.traits.table.sigmaMax).toBeCloseTo(4518.76, 0);
    const plain = await image(model), rescaled = await image(model, { cfgRescale: 0.7 });
    expect(plain.every(Number.isFinite)).toBe(true);
    expect(distance(plain, rescaled)).toBeGreaterThan(1e-3);
  });
  test('hands over to its refiner at the share of noise levels that the job names', async () => {
    const [base, refiner] = [await open(tinyFamilies.sdxl), await open(tinyFamilies['sdxl-refiner'], { seed: 2 })];
    const at = (switchAt: number): Promise<Float32Array> => image(base, { steps: 4, files: { model: { name: 'tiny', hash: null }, refiner: { name: 'refiner', hash: null } }, refiner: { switchAt } }, { refiner });
    const alone = await image(base, { steps: 4 });
    const calls = [base, refiner].map((model) => vi.spyOn(model, 'predict'));
    const counts = async (switchAt: number): Promise<number[]> => {
      calls.forEach((spy) => spy.mockClear());
      await at(switchAt);
      return calls.map((spy) => spy.mock.calls.length);
    };
    expect(await counts(1)).toEqual([4, 0]);
    expect(await counts(0.5)).toEqual([2, 2]);
    expect(await counts(0)).toEqual([0, 4]);
    expect(distance(alone, await at(1))).toBe(0);
    expect(distance(alone, await at(0.5))).toBeGreaterThan(1e-3);
  });
});

describe.each(['sd1', 'sd2', 'sdxl'] as const)('variants of %s', (family) => {
  test('inpainting reads mask and masked picture, and makes a picture without them', async () => {
    const model = await open(withInputs(tinyFamilies[family], 9));
    const free = await image(model, { prediction: 'eps' });
    expect(free.every(Number.isFinite)).toBe(true);
    const inputs = { init: picture(), mask: mask((x) => x < side / 2) };
    const masked = await image(model, { ...img2img, mask: hash }, inputs);
    expect(distance(masked, await image(model, { ...img2img, mask: hash }, { ...inputs, mask: mask((_, y) => y < side / 2) }))).toBeGreaterThan(1e-3);
  });
  test('instruct-pix2pix reads the picture, as far as the picture guidance says', async () => {
    const model = await open(withInputs(tinyFamilies[family], 8));
    const edit = (changes: Partial<JobSpec> = {}, init = picture()): Promise<Float32Array> => image(model, { ...img2img, strength: 1, ...changes }, { init });
    const usual = await edit();
    expect(distance(usual, await edit({ imageCfg: 1.5 }))).toBe(0);
    expect(distance(usual, await edit({ imageCfg: 3 }))).toBeGreaterThan(1e-3);
    expect(distance(usual, await edit({}, picture(2)))).toBeGreaterThan(1e-3);
    expect((await image(model)).every(Number.isFinite)).toBe(true);
  });
  test('depth needs a depth map and follows it', async () => {
    const model = await open(withInputs(tinyFamilies[family], 5));
    expect(await refusalOf(make(model))).toMatchObject({ code: 'job.noDepth', message: expect.stringContaining('depth map') as string });
    const slope = (along: 'x' | 'y'): Tensor => float32([1, 1, side, side], Float32Array.from({ length: side * side }, (_, i) => (along === 'x' ? i % side : Math.floor(i / side))));
    const [across, down] = [await image(model, {}, { depth: slope('x') }), await image(model, {}, { depth: slope('y') })];
    expect(distance(across, down)).toBeGreaterThan(1e-3);
  });
});

describe('a model that was distilled with guidance inside (LCM)', () => {
  test('reads the guidance scale itself, in one evaluation a step, and no negative prompt', async () => {
    const model = await open({ ...tinyFamilies.sd1, unet: { ...tinyFamilies.sd1.unet, guidanceDim: 256 } });
    const predict = vi.spyOn(model, 'predict');
    const weak = await image(model, { cfg: 1.5, sampler: 'lcm' });
    expect(predict.mock.calls.map(([x]) => x.dims[0])).toEqual([1, 1, 1]);
    expect(distance(weak, await image(model, { cfg: 8, sampler: 'lcm' }))).toBeGreaterThan(1e-3);
    expect(distance(weak, await image(model, { cfg: 1.5, sampler: 'lcm', negative: 'something else' }))).toBe(0);
  });
});
