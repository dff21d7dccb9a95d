// Samplers and schedules without a stored trajectory, against the formulas of the programs written out plainly in double precision.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { mixtureDenoiser, type Mixture } from '../../../main/cli/golden/gaussian-mixture';
import { lincomb } from '../../../main/engine/sampling/arithmetic';
import { stableDiffusionTable } from '../../../main/engine/sampling/model-sampling';
import { latentNoise } from '../../../main/engine/sampling/noise/latent-noise';
import { samplers } from '../../../main/engine/sampling/samplers';
import { sigmas } from '../../../main/engine/sampling/schedules';
import type { Denoiser } from '../../../main/engine/sampling/types';
import { float32 } from '../../../main/engine/tensor';
import type { SamplerName, ScheduleName } from '../../../preload/contract/vocabulary';

type Vector = number[];
const zip = (f: (...values: number[]) => number, ...vectors: Vector[]): Vector => vectors[0]!.map((_, i) => f(...vectors.map((v) => v[i]!)));

/** Guided and unguided prediction. */
type Model = (x: Vector, sigma: number) => Promise<{ denoised: Vector; uncond: Vector }>;
/** The k-th draw of noise. */
type Noise = (k: number) => Vector;

const dims = [1, 8];
let denoise: Denoiser;
beforeAll(async () => {
  const config = JSON.parse(await readFile(join(import.meta.dirname, '../../golden/cases/samplers/case.json'), 'utf8'));
  const mixture = mixtureDenoiser(config.model as Mixture);
  denoise = async (x, sigma) => {
    const uncond = await mixture(lincomb([0.8, x]), 0.9 * sigma);
    return { ...lincomb([1.4, await mixture(x, sigma)], [-0.4, uncond]), uncond };
  };
});

async function compare(name: SamplerName, levels: readonly number[], transcription: (model: Model, x: Vector, s: readonly number[], noise: Noise) => Promise<Vector>): Promise<void> {
  const start = lincomb([levels[0]!, latentNoise('cpu', 1, dims).initial]);
  const draws = latentNoise('cpu', 2, dims);
  const kept: Vector[] = [];
  const model: Model = async (x, sigma) => {
    const answer = await denoise(float32(dims, Float32Array.from(x)), sigma);
    return { denoised: [...answer.data], uncond: [...answer.uncond!.data] };
  };
  const ours = await samplers[name].run(denoise, start, levels, { noise: (a, b) => {
    const drawn = draws.next(a, b);
    kept.push([...drawn.data]);
    return drawn;
  } });
  const theirs = await transcription(model, [...start.data], levels, (k) => kept[k]!);
  ours.data.forEach((value, i) => expect(Math.abs(value - theirs[i]!)).toBeLessThan(2e-4));
}

/** k-diffusion's get_ancestral_step with eta 1. */
function ancestralStep(from: number, to: number): [down: number, up: number] {
  const up = Math.min(to, Math.sqrt(to ** 2 * (from ** 2 - to ** 2) / from ** 2));
  return [Math.sqrt(to ** 2 - up ** 2), up];
}

