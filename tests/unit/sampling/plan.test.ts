// What a run is given by the program that it follows, and that every combination of sampler and schedule can be walked.
import { describe, expect, it } from 'vitest';
import { rescaleToZeroTerminalSnr, scaledLinearAlphas, sigmaTable, sigmaToT, stableDiffusionTable } from '../../../main/engine/sampling/model-sampling';
import { latentNoise } from '../../../main/engine/sampling/noise/latent-noise';
import { planSampling } from '../../../main/engine/sampling/plan';
import { samplers } from '../../../main/engine/sampling/samplers';
import { sigmas } from '../../../main/engine/sampling/schedules';
import { samplerNames, scheduleNames } from '../../../preload/contract/vocabulary';
import { gaussian, start } from './gaussian';

const table = stableDiffusionTable;
type Asked = Parameters<typeof planSampling>[0];
const plan = (asked: Partial<Asked> = {}) => planSampling({ sampler: 'euler', schedule: 'karras', steps: 20, compat: 'a1111', ...asked }, table, 'sd1');
const karras = (steps: number): number[] => sigmas('karras', steps, table);

describe('levels', () => {
  it('leave out the last but one of a longer schedule for second-order samplers', () => {
    const longer = karras(21);
    const without = [...longer.slice(0, 20), 0];
    for (const sampler of ['dpm2', 'dpm2_a'] as const) for (const compat of ['a1111', 'comfy'] as const) expect(plan({ sampler, compat }).sigmas).toEqual(without);
    expect(plan({ sampler: 'dpmpp_3m_sde' }).sigmas).toEqual(without);
    expect(plan({ sampler: 'dpmpp_3m_sde', compat: 'comfy' }).sigmas).toEqual(karras(20));
    expect(plan({ sampler: 'unipc', compat: 'comfy' }).sigmas).toEqual(without);
    expect(plan({ sampler: 'unipc' }).sigmas).toEqual(karras(20));
  });

  it('of img2img are the end of the schedule, or with ComfyUI of a longer one', () => {
    expect(plan({ strength: 0.6 }).sigmas).toEqual(karras(20).slice(-14));
    expect(plan({ strength: 1 }).sigmas).toEqual(karras(20));
    expect(plan({ strength: 0 }).sigmas).toEqual(karras(20).slice(-2));
    expect(plan({ strength: 0.6, compat: 'comfy' }).sigmas).toEqual(karras(33).slice(-21));
    expect(plan({ strength: 1, compat: 'comfy' }).sigmas).toEqual(karras(20));
    expect(plan({ strength: 0, compat: 'comfy' }).sigmas).toEqual(karras(2000).slice(-21));
  });

  it('of img2img are counted from the front by A1111, where DDIM\'s stride makes one more than was asked for', () => {
    const all = sigmas('ddim_uniform', 7, table);
    expect(all).toHaveLength(9);
    expect(plan({ schedule: 'ddim_uniform', steps: 7, strength: 0.5 }).sigmas).toEqual(all.slice(3));
  });

  it('are those of the program for names that mean two lists', () => {
    expect(plan({ schedule: 'beta', compat: 'comfy' }).sigmas).toEqual(sigmas('beta', 20, table, { compat: 'comfy' }));
    expect(plan({ schedule: 'beta', compat: 'a1111' }).sigmas).toEqual(sigmas('beta', 20, table));
  });
});

it('a start from pure noise is a little stronger with ComfyUI, which counts the picture\'s own variance', () => {
  const [top] = karras(20) as [number];
  expect(plan().startNoise).toBe(top);
  expect(plan({ compat: 'comfy' }).startNoise).toBeCloseTo(Math.sqrt(1 + top * top), 6);
  const later = plan({ compat: 'comfy', strength: 0.5 });
  expect(later.startNoise).toBe(later.sigmas[0]);
});

it('the network is told fractional timesteps by A1111, and whole ones by ComfyUI', () => {
  const [, sigma] = karras(20) as [number, number];
  expect(plan().timestepOf(sigma)).toBe(sigmaToT(table, sigma));
  expect(Number.isInteger(sigmaToT(table, sigma))).toBe(false);
  expect(plan({ compat: 'comfy' }).timestepOf(sigma)).toBe(Math.round(sigmaToT(table, sigma)));
});

it('trees span the whole schedule with A1111 and what runs of it with ComfyUI', () => {
  const from = karras(20).at(-2);
  expect(plan({ sampler: 'dpmpp_2m_sde', strength: 0.5 }).tree).toEqual({ from, to: karras(20)[0] });
  expect(plan({ sampler: 'dpmpp_2m_sde', strength: 0.5, compat: 'comfy' }).tree).toEqual({ from: karras(40).at(-2), to: karras(40)[20] });
  expect(plan({ sampler: 'euler_a' }).tree).toBeUndefined();
});

it('DPM fast and adaptive draw noise in A1111, by its eta for ancestral samplers, and none in ComfyUI', () => {
  for (const sampler of ['dpm_fast', 'dpm_adaptive'] as const) {
    expect(plan({ sampler, compat: 'a1111' }).options.eta).toBe(1);
    expect(plan({ sampler, compat: 'comfy' }).options.eta).toBeUndefined();
    // A1111 takes them through the model's range, ComfyUI through the schedule's.
    expect(plan({ sampler, schedule: 'sgm_uniform' }).sigmas.at(-2)).toBeCloseTo(table.sigmaMin, 6);
    expect(plan({ sampler, schedule: 'sgm_uniform', compat: 'comfy' }).sigmas.at(-2)).toBeGreaterThan(5 * table.sigmaMin);
  }
});

const tables = { 'Stable Diffusion': table, 'zero terminal SNR': sigmaTable(rescaleToZeroTerminalSnr(scaledLinearAlphas())) };
describe.each(samplerNames)('%s', (sampler) => {
  it.each(scheduleNames)('with %s gives finite latents in one, two, three and seven steps, of a picture or of noise', async (schedule) => {
    for (const [name, levels] of Object.entries(tables)) for (const compat of ['a1111', 'comfy'] as const) for (const steps of [1, 2, 3, 7]) for (const strength of [undefined, 0.5]) {
      const { sigmas: walked, startNoise, tree, options, wrapDenoiser } = planSampling({ sampler, schedule, steps, compat, strength }, levels, 'sdxl');
      const next = latentNoise('cpu', 3, [1, 4, 1, 1], { tree }).next;
      const { data } = await samplers[sampler].run(wrapDenoiser(gaussian), start(startNoise), walked, { noise: next }, options);
      // From σ = 4500, methods that extrapolate over few steps throw the picture far; they may, as long as it stays a number.
      for (const value of data) expect(Math.abs(value), `${name}, ${steps} steps, ${compat}, strength ${strength}`).toBeLessThan(levels === table ? 100 : Infinity);
    }
  });
});
