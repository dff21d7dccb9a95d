// LCM as AUTOMATIC1111 runs it: levels and timesteps of the stored trajectories, and its denoiser and sampler written out plainly in double precision.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTensors, floats } from '../../../main/cli/golden/read';
import { sigmaToT, stableDiffusionTable } from '../../../main/engine/sampling/model-sampling';
import { latentNoise } from '../../../main/engine/sampling/noise/latent-noise';
import { planSampling } from '../../../main/engine/sampling/plan';
import { samplers } from '../../../main/engine/sampling/samplers';
import { float32 } from '../../../main/engine/tensor';
import type { Compat, ScheduleName } from '../../../preload/contract/vocabulary';

const cases = join(import.meta.dirname, '../../golden/cases/samplers');
const plan = (steps: number, compat: Compat = 'a1111', schedule: ScheduleName = 'normal', strength?: number) =>
  planSampling({ sampler: 'lcm', schedule, steps, compat, strength }, stableDiffusionTable, 'sd1');
const near = (got: readonly number[], want: readonly number[], tolerance: number): void => {
  expect(got).toHaveLength(want.length);
  got.forEach((value, i) => expect(Math.abs(value - want[i]!)).toBeLessThan(tolerance));
};

describe('with AUTOMATIC1111', () => {
  it.each([4, 8])('%i steps go through the levels and timesteps of the stored run', async (steps) => {
    const config = JSON.parse(await readFile(join(cases, 'case.json'), 'utf8'));
    const { sigmas: key } = config.k_cases.find(({ name }: { name: string }) => name === `a1111.lcm.n${steps}`);
    const tensors = await readTensors(join(cases, 'k_samplers.safetensors'));
    const { sigmas, timestepOf } = plan(steps);
    near(sigmas, [...floats(tensors, key)], 1e-5);
    near(sigmas.slice(0, -1).map(timestepOf), [...(tensors.get(`a1111.lcm.n${steps}.eval_t`)!.data as Float32Array)], 1e-9);
  });

  it('knows timesteps 19, 39, … 999 alone, whatever the schedule', () => {
    for (const schedule of ['normal', 'karras', 'sgm_uniform', 'simple', 'ddim_uniform', 'beta', 'align_your_steps'] as const) for (const steps of [1, 2, 5, 12, 100]) for (const strength of [undefined, 0.3]) {
      const { sigmas, timestepOf } = plan(steps, 'a1111', schedule, strength);
      expect(sigmas.length).toBeGreaterThan(1);
      for (const sigma of sigmas.slice(0, -1)) expect(timestepOf(sigma) % 20).toBe(19);
    }
  });

  it.each([[6, undefined], [8, 0.5]])('%i steps, strength %s: its denoiser, boundary and noise', async (steps, strength) => {
    const { sigmas, timestepOf, wrapDenoiser, options, startNoise } = plan(steps, 'a1111', 'normal', strength);
    const eps = (x: number, t: number, i: number): number => 0.8 * x + 0.1 * Math.sin(t / 100 + i);
    const dims = [1, 4, 1, 1], { initial, next } = latentNoise('cpu', 3, dims), drawn: number[][] = [];
    const denoise = wrapDenoiser(async ({ data }, sigma) => float32(dims, data.map((x, i) => x - sigma * eps(x / Math.sqrt(1 + sigma * sigma), timestepOf(sigma), i))));
    const start = float32(dims, initial.data.map((value) => value * startNoise));
    const { data: got } = await samplers.lcm.run(denoise, start, sigmas, { noise: (a, b) => { const noise = next(a, b); drawn.push([...noise.data]); return noise; } }, options);

    // Every 20th ᾱ from the last, as LCMCompVisDenoiser takes them.
    const levels = Array.from({ length: 50 }, (_, i) => { const alpha = stableDiffusionTable.alphasCumprod[999 - 20 * (49 - i)]!; return Math.sqrt((1 - alpha) / alpha); });
    const toT = (sigma: number): number => levels.reduce((best, level, i) => (Math.abs(Math.log(level / sigma)) < Math.abs(Math.log(levels[best]! / sigma)) ? i : best), 0) * 20 + 19;
    let x = [...start.data];
    sigmas.slice(0, -1).forEach((sigma, k) => {
      const t = toT(sigma), scaled = t * 10, skip = 0.25 / (scaled ** 2 + 0.25), out = scaled / Math.sqrt(scaled ** 2 + 0.25);
      x = x.map((value, i) => out * (value - sigma * eps(value / Math.sqrt(sigma ** 2 + 1), t, i)) + skip * value);
      if (sigmas[k + 1]! > 0) x = x.map((value, i) => value + sigmas[k + 1]! * drawn[k]![i]!);
    });
    near([...got], x, 1e-4);
  });

  it('the boundary leaves a share of what is seen in the answer, most where the noise is least', async () => {
    const zeros = plan(4).wrapDenoiser(async ({ dims }) => float32(dims));
    const share = async (sigma: number): Promise<number> => (await zeros(float32([1], Float32Array.of(1)), sigma)).data[0]!;
    expect(await share(0.12)).toBeCloseTo(0.25 / (190 ** 2 + 0.25), 9);
    expect(await share(14.6)).toBeCloseTo(0.25 / (9990 ** 2 + 0.25), 12);
  });
});

it('with ComfyUI it walks the schedule as all samplers do, at whole timesteps', async () => {
  const { sigmas, timestepOf, wrapDenoiser } = plan(4, 'comfy', 'sgm_uniform');
  expect(sigmas).toEqual(planSampling({ sampler: 'euler', schedule: 'sgm_uniform', steps: 4, compat: 'comfy' }, stableDiffusionTable, 'sd1').sigmas);
  expect(sigmas.slice(0, -1).map(timestepOf)).toEqual(sigmas.slice(0, -1).map((sigma) => Math.round(sigmaToT(stableDiffusionTable, sigma))));
  expect((await wrapDenoiser(async () => float32([1]))(float32([1], Float32Array.of(1)), 1)).data[0]).toBe(0);
});