describe('CFG++ forms, as in ComfyUI', () => {
  const levels = sigmas('karras', 12, stableDiffusionTable);

  it('euler_cfg_pp', () => compare('euler_cfg_pp', levels, async (model, x, s) => {
    for (let i = 0; i + 1 < s.length; i++) {
      const { denoised, uncond } = await model(x, s[i]!);
      x = zip((x, d, u) => d + s[i + 1]! * (x - u) / s[i]!, x, denoised, uncond);
    }
    return x;
  }));

  it('euler_a_cfg_pp', () => compare('euler_a_cfg_pp', levels, async (model, x, s, noise) => {
    for (let i = 0; i + 1 < s.length; i++) {
      const { denoised, uncond } = await model(x, s[i]!);
      if (s[i + 1] === 0) return denoised;
      const [down, up] = ancestralStep(s[i]!, s[i + 1]!);
      x = zip((x, d, u, n) => d + down * (x - u) / s[i]! + n * up, x, denoised, uncond, noise(i));
    }
    return x;
  }));

  it('dpmpp_2m_cfg_pp', () => compare('dpmpp_2m_cfg_pp', levels, async (model, x, s) => {
    let old: Vector | undefined;
    for (let i = 0; i + 1 < s.length; i++) {
      const { denoised, uncond } = await model(x, s[i]!);
      const h = -Math.log(s[i + 1]!) + Math.log(s[i]!);
      let mix = zip((u) => -Math.exp(-h) * u, uncond);
      if (old && s[i + 1] !== 0) {
        const r = (-Math.log(s[i]!) + Math.log(s[i - 1]!)) / h;
        mix = zip((m, d, o) => m - Math.expm1(-h) * (1 / (2 * r)) * (d - o), mix, denoised, old);
      }
      x = zip((x, d, m) => d + m + Math.exp(-h) * x, x, denoised, mix);
      old = uncond;
    }
    return x;
  }));

  it('dpmpp_2s_a_cfg_pp', () => compare('dpmpp_2s_a_cfg_pp', levels, async (model, x, s, noise) => {
    for (let i = 0; i + 1 < s.length; i++) {
      const { denoised, uncond } = await model(x, s[i]!);
      const guidance = zip((d, u) => d - u, denoised, uncond);
      const [down, up] = ancestralStep(s[i]!, s[i + 1]!);
      if (down === 0) {
        x = zip((x, u) => x + (x - u) / s[i]! * (down - s[i]!), x, uncond);
      } else {
        const [t, tNext] = [-Math.log(s[i]!), -Math.log(down)];
        const h = tNext - t;
        const middle = Math.exp(-(t + h / 2));
        const x2 = zip((x, u) => middle / s[i]! * x - Math.expm1(-h / 2) * u, x, uncond);
        const second = (await model(x2, middle)).uncond;
        x = zip((x, u) => down / s[i]! * x - Math.expm1(-h) * u, x, second);
      }
      if (s[i + 1]! > 0) x = zip((x, n) => x + n * up, x, noise(i));
      x = zip((x, g) => x + g, x, guidance);
    }
    return x;
  }));
});

it('TCD, as diffusers has it in latents of unit variance', () => compare('tcd', sigmas('simple', 5, stableDiffusionTable), async (model, x, s, noise) => {
  const { alphasCumprod } = stableDiffusionTable;
  const timesteps = [999, 799, 599, 399, 199];
  x = zip((x) => x / Math.sqrt(1 + s[0]! ** 2), x);
  for (const [i, t] of timesteps.entries()) {
    const alpha = alphasCumprod[t]!;
    const { denoised: x0 } = await model(zip((x) => x / Math.sqrt(alpha), x), s[i]!);
    const previous = timesteps[i + 1];
    if (previous === undefined) return x0;
    const alphaPrevious = alphasCumprod[previous]!;
    const alphaS = alphasCumprod[Math.floor((1 - 0.3) * previous)]!;
    const eps = zip((x, d) => (x - Math.sqrt(alpha) * d) / Math.sqrt(1 - alpha), x, x0);
    const noised = zip((d, e) => Math.sqrt(alphaS) * d + Math.sqrt(1 - alphaS) * e, x0, eps);
    x = zip((x, n) => Math.sqrt(alphaPrevious / alphaS) * x + Math.sqrt(1 - alphaPrevious / alphaS) * n, noised, noise(i));
  }
  return x;
}));

it.each([20, 36, 47])('Restart of %i steps, as in AUTOMATIC1111', (steps) => compare('restart', sigmas('karras', steps, stableDiffusionTable), async (model, x, given, noise) => {
  const karras = (n: number, low: number, high: number): number[] =>
    [...Array.from({ length: n }, (_, i) => (high ** (1 / 7) + i / (n - 1) * (low ** (1 / 7) - high ** (1 / 7))) ** 7), 0];
  const nearest = (level: number): number => s.reduce((best, value, i) => (Math.abs(value - level) < Math.abs(s[best]! - level) ? i : best), 0);
  const [again, times] = steps >= 36 ? [Math.floor(steps / 4), 2] : [9, 1];
  const s = karras(steps - again * times, given.at(-2)!, given[0]!);
  const pairs: [number, number][] = [];
  for (let i = 0; i + 1 < s.length; i++) {
    pairs.push([s[i]!, s[i + 1]!]);
    if (i + 1 !== nearest(0.1)) continue;
    const restart = karras(again + 1, s[i + 1]!, s[nearest(2)]!).slice(0, -1);
    for (let k = 0; k < times; k++) for (let j = 0; j + 1 < restart.length; j++) pairs.push([restart[j]!, restart[j + 1]!]);
  }
  let last = Infinity;
  let draws = 0;
  for (const [from, to] of pairs) {
    if (from > last) {
      const strength = Math.sqrt(from ** 2 - last ** 2);
      x = zip((x, n) => x + n * strength, x, noise(draws++));
    }
    const d = zip((x, d) => (x - d) / from, x, (await model(x, from)).denoised);
    const ahead = zip((x, d) => x + d * (to - from), x, d);
    if (to === 0) { x = ahead; } else {
      const second = zip((x, d) => (x - d) / to, ahead, (await model(ahead, to)).denoised);
      x = zip((x, a, b) => x + (a + b) / 2 * (to - from), x, d, second);
    }
    last = to;
  }
  expect([draws, pairs.length]).toEqual([times, steps]);
  return x;
}));

