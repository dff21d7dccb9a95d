// Guidance around a network that is a formula: what is fed to it, and what is made of its answers.
import { describe, expect, test } from 'vitest';
import { evaluationsOf, guidedDenoiser, keepOutside, type Predict } from '../../../main/engine/pipeline/denoiser';
import type { Asked } from '../../../main/engine/pipeline/extensions';
import type { Condition } from '../../../main/engine/pipeline/networks';
import { joinChannels } from '../../../main/engine/pipeline/batches';
import { stableDiffusionTable } from '../../../main/engine/sampling/model-sampling';
import { float32, type Tensor } from '../../../main/engine/tensor';

const plain = (value: number, dims = [1, 4, 2, 2]): Tensor => { const t = float32(dims); t.data.fill(value); return t; };
const condition = (value: number): Condition => ({ context: plain(value, [1, 77, 8]) });
const x = plain(0);
const common = { prediction: 'eps', table: stableDiffusionTable } as const;

/** Its answer is what the denoised value becomes at σ = 1 and x = 0, negated: the text's number, and ten times the picture's. */
const network: Predict = (input, _, { context, concat }) => {
  const batch = input.dims[0]!;
  const out = float32([batch, 4, 2, 2]);
  for (let b = 0; b < batch; b++) {
    const picture = concat ? concat.data[b * 16]! : 0;
    out.data.fill(-(context.data[b * 77 * 8]! + 10 * picture), b * 16, (b + 1) * 16);
  }
  return Promise.resolve(out);
};

describe('two guidances (instruct-pix2pix)', () => {
  const conditioning = () => ({ conds: [{ condition: condition(5), weight: 1 }], uncond: condition(2) });
  test.each([false, true])('none + image·(picture − none) + text·(both − picture), one after the other: %s', async (sequential) => {
    const denoise = guidedDenoiser(network, { ...common, cfg: 7, imageCfg: 1.5, concat: plain(0.3), conditioning, sequential });
    const [none, pictureOnly, both] = [2, 2 + 3, 5 + 3];
    expect((await denoise(x, 1)).data[0]).toBeCloseTo(none + 1.5 * (pictureOnly - none) + 7 * (both - pictureOnly), 4);
  });
  test('three evaluations a step, two where the picture has no guidance of its own', () => {
    expect(evaluationsOf(conditioning(), 1.5)).toBe(3);
    expect(evaluationsOf(conditioning())).toBe(2);
    expect(evaluationsOf({ ...conditioning(), uncond: null })).toBe(1);
  });
});

test('the extra channels are told beside the latents and are not scaled with them', async () => {
  let fed: Tensor | undefined, told: Condition | undefined;
  const watch: Predict = (input, _, condition) => { fed = input; told = condition; return Promise.resolve(plain(0)); };
  const denoise = guidedDenoiser(watch, { ...common, cfg: 1, concat: plain(0.25, [1, 5, 2, 2]), conditioning: () => ({ conds: [{ condition: condition(1), weight: 1 }], uncond: null }) });
  await denoise(plain(3), 2);
  expect(fed!.dims).toEqual([1, 4, 2, 2]);
  expect(fed!.data[0]).toBeCloseTo(3 / Math.sqrt(5), 5);
  expect(told!['concat']).toEqual(plain(0.25, [1, 5, 2, 2]));
});

test('channels are joined row by row of the batch', () => {
  const joined = joinChannels(float32([2, 1, 1, 2], Float32Array.of(1, 2, 3, 4)), float32([2, 2, 1, 2], Float32Array.of(10, 11, 12, 13, 20, 21, 22, 23)));
  expect(joined).toEqual(float32([2, 3, 1, 2], Float32Array.of(1, 2, 10, 11, 12, 13, 3, 4, 20, 21, 22, 23)));
});

