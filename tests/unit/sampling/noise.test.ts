// Noise from seeds: what batches, variation and step noise promise. The values themselves are in the golden case `rng`.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latentNoise } from '../../../main/engine/sampling/noise/latent-noise';
import { philox } from '../../../main/engine/sampling/noise/philox';
import { seedOf, seedPlus, type Seed } from '../../../preload/contract/seed';
import { TorchGenerator } from '../../../main/engine/sampling/noise/mersenne';

const one = [1, 4, 8, 8];
const three = [3, 4, 8, 8];
const size = 4 * 8 * 8;

describe.each(['cpu', 'nv'] as const)('%s noise', (source) => {
  it('makes picture i of a batch as seed + i makes it alone, steps included', () => {
    const batch = latentNoise(source, 100, three);
    const alone = latentNoise(source, 102, one);
    expect(batch.initial.data.slice(2 * size)).toEqual(alone.initial.data);
    expect(batch.next(9, 8).data.slice(2 * size)).toEqual(alone.next(9, 8).data);
    expect(batch.next(8, 7).data.slice(2 * size)).toEqual(alone.next(8, 7).data);
  });

  it('draws something new for each step', () => {
    const noise = latentNoise(source, 5, one);
    const draws = [noise.initial, noise.next(9, 8), noise.next(9, 8)].map((x) => x.data[0]);
    expect(new Set(draws).size).toBe(3);
  });

  it('goes on after the latents, or from the seed shifted by ENSD', () => {
    const shifted = latentNoise(source, 5, one, { stepSeedDelta: 31337 });
    expect(shifted.initial.data).toEqual(latentNoise(source, 5, one).initial.data);
    expect(shifted.next(9, 8).data).toEqual(latentNoise(source, 5 + 31337, one).initial.data);
  });
});

describe('noise of CPU and card', () => {
  it('is one draw for the whole batch: the first picture is that of the seed, the next are not those of the next seeds', () => {
    const batch = latentNoise('cpu_nv', 100, three).initial.data;
    expect(batch.slice(0, size)).toEqual(latentNoise('cpu', 100, one).initial.data);
    expect(batch.slice(size, 2 * size)).not.toEqual(latentNoise('cpu', 101, one).initial.data);
  });
});

describe('variation', () => {
  const vary = (strength: number) => latentNoise('cpu', 1, one, { variation: { seed: 2, strength } }).initial.data;
  it('goes from the seed to the variation seed and keeps the length of noise between', () => {
    expect(vary(0)).toEqual(latentNoise('cpu', 1, one).initial.data);
    const far = latentNoise('cpu', 2, one).initial.data;
    vary(1).forEach((value, i) => expect(value).toBeCloseTo(far[i]!, 5));
    const length = Math.hypot(...vary(0.5)) / Math.sqrt(size);
    expect(length).toBeGreaterThan(0.85);
    expect(length).toBeLessThan(1.15);
  });
});

describe('seeds beyond 2^53', () => {
  const big = '6687881544318117707', low = Number(BigInt.asUintN(32, BigInt(big)));
  it('give on the CPU what their low 32 bits give, the noise of steps too', () => {
    for (const seed of [big, 2 ** 40 + low]) {
      const [noise, same] = [latentNoise('cpu', seed, three), latentNoise('cpu', low, three)];
      expect(noise.initial.data).toEqual(same.initial.data);
      expect(noise.next(1, 0.5).data).toEqual(same.next(1, 0.5).data);
    }
  });
  it('count in all of their bits on a card', () => {
    const of = (seed: Seed): Float32Array => latentNoise('nv', seed, one).initial.data;
    expect(new Set([big, low, seedPlus(big, 1), seedOf(BigInt(big) ^ (1n << 63n))].map((seed) => of(seed).join())).size).toBe(4);
    expect(latentNoise('nv', big, three).initial.data.subarray(size, 2 * size)).toEqual(of(seedPlus(big, 1)));
    expect(latentNoise('cpu_nv', big, one).next(1, 0.5).data).toEqual(of(big));
  });
  it('go on at 0 behind the last, in a batch and with ENSD', () => {
    expect(latentNoise('nv', '18446744073709551615', three).initial.data.subarray(size, 2 * size)).toEqual(latentNoise('nv', 0, one).initial.data);
    expect(latentNoise('nv', '18446744073709551615', one, { stepSeedDelta: 31337 }).next(1, 0.5).data).toEqual(latentNoise('nv', 31336, one).initial.data);
  });
  it('seed a tree of their own', () => {
    const tree = { from: 0.03, to: 14.6 };
    expect(latentNoise('cpu', big, one, { tree }).next(2, 1).data).not.toEqual(latentNoise('cpu', low, one, { tree }).next(2, 1).data);
  });
});

// The known answers of Random123 (kat_vectors, philox4x32 10): counter, key, result.
it.each([
  [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
  [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
  [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]],
] as const)('Philox of counter %j and key %j', ([c0, c1, c2, c3], key, want) => {
  const out = new Uint32Array(4);
  philox(c0, c1, c2, c3, key, out);
  expect([...out]).toEqual(want);
});

describe('TorchGenerator', () => {
  it('looks at the low 32 bits of a seed only, as torch does', () => {
    fc.assert(fc.property(fc.nat(), fc.integer({ min: 1, max: 2 ** 20 }), (seed, high) => {
      expect(new TorchGenerator(seed + high * 2 ** 32).rand(4)).toEqual(new TorchGenerator(seed).rand(4));
    }));
  });

  it('gives values of mean 0 and variance 1 for every count, the tail included', () => {
    for (const n of [15, 16, 17, 31, 1000]) {
      const values = Array.from({ length: Math.ceil(20_000 / n) }, (_, seed) => [...new TorchGenerator(seed).randn(n)]).flat();
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
      expect(Math.abs(mean)).toBeLessThan(0.03);
      expect(Math.abs(variance - 1)).toBeLessThan(0.05);
    }
  });
});
