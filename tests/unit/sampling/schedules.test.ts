// Schedules and the noise levels behind them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rescaleToZeroTerminalSnr, scaledLinearAlphas, scalings, sigmaTable, sigmaToT, stableDiffusionTable, tToSigma } from '../../../main/engine/sampling/model-sampling';
import { sigmas } from '../../../main/engine/sampling/schedules';
import { scheduleNames } from '../../../preload/contract/vocabulary';

const tables = { 'Stable Diffusion': stableDiffusionTable, 'zero terminal SNR': sigmaTable(rescaleToZeroTerminalSnr(scaledLinearAlphas())) };
const stepCounts = [1, 2, 3, 7, 20, 30, 150, 200];

describe.each(scheduleNames)('%s', (name) => {
  it.each(Object.entries(tables))('falls from the start to 0 in the number of steps asked for, %s', (_, table) => {
    for (const steps of stepCounts) {
      const levels = sigmas(name, steps, table, { compat: 'comfy' });
      expect(levels.at(-1)).toBe(0);
      for (let i = 1; i < levels.length; i++) expect(levels[i]).toBeLessThan(levels[i - 1]!);
      // Strides of whole timesteps: ddim_uniform takes what fits, beta visits no timestep twice.
      if (name === 'ddim_uniform') expect(levels.length).toBeGreaterThan(steps);
      else if (name === 'beta') expect(levels.length).toBeLessThanOrEqual(steps + 1);
      else expect(levels).toHaveLength(steps + 1);
    }
  });

  it('has steps + 1 levels by A1111 as well', () => {
    for (const steps of [1, 2, 10, 20]) expect(sigmas(name, steps, stableDiffusionTable)).toHaveLength(steps + 1);
  });
});

describe('sigma and timestep', () => {
  it('invert each other, also between timesteps', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 999, noNaN: true }), (t) => {
      expect(sigmaToT(stableDiffusionTable, tToSigma(stableDiffusionTable, t))).toBeCloseTo(t, 6);
    }));
  });

  it('are clamped to the levels that the model knows', () => {
    expect(sigmaToT(stableDiffusionTable, 1e-4)).toBe(0);
    expect(sigmaToT(stableDiffusionTable, 1e4)).toBe(999);
    expect(tToSigma(stableDiffusionTable, 5000)).toBe(stableDiffusionTable.sigmaMax);
  });
});

describe('scalings', () => {
  it.each(['eps', 'v'] as const)('find the clean latents from a perfect %s prediction at any sigma', (prediction) => {
    fc.assert(fc.property(fc.double({ min: 0.03, max: 14, noNaN: true }), (sigma) => {
      const clean = 0.3, noise = -0.7;
      const a = 1 / Math.sqrt(1 + sigma * sigma);
      const s = sigma * a;
      const { cIn, cSkip, cOut } = scalings(prediction, sigma);
      const x = clean + sigma * noise;
      expect(cIn * x).toBeCloseTo(a * clean + s * noise, 9);
      expect(cSkip * x + cOut * (prediction === 'eps' ? noise : a * noise - s * clean)).toBeCloseTo(clean, 9);
    }));
  });
});
