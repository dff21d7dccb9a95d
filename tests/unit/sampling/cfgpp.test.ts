// CFG++ against its own definition: the picture by the guided prediction, the noise by the unguided one.
import { describe, expect, it } from 'vitest';
import { keepOutside } from '../../../main/engine/pipeline/denoiser';
import { guided } from '../../../main/engine/sampling/guidance';
import { stableDiffusionTable } from '../../../main/engine/sampling/model-sampling';
import { samplers } from '../../../main/engine/sampling/samplers';
import { sigmas } from '../../../main/engine/sampling/schedules';
import type { Denoiser } from '../../../main/engine/sampling/types';
import { float32 } from '../../../main/engine/tensor';
import type { SamplerName } from '../../../preload/contract/vocabulary';
import { gaussian, noiseOf, sample, start } from './gaussian';

const pairs: [SamplerName, SamplerName][] = [['euler_cfg_pp', 'euler'], ['euler_a_cfg_pp', 'euler_a'], ['dpmpp_2m_cfg_pp', 'dpmpp_2m'], ['dpmpp_2s_a_cfg_pp', 'dpmpp_2s_a']];
const levels = sigmas('karras', 12, stableDiffusionTable);
/** Guided to x + 1, unguided to x − 1: constants, so that a step can be done by hand. */
const constant = (cond: number, uncond: number): Denoiser => guided(() => Promise.resolve({ cond: full(cond), uncond: full(uncond) }), { scale: 1 });
const full = (value: number) => float32([1, 4, 1, 1], new Float32Array(4).fill(value));

describe.each(pairs)('%s', (name, plain) => {
  it(`is ${plain} where the prompt changes nothing`, async () => {
    const both: Denoiser = guided(async (x, sigma) => ({ cond: await gaussian(x, sigma), uncond: await gaussian(x, sigma) }), { scale: 1 });
    const [ours, theirs] = [await sample(name, both, levels), await sample(plain, gaussian, levels)];
    ours.data.forEach((value, i) => expect(value).toBeCloseTo(theirs.data[i]!, 4));
    expect((await sample(name, gaussian, levels)).data).toEqual((await sample(name, both, levels)).data);
  });
  it('ends on the guided picture', async () => {
    (await sample(name, constant(0.5, -0.25), levels)).data.forEach((value) => expect(value).toBeCloseTo(0.5, 6));
  });
});

it('one step of Euler goes to denoised + σ\'·(x − uncond)/σ', async () => {
  const x = start(4);
  const { data } = await samplers.euler_cfg_pp.run(constant(0.5, -0.25), x, [4, 1], { noise: noiseOf(1) });
  data.forEach((value, i) => expect(value).toBeCloseTo(0.5 + (x.data[i]! + 0.25) / 4, 6));
});

it('two steps of 2M: the last unguided prediction bends the second', async () => {
  const x = start(4), denoise = constant(0.5, -0.25);
  const { data } = await samplers.dpmpp_2m_cfg_pp.run(denoise, x, [4, 2, 1], { noise: noiseOf(1) });
  data.forEach((value, i) => {
    const middle = 0.5 + (x.data[i]! + 0.25) / 2;
    expect(value).toBeCloseTo(0.5 + (middle + 0.25) / 2 + (1 - 1 / 2) / 2 * (0.5 + 0.25), 5);
  });
});

it('a step of 2S a follows the unguided predictions, then adds the guidance', async () => {
  const x = start(4);
  const { data } = await samplers.dpmpp_2s_a_cfg_pp.run(constant(0.5, -0.25), x, [4, 1], { noise: noiseOf(1) }, { eta: 0 });
  data.forEach((value, i) => expect(value).toBeCloseTo(x.data[i]! / 4 - 0.25 * (3 / 4) + 0.75, 5));
});

it('a mask holds for both predictions', async () => {
  const masked = await keepOutside(constant(0.5, -0.25), full(9), float32([1, 1, 1, 1], Float32Array.of(0)))(full(0), 1);
  expect([masked.data[0], masked.uncond!.data[0]]).toEqual([9, 9]);
});
