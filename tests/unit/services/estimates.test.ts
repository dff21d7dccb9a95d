// Estimates: measured beats scaled beats guessed, and each says which it is.
import { describe, expect, it } from 'vitest';
import { Estimates, type Timing } from '../../../main/services/estimates';

const sd15 = { name: 'sd15', path: '/sd15.safetensors', hash: 'a'.repeat(64), sizeBytes: 2.13e9, parameters: 1.066e9 };
const mini = { name: 'mini', path: '/mini.safetensors', hash: 'b'.repeat(64), sizeBytes: 34e6, parameters: 16.9e6 };
const run = { model: 'x', width: 512, height: 512, steps: 20, cfg: 7, sampler: 'euler' };
const timing: Timing = {
  modelHash: sd15.hash, parameters: sd15.parameters, width: 512, height: 512, evaluations: 2, openSeconds: 1, stepSeconds: 6, decodeSeconds: 9, peakBytes: 4e9,
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
    expect(large.peakBytes).toBeGreaterThanOrEqual(4e9);
  });

  it('scales from another model when this one never ran', () => {
    const small = knowing(timing).estimate({ ...run, width: 128, height: 128 }, mini);
    expect(small.basis).toBe('scaled');
    expect(small.seconds).toBeLessThan(5);
  });

  it('prefers this model at another size to another model', () => {
    const slowMini: Timing = { ...timing, modelHash: mini.hash, parameters: mini.parameters, width: 128, height: 128, stepSeconds: 1 };
    const estimate = knowing(timing, slowMini).estimate({ ...run, width: 128, height: 136 }, mini);
    expect(estimate.secondsPerStep).toBeGreaterThan(1);
    expect(estimate.secondsPerStep).toBeLessThan(1.1);
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
    const job = { version: 1, kind: 'txt2img', prompt: '', negative: '', seed: 1, steps: 20, sampler: 'euler', schedule: 'normal', cfg: 7, width: 512, height: 512, clipSkip: 1, noise: 'cpu' } as const;
    estimates.measured({ ...job, model: { name: 'sd15', hash: null } }, sd15, timing);
    expect(estimates.estimate(run, sd15).basis).toBe('guessed');
    estimates.measured({ ...job, model: { name: 'sd15', hash: sd15.hash } }, sd15, timing);
    expect(estimates.estimate(run, sd15)).toMatchObject({ basis: 'measured', secondsPerStep: 6 });
    expect(estimates.decodeSeconds({ ...job, model: { name: 'sd15', hash: sd15.hash } }, sd15)).toBe(9);
  });
});
