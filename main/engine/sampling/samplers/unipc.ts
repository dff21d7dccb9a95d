// UniPC, Zhao et al. 2023 (arXiv:2302.04867): a multistep predictor, and a corrector that uses the next evaluation once it is there.
import type { Tensor } from '../../tensor';
import { lincomb, towards, type Term } from '../arithmetic';
import type { Evaluation, Sampler, SamplerOptions } from '../types';
import { walk } from './walk';

type Variant = NonNullable<SamplerOptions['variant']>;

/**
 * On the predicted x₀, one evaluation a step. AUTOMATIC1111's settings by default: B(h) of variant 'bh1', order 3, lower orders
 * in the last steps. diffusers has 'bh2' and order 2. Both take the levels in VP form; in these latents that is the same.
 */
export const sampleUniPc: Sampler = (denoise, x, sigmas, run, { order = 3, variant = 'bh1', lowerOrderFinal = true } = {}) => {
  /** Of the step that starts at index i, with that many evaluations to look back on. */
  const orderOf = (i: number, known: number): number => Math.min(order, known, lowerOrderFinal ? sigmas.length - 1 - i : Infinity);
  return walk(denoise, x, sigmas, run, {
    correct: ({ i, x, sigma, denoised, past: [, ...before] }) => before.length === 0 ? x
      : unified(before.slice(0, orderOf(i - 1, before.length)), sigma, variant, denoised),
    advance: ({ i, x, sigma, sigmaNext, denoised, past }) => sigmaNext === 0 ? denoised
      : unified([{ sigma, x, denoised }, ...past.slice(1, orderOf(i, past.length))], sigmaNext, variant),
  });
};

/**
 * From the newest of `known` to sigmaNext: without `arrived` the predictor UniP, with the x₀ found there the corrector UniC.
 * Section 3 of the paper, with R and b of its Theorem 3.1; one x₀ of the past gives the first-order step.
 */
function unified(known: readonly Evaluation[], sigmaNext: number, variant: Variant, arrived?: Tensor): Tensor {
  const [now, ...older] = known;
  if (!now) throw new RangeError('UniPC needs an evaluation');
  const h = -Math.log(now.sigma / sigmaNext);                                 // negative: the step of the data prediction form
  const scale = variant === 'bh1' ? h : Math.expm1(h);
  const ratios = older.map((e) => Math.log(now.sigma / e.sigma) / -h);
  const points = older.map((e, k) => ({ r: ratios[k]!, denoised: e.denoised }));
  if (arrived) points.push({ r: 1, denoised: arrived });
  if (points.length === 0) return towards(now.x, now.denoised, sigmaNext / now.sigma);

  // One difference: the paper sets its weight to 1/2 instead of solving.
  const weights = points.length === 1 ? [1 / 2] : solve(points.map((_, k) => points.map(({ r }) => r ** k)), moments(h, points.length).map((b) => b / scale));
  const differences = points.flatMap(({ r, denoised }, k): Term[] => {
    const weight = (-scale * weights[k]!) / r;
    return [[weight, denoised], [-weight, now.denoised]];
  });
  return lincomb([sigmaNext / now.sigma, now.x], [-Math.expm1(h), now.denoised], ...differences);
}

/** k!·h·φₖ₊₁(h) for k = 1 … n: what the weighted differences must add up to. */
function moments(h: number, n: number): number[] {
  const out: number[] = [];
  let phi = Math.expm1(h) / h - 1;
  let factorial = 1;
  for (let k = 1; k <= n; k++) {
    out.push(phi * factorial);
    factorial *= k + 1;
    phi = phi / h - 1 / factorial;
  }
  return out;
}

/** Gaussian elimination with pivots, for systems of 2 or 3 unknowns. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const n = rows.length;
  for (let c = 0; c < n; c++) {
    const pivot = rows.slice(c).reduce((best, row) => (Math.abs(row[c]!) > Math.abs(best[c]!) ? row : best));
    rows[rows.indexOf(pivot)] = rows[c]!;
    rows[c] = pivot;
    for (let r = 0; r < n; r++) {
      if (r === c) continue;
      const factor = rows[r]![c]! / pivot[c]!;
      rows[r] = rows[r]!.map((value, k) => value - factor * pivot[k]!);
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}
