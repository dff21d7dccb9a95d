// Brownian noise against torchsde, numpy and its own definition.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brownianNoise, type Draw } from '../../../main/engine/sampling/noise/brownian';
import { latentNoise } from '../../../main/engine/sampling/noise/latent-noise';
import { TorchGenerator } from '../../../main/engine/sampling/noise/mersenne';
import { seedSequence } from '../../../main/engine/sampling/noise/seed-sequence';
import type { Rng } from '../../../preload/contract/vocabulary';

const draw: Draw = (seed, n) => new TorchGenerator(seed).randn(n);
const span = { from: 0.0291675385, to: 14.6146431 };
const one = [1, 4, 2, 3];

describe('seedSequence', () => {
  // Of numpy 1.24.
  it.each([
    [12345, [], 4, [2688385916, 3048105090, 4196366895, 3152189807]],
    [0, [], 4, [2968811710, 3677149159, 745650761, 2884920346]],
    [42, [], 24, [387750627, 2536650517, 4078839648]],
    [1, [0, 0], 24, [182647522, 2616322182, 3015489495, 69013646]],
    [2 ** 40 + 7, [5, 3], 24, [274823170, 1995610858, 3082670851, 2858707861]],
    // Of numpy 2.4.
    [6687881544318117707n, [], 24, [0x7893bfb8, 0x7d07518b, 0x6728d98b]],
    [2n ** 64n - 1n, [3, 2], 24, [0x3e025bc2]],
    [2 ** 53 - 1, [2 ** 34 + 1, 35], 24, [3429241605, 2969444209, 482519553, 1181390812]],
  ])('of %i with key %j in a pool of %i is numpy\'s', (entropy, key, poolSize, want) => {
    expect([...seedSequence(entropy, key, poolSize, want.length)]).toEqual(want);
  });
});

/**
 * Made with torchsde 0.2.6 on torch 1.13 and numpy 1.24, through k-diffusion's BrownianTreeNoiseSampler; for 'gpu' torchsde's `_randn`
 * was replaced by Philox, as AUTOMATIC1111 does. Per interval: σ, the next σ, the first two values and the last.
 */
const references: { source: Rng; seed: number; dims: number[]; from: number; to: number; intervals: number[][] }[] = [
  { source: 'cpu', seed: 1234567, dims: one, ...span, intervals: [
    [14.6146431, 11.7253685, -0.483639, 1.551787, 0.485081],
    [14.6146431, 13.0905342, -1.166994, 1.434049, 0.941883],
    [1.48321688, 1.09079063, -2.242611, -0.470414, -0.594804],
    [0.0484819002, 0.0291675385, 1.27988, -1.41459, 0.041461],
    [14.6146431, 0.0291675385, -0.788725, 0.94228, 0.773056],
  ] },
  { source: 'nv', seed: 1234567, dims: one, ...span, intervals: [
    [14.6146431, 11.7253685, 0.687246, 0.873531, -1.994831],
    [14.6146431, 13.0905342, -0.090308, -0.223675, -2.461601],
    [1.48321688, 1.09079063, -0.754378, 0.47706, -0.476073],
    [0.0484819002, 0.0291675385, -0.299861, 1.940164, 0.310997],
    [14.6146431, 0.0291675385, 1.1632, 2.188884, -0.503747],
  ] },
  // One tree for the whole batch: the last value is the second picture's.
  { source: 'cpu_nv', seed: 1234567, dims: [2, 4, 2, 3], ...span, intervals: [
    [14.6146431, 11.7253685, -0.483639, 1.551787, 1.87357],
    [1.48321688, 1.09079063, -2.242611, -0.470414, -0.378179],
    [0.0484819002, 0.0291675385, 1.27988, -1.41459, 1.44961],
  ] },
  // Zero terminal SNR: 33 levels deep, and keys of two words.
  { source: 'cpu', seed: 2 ** 53 - 1, dims: one, from: 0.0291674789, to: 4518.75586, intervals: [
    [4518.75586, 1892.01013, 1.049891, -1.463858, -0.080142],
    [0.950004637, 0.0291674789, -0.780816, 0.49159, -0.578672],
  ] },
];

describe.each(references)('noise of $source, seed $seed, up to σ $to', ({ source, seed, dims, from, to, intervals }) => {
  it.each(intervals)('from %f to %f is torchsde\'s', (sigma, sigmaNext, ...want) => {
    const { data } = latentNoise(source, seed, dims, { tree: { from, to } }).next(sigma!, sigmaNext!);
    [data[0]!, data[1]!, data.at(-1)!].forEach((value, i) => expect(Math.abs(value - want[i]!)).toBeLessThan(5e-6));
  });
});

describe('a Brownian path', () => {
  const level = fc.double({ min: span.from, max: span.to, noNaN: true });
  const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

  it('is made of its parts, asked in any order', () => {
    fc.assert(fc.property(seeds, fc.uniqueArray(level, { minLength: 3, maxLength: 3, selector: (v) => Math.round(v * 1e3) }), (seed, levels) => {
      const [high, middle, low] = levels.toSorted((a, b) => b - a) as [number, number, number];
      const noise = brownianNoise(seed, [4], span, draw);
      const second = noise(middle, low).data.map((value) => value * Math.sqrt(middle - low));
      const whole = noise(high, low).data.map((value) => value * Math.sqrt(high - low));
      noise(high, middle).data.forEach((value, i) => expect(Math.abs(value * Math.sqrt(high - middle) + second[i]! - whole[i]!)).toBeLessThan(1e-4));
    }), { numRuns: 50 });
  });

  it('has unit variance over any interval, and nothing in common over two that do not overlap', () => {
    const noise = brownianNoise(11, [20_000], span, draw);
    const [early, late] = [noise(14, 3).data, noise(0.3, 0.2).data];
    const mean = (values: Float32Array): number => values.reduce((a, b) => a + b, 0) / values.length;
    for (const values of [early, late, noise(14, 13.999).data]) {
      expect(Math.abs(mean(values))).toBeLessThan(0.03);
      expect(Math.abs(mean(values.map((v) => v * v)) - 1)).toBeLessThan(0.05);
    }
    expect(Math.abs(mean(early.map((v, i) => v * late[i]!)))).toBeLessThan(0.03);
  });

  it('stays finite outside its span and for one of no length', () => {
    for (const noise of [brownianNoise(3, [4], span, draw), brownianNoise(3, [4], { from: 5, to: 5 }, draw)]) {
      for (const value of [...noise(20, 10).data, ...noise(1, 0.001).data, ...noise(0.0078125, 0.001).data]) expect(Number.isFinite(value)).toBe(true);
    }
  });
});

describe('trees of a batch', () => {
  const options = { tree: span };
  it.each(['cpu', 'nv'] as const)('are one for each picture with %s, so that it is the same alone', (source) => {
    const batch = latentNoise(source, 100, [3, 4, 2, 3], options).next(9, 8).data;
    expect(batch.slice(48)).toEqual(latentNoise(source, 102, one, options).next(9, 8).data);
  });

  it('do not hear of ENSD or variation', () => {
    const plain = latentNoise('cpu', 5, one, options).next(9, 8).data;
    expect(latentNoise('cpu', 5, one, { ...options, stepSeedDelta: 31337, variation: { seed: 9, strength: 0.5 } }).next(9, 8).data).toEqual(plain);
  });
});
