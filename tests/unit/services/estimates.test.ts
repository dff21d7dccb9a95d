// Estimates: measured beats scaled beats guessed, and each says which it is.
import { describe, expect, it } from 'vitest';
import { Estimates, type Timing } from '../../../main/services/machine/estimates';
import type { RunnableModel } from '../../../main/services/models/runnable';

/** Convolutions grow with the area, attention with its square. */
const costLike = (unet: number, decode: number) => (width: number, height: number) => {
  const area = (width * height) / 512 ** 2;
  return { unetFlops: unet * (0.7 * area + 0.3 * area * area), decodeFlops: decode * area };
};
const model = (name: string, hash: string, sizeBytes: number, parameters: number, cost: RunnableModel['cost']): RunnableModel =>
  ({ id: name, name, path: `/${name}.safetensors`, parts: {}, hash: hash.repeat(64), sizeBytes, parameters, family: 'sd1', cost });
const sd15 = model('sd15', 'a', 2.13e9, 1.066e9, costLike(0.8e12, 2.5e12));
const mini = model('mini', 'b', 34e6, 16.9e6, costLike(16e9, 0.2e12));
const run = { model: 'x', width: 512, height: 512, steps: 20, cfg: 7, sampler: 'euler' };
const timing: Timing = {
  modelHash: sd15.hash!, parameters: sd15.parameters, width: 512, height: 512, evaluations: 2, openSeconds: 1, stepSeconds: 6, decodeSeconds: 9, peakBytes: 4e9, ...sd15.cost(512, 512),
};
const knowing = (...timings: Timing[]) => new Estimates({ add: (run) => { timings.unshift(run); }, list: () => timings }, 2);

describe('the estimate', () => {
  it('is the measured run where there is one', () => {
    expect(knowing(timing).estimate(run, sd15)).toEqual({ seconds: 1 + 20 * 6 + 9, secondsPerStep: 6, peakBytes: 4e9, basis: 'measured' });
  });

  it('halves a step without guidance and doubles it for a second-order sampler', () => {
    const estimates = knowing(timing);
    expect(estimates.estimate({ ...run, cfg: 1 }, sd15).secondsPerStep).toBeCloseTo(3);
    expect(estimates.estimate({ ...run, sampler: 'heun' }, sd15).secondsPerStep).toBeCloseTo(12);
  });

  it('scales to another size by more than the area, for attention grows with its square', () => {
    const large = knowing(timing).estimate({ ...run, width: 1024 }, sd15);
    expect(large.basis).toBe('scaled');
    expect(large.secondsPerStep / 6).toBeGreaterThan(2);
    expect(large.secondsPerStep / 6).toBeLessThan(4);
    expect(large.peakBytes).toBeGreaterThan(4e9);
  });

  it('scales from another model when this one never ran', () => {
    const small = knowing(timing).estimate({ ...run, width: 128, height: 128 }, mini);
    expect(small.basis).toBe('scaled');
    expect(small.seconds).toBeLessThan(5);
  });

  it('prefers this model at another size to another model', () => {
    const slowMini: Timing = { ...timing, modelHash: mini.hash!, parameters: mini.parameters, width: 128, height: 128, stepSeconds: 1, ...mini.cost(128, 128) };
    const estimate = knowing(timing, slowMini).estimate({ ...run, width: 128, height: 136 }, mini);
    expect(estimate.secondsPerStep).toBeGreaterThan(1);
    expect(estimate.secondsPerStep).toBeLessThan(1.1);
  });

  it('does not take a tiny model for the measure of a real one: small products leave a processor idle', () => {
    const slowMini: Timing = { ...timing, modelHash: mini.hash!, parameters: mini.parameters, width: 128, height: 128, stepSeconds: 0.06, decodeSeconds: 0.1, ...mini.cost(128, 128) };
    const estimate = knowing(slowMini).estimate(run, sd15);
    expect(estimate.basis).toBe('scaled');
    expect(estimate.secondsPerStep).toBeGreaterThan(3);
    expect(estimate.secondsPerStep).toBeLessThan(20);          // in proportion it would be two minutes and more
  });

  it('counts both evaluations of the samplers that make two, and of those that read the unconditional prediction', () => {
    const estimates = knowing(timing);
    expect(estimates.estimate({ ...run, sampler: 'dpmpp_2s_a_cfg_pp' }, sd15).secondsPerStep).toBeCloseTo(12);
    expect(estimates.estimate({ ...run, sampler: 'euler_cfg_pp', cfg: 1 }, sd15).secondsPerStep).toBeCloseTo(6);
  });

  it('guesses from the cores at first, within reach of what such a machine does', () => {
    const guess = knowing().estimate(run, sd15);
    expect(guess.basis).toBe('guessed');
    expect(guess.secondsPerStep).toBeGreaterThan(3);       // 1.6 TFLOP on two cores
    expect(guess.secondsPerStep).toBeLessThan(20);
    expect(guess.peakBytes).toBeGreaterThan(3e9);
    expect(guess.peakBytes).toBeLessThan(6e9);
  });

  it('learns from a run, unless its model has no hash to find it by', () => {
    const estimates = knowing();
    const job = { version: 4, kind: 'txt2img', prompt: '', negative: '', seed: 1, steps: 20, sampler: 'euler', schedule: 'normal', cfg: 7, width: 512, height: 512, clipSkip: 1, rng: 'cpu', compat: 'a1111' } as const;
    estimates.measured({ ...job, files: { model: { name: 'sd15', hash: null } } }, sd15, timing);
    expect(estimates.estimate(run, sd15).basis).toBe('guessed');
    estimates.measured({ ...job, files: { model: { name: 'sd15', hash: sd15.hash } } }, sd15, timing);
    expect(estimates.estimate(run, sd15)).toMatchObject({ basis: 'measured', secondsPerStep: 6 });
    expect(estimates.decodeSeconds({ ...job, files: { model: { name: 'sd15', hash: sd15.hash } } }, sd15)).toBe(9);
  });
});
