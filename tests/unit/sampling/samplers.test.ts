// What every sampler must do, whatever its method.
import { describe, expect, it, test } from 'vitest';
import { samplers } from '../../../main/engine/sampling/samplers';
import { sigmas } from '../../../main/engine/sampling/schedules';
import { stableDiffusionTable } from '../../../main/engine/sampling/model-sampling';
import { samplerNames, type SamplerName } from '../../../preload/contract/vocabulary';
import { certain, exactFlow, gaussian, noiseOf, picture, sample, start } from './gaussian';

const karras = (steps: number): number[] => sigmas('karras', steps, stableDiffusionTable);
/** These choose their own levels between the schedule's ends. */
const ownLevels: readonly SamplerName[] = ['dpm_fast', 'dpm_adaptive'];

describe.each(samplerNames)('%s', (name) => {
  it('lands on the denoised picture when one step goes straight to 0', async () => {
    expect((await sample(name, certain, [14.6, 0])).data).toEqual(picture.data);
    const denoised = await gaussian(start(14.6), 14.6);
    expect((await sample(name, gaussian, [14.6, 0])).data).toEqual(denoised.data);
  });

  it('comes close to the picture in two steps, and with many', async () => {
    for (const steps of [2, 3, 20, 40]) {
      const result = await sample(name, certain, karras(steps));
      // dpm_fast and dpm_adaptive leave the noise of the smallest level.
      result.data.forEach((value, i) => expect(value).toBeCloseTo(picture.data[i]!, ownLevels.includes(name) ? 0.5 : 4));
    }
  });

  it('stays finite where levels repeat', async () => {
    const result = await sample(name, gaussian, [14.6, 5, 5, 5, 2, 1, 1, 0.3, 0.3, 0]);
    for (const value of result.data) expect(Math.abs(value)).toBeLessThan(10);
  });

  it('returns its input for a schedule of no steps', async () => {
    expect((await sample(name, gaussian, [3])).data).toEqual(start(3).data);
  });

  it('makes the same picture from the same noise, and another from another if it draws any', async () => {
    const once = await sample(name, gaussian, karras(20), { noise: noiseOf(1) });
    const again = await sample(name, gaussian, karras(20), { noise: noiseOf(1) });
    const other = await sample(name, gaussian, karras(20), { noise: noiseOf(2) });
    expect(again.data).toEqual(once.data);
    expect(samplers[name].usesNoise).toBe(other.data.some((value, i) => value !== once.data[i]));
  });

  it('tells of its steps in order, once each, and does not change the latents it was given', async () => {
    const levels = karras(20);
    const seen: number[] = [];
    const x = start(levels[0]!);
    const before = x.data.slice();
    await samplers[name].run(gaussian, x, levels, { noise: noiseOf(1), onStep: ({ i }) => { seen.push(i); } });
    expect(x.data).toEqual(before);
    expect(Math.max(...seen)).toBeLessThan(20);
    if (ownLevels.includes(name)) expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    else expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  it('asks the denoiser as often as its entry says, or a little less', async () => {
    let calls = 0;
    await sample(name, (x, sigma) => { calls++; return gaussian(x, sigma); }, karras(20));
    expect(calls).toBeLessThanOrEqual(20 * samplers[name].evaluationsPerStep + 1);
    if (name !== 'dpm_adaptive') expect(calls).toBeGreaterThan(20 * samplers[name].evaluationsPerStep - 4);
  });

  it('stops between steps when it is told to', async () => {
    const abort = new AbortController();
    let calls = 0;
    const counted: typeof gaussian = (x, sigma) => { calls++; return gaussian(x, sigma); };
    const run = sample(name, counted, karras(20), { signal: abort.signal, onStep: () => abort.abort(new Error('enough')) });
    await expect(run).rejects.toThrow('enough');
    expect(calls).toBeLessThanOrEqual(3);
  });
});

it('prompt editing counts two a step for what A1111 and Forge mark as second-order, and one for all others, however often they ask', () => {
  const twice = samplerNames.filter((name) => samplers[name].promptStepsPerStep === 2);
  expect(twice).toEqual(['heun', 'dpm2', 'dpm2_a', 'dpmpp_2s_a', 'dpmpp_sde', 'restart', 'dpmpp_2s_a_cfg_pp']);
});

describe('order of accuracy', () => {
  /** Largest error at σ = 0.5 after going down from 8 in even steps of log σ. */
  async function error(name: SamplerName, steps: number): Promise<number> {
    const levels = Array.from({ length: steps + 1 }, (_, i) => 8 * (0.5 / 8) ** (i / steps));
    const result = await samplers[name].run(gaussian, start(8), levels, { noise: noiseOf(1) });
    const want = exactFlow(start(8), 8, 0.5);
    return Math.max(...want.map((value, i) => Math.abs(value - result.data[i]!)));
  }

  test.each<[SamplerName, number]>([
    ['euler', 1], ['ddim', 1], ['heun', 2], ['dpm2', 2], ['dpmpp_2m', 2], ['lms', 2], ['deis', 2], ['unipc', 2], ['dpmpp_2s', 2],
  ])('%s gains at least order %i when the steps are doubled', async (name, order) => {
    const gain = Math.log2(await error(name, 12) / await error(name, 24));
    expect(gain).toBeGreaterThan(order - 0.35);
  });

  it('tells the orders apart: Euler gains no second order', async () => {
    expect(Math.log2(await error('euler', 12) / await error('euler', 24))).toBeLessThan(1.3);
  });
});