test('each evaluation is told its own tensors, whatever their names, and those of its turn', async () => {
  const told: Condition[] = [];
  const watch: Predict = (input, _, condition) => { told.push(condition); return Promise.resolve(plain(0, [input.dims[0]!, 4, 2, 2])); };
  const withVector = (value: number): Condition => ({ ...condition(value), y: plain(value, [1, 3]), another: plain(-value, [1, 1]) });
  const denoise = guidedDenoiser(watch, { ...common, cfg: 2, conditioning: (i) => ({ conds: [{ condition: withVector(5 + i), weight: 1 }], uncond: withVector(2) }) });
  await denoise(x, 1, 0);
  await denoise(x, 1, 3);
  expect(told.map(({ y, another }) => [y, another])).toEqual([5, 8].map((own) => [
    float32([2, 3], Float32Array.of(own, own, own, 2, 2, 2)), float32([2, 1], Float32Array.of(-own, -2)),
  ]));
});

test('outside the mask the original is believed', async () => {
  const denoise = keepOutside(() => Promise.resolve(plain(9)), plain(1), float32([1, 1, 2, 2], Float32Array.of(1, 0, 0.5, 0)));
  expect([...(await denoise(x, 1)).data.slice(0, 8)]).toEqual([9, 1, 5, 1, 9, 1, 5, 1]);
});

test('whoever is asked knows which side each row is, how noisy, and how far it is', async () => {
  const asked: Asked[] = [];
  const watch: Predict = (input, _, _condition, at) => { asked.push(at); return Promise.resolve(plain(0, [input.dims[0]!, 4, 2, 2])); };
  const conditioning = () => ({ conds: [{ condition: condition(1), weight: 1 }, { condition: condition(2), weight: 1 }], uncond: condition(0) });
  await guidedDenoiser(watch, { ...common, cfg: 2, imageCfg: 2, concat: plain(0.3), conditioning, evaluations: 8 })(x, 3, 2);
  await guidedDenoiser(watch, { ...common, cfg: 2, conditioning, evaluations: 8, sequential: true })(x, 1, 9);
  expect(asked).toEqual([
    { rows: ['cond', 'cond', 'uncond', 'uncond'], sigma: 3, progress: 0.25 },
    ...(['cond', 'cond', 'uncond'] as const).map((row) => ({ rows: [row], sigma: 1, progress: 1 })),
  ]);
});

test('several pictures of one x are each told their own, the first with all its sides before the next', async () => {
  const asked: Asked[] = [], told: Condition[] = [], seen: Tensor[] = [];
  const watch: Predict = (input, t, condition, at) => { asked.push(at); told.push(condition); seen.push(input); return network(input, t, condition, at); };
  const conditioning = () => [5, 7].map((value) => ({ conds: [{ condition: condition(value), weight: 1 }], uncond: condition(2) }));
  const both = float32([2, 4, 2, 2], Float32Array.from({ length: 32 }, (_, i) => (i < 16 ? 0 : 3)));
  const whole = await guidedDenoiser(watch, { ...common, cfg: 3, conditioning })(both, 1), parts = await guidedDenoiser(watch, { ...common, cfg: 3, conditioning, sequential: true })(both, 1);
  expect([whole.dims, whole.uncond!.dims]).toEqual([[2, 4, 2, 2], [2, 4, 2, 2]]);
  expect([whole.data[0], whole.data[16]!, whole.uncond!.data[0], whole.uncond!.data[16]!]).toEqual([2 + 3 * 3, 3 + 2 + 3 * 5, 2, 5]);
  expect(parts).toEqual(whole);
  expect(asked.map(({ rows }) => rows)).toEqual([['cond', 'uncond', 'cond', 'uncond'], ['cond', 'cond'], ['uncond', 'uncond']]);
  expect(told.map(({ context: { dims, data } }) => Array.from({ length: dims[0]! }, (_, i) => data[i * 77 * 8]))).toEqual([[5, 2, 7, 2], [5, 7], [2, 2]]);
  expect(seen.map(({ dims, data }) => Array.from({ length: dims[0]! }, (_, i) => data[i * 16]! > 0))).toEqual([[false, false, true, true], [false, true], [false, true]]);
});