describe('schedules at counts of steps for which no list is stored', () => {
  const counts = [2, 3, 7, 11, 32, 45];
  const { sigmaMin, sigmaMax, sigmas: levels } = stableDiffusionTable;
  const near = (name: ScheduleName, steps: number, want: readonly number[], options: Parameters<typeof sigmas>[3] = {}): void => {
    const got = sigmas(name, steps, stableDiffusionTable, options);
    expect(got).toHaveLength(want.length);
    got.forEach((value, i) => expect(Math.abs(value - want[i]!)).toBeLessThan(1e-5 * Math.max(1, want[i]!)));
  };
  const ramp = (n: number): number[] => Array.from({ length: n }, (_, i) => i / (n - 1));
  /** np.interp over even points, in log. */
  const stretched = (list: readonly number[], n: number): number[] => ramp(n).map((at) => {
    const position = at * (list.length - 1), low = Math.min(Math.floor(position), list.length - 2), share = position - low;
    return Math.exp((1 - share) * Math.log(list[low]!) + share * Math.log(list[low + 1]!));
  });

  it.each(counts)('%i: Align Your Steps, of A1111 and of ComfyUI', (n) => {
    const published = { sd1: [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029], sdxl: [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029] };
    for (const [family, list] of Object.entries(published) as ['sd1' | 'sdxl', number[]][]) {
      near('align_your_steps', n, [...stretched(list, n), 0], { family });
      near('align_your_steps', n, stretched(list, n + 1).with(-1, 0), { family, compat: 'comfy' });
    }
    near('align_your_steps', 10, published.sdxl.with(-1, 0), { family: 'sdxl', compat: 'comfy' });
    near('align_your_steps', 11, [...published.sdxl, 0], { family: 'sdxl' });
  });

  it.each(counts)('%i: linear quadratic', (n) => {
    const linear = Math.floor(n / 2), rest = n - linear, difference = linear - 0.025 * n;
    const bend = difference / (linear * rest ** 2), slope = 0.025 / linear - 2 * difference / rest ** 2;
    const parts = Array.from({ length: n }, (_, i) => (i < linear ? i * 0.025 / linear : bend * i ** 2 + slope * i + bend * linear ** 2));
    near('linear_quadratic', n, [...parts.map((part) => (1 - part) * sigmaMax), 0]);
  });

  it.each(counts)('%i: KL optimal ends at the smallest σ in A1111, at 0 in ComfyUI', (n) => {
    const angles = (points: number): number[] => ramp(points).map((at) => Math.tan(at * Math.atan(sigmaMin) + (1 - at) * Math.atan(sigmaMax)));
    near('kl_optimal', n, angles(n + 1));
    near('kl_optimal', n, [...angles(n), 0], { compat: 'comfy' });
  });

  it.each(counts)('%i: DDIM uniform, simple and polyexponential', (n) => {
    const stride = Math.floor(1000 / n);
    near('ddim_uniform', n, [...Array.from(levels).filter((_, t) => t % stride === 1 % stride && t >= 1).reverse(), 0]);
    near('simple', n, [...Array.from({ length: n }, (_, i) => levels[999 - Math.floor(i * 1000 / n)]!), 0]);
    near('polyexponential', n, [...ramp(n).map((at) => Math.exp((1 - at) * (Math.log(sigmaMax) - Math.log(sigmaMin)) + Math.log(sigmaMin))), 0]);
  });
});
