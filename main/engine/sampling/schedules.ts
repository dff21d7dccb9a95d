// Sigma schedules by name, and their forms in programs that disagree: noise levels descending from the model's largest to 0.
import type { Compat, ScheduleName } from '../../../preload/contract/vocabulary';
import { betaQuantile } from './beta-quantile';
import { sigmaToT, tToSigma, type SigmaTable } from './model-sampling';
import { roundHalfEven } from './timestep-grids';

interface ScheduleOptions {
  /** Whose list a name means, where they differ. */
  compat?: Compat;
  /** Align Your Steps was optimized for each family apart. */
  family?: 'sd1' | 'sdxl';
}

/**
 * The noise levels of a run, rounded to float32 as the programs store them. `steps + 1` of them ending in 0, but for
 * ddim_uniform, whose stride is a whole number (one more where steps does not divide 1000), and ComfyUI's beta, which drops
 * timesteps that it would visit twice. One step goes from pure noise to the picture, whatever the name.
 *
 * A name means AUTOMATIC1111's list, or ComfyUI's with `compat: 'comfy'`. They differ in `beta` (quantiles of σ or of
 * timesteps), `kl_optimal` (A1111's stops at the smallest σ, after `steps` steps but without the last to 0, and leaves that
 * noise in the picture) and `align_your_steps` (A1111 has `steps` levels down to 0.029 and then 0, ComfyUI and Fooocus put 0 in
 * the place of 0.029). linear_quadratic is ComfyUI's in either case.
 */
export function sigmas(name: ScheduleName, steps: number, table: SigmaTable, { compat = 'a1111', family = 'sd1' }: ScheduleOptions = {}): number[] {
  if (steps === 1) return [table.sigmaMax, 0];
  return list(name, steps, table, compat, family).map(Math.fround);
}

function list(name: ScheduleName, steps: number, table: SigmaTable, compat: Compat, family: 'sd1' | 'sdxl'): number[] {
  const { sigmaMin, sigmaMax } = table;
  switch (name) {
    case 'normal': return normal(steps, table);
    case 'karras': return karras(steps, sigmaMin, sigmaMax);
    case 'exponential': return polyexponential(steps, sigmaMin, sigmaMax);
    case 'polyexponential': return polyexponential(steps, sigmaMin, sigmaMax);
    case 'sgm_uniform': return sgmUniform(steps, table);
    case 'simple': return simple(steps, table);
    case 'ddim_uniform': return ddimUniform(steps, table);
    case 'beta': return compat === 'a1111' ? betaSigmas(steps, sigmaMin, sigmaMax) : betaTimesteps(steps, table);
    case 'kl_optimal': return compat === 'a1111' ? klOptimal(steps + 1, sigmaMin, sigmaMax) : [...klOptimal(steps, sigmaMin, sigmaMax), 0];
    case 'linear_quadratic': return linearQuadratic(steps, sigmaMax);
    case 'align_your_steps': return compat === 'a1111' ? [...alignYourSteps(steps, family), 0] : [...alignYourSteps(steps + 1, family).slice(0, -1), 0];
  }
}

/** n values from start to end, both included; one value is the start. */
const linspace = (start: number, end: number, n: number): number[] =>
  Array.from({ length: n }, (_, i) => (n === 1 ? start : start + ((end - start) * i) / (n - 1)));

/** Even steps in training time. k-diffusion `get_sigmas`; A1111 "Uniform" and "Normal". */
function normal(steps: number, table: SigmaTable): number[] {
  return [...linspace(sigmaToT(table, table.sigmaMax), 0, steps).map((t) => tToSigma(table, t)), 0];
}

/** As normal, but spaced so that 0 would be the next step: no time is spent at the smallest σ. Stability's SGM. */
function sgmUniform(steps: number, table: SigmaTable): number[] {
  return [...linspace(sigmaToT(table, table.sigmaMax), 0, steps + 1).slice(0, -1).map((t) => tToSigma(table, t)), 0];
}

/** Karras et al. 2022 (arXiv:2206.00364) eq. 5: even steps in σ^(1/ρ). */
export function karras(steps: number, sigmaMin: number, sigmaMax: number, rho = 7): number[] {
  return [...linspace(sigmaMax ** (1 / rho), sigmaMin ** (1 / rho), steps).map((root) => root ** rho), 0];
}

/** Even steps in (log σ)^(1/ρ) above the smallest; ρ = 1 is the exponential schedule. */
export function polyexponential(steps: number, sigmaMin: number, sigmaMax: number, rho = 1): number[] {
  return [...linspace(1, 0, steps).map((ramp) => sigmaMin * (sigmaMax / sigmaMin) ** (ramp ** rho)), 0];
}

/**
 * Continuous VP schedule of Song et al. 2021, k-diffusion's `get_sigmas_vp`. Starts at 152, far above what Stable Diffusion
 * knows. exp − 1 loses digits in float32 at the small end; kept, so that lists agree.
 */
export function vp(steps: number, betaD = 19.9, betaMin = 0.1, epsilon = 1e-3): number[] {
  return [...linspace(1, epsilon, steps).map((t) => Math.sqrt(Math.fround(Math.exp((betaD * t * t) / 2 + betaMin * t)) - 1)), 0];
}

/** Every N/steps-th entry of the table, from its end. */
function simple(steps: number, table: SigmaTable): number[] {
  const stride = table.sigmas.length / steps;
  return [...Array.from({ length: steps }, (_, i) => table.sigmas[table.sigmas.length - 1 - Math.floor(i * stride)]!), 0];
}

/** Every ⌊N/steps⌋-th entry from 1: DDIM's own timesteps, and then 0. */
function ddimUniform(steps: number, table: SigmaTable): number[] {
  const stride = Math.max(Math.floor(table.sigmas.length / steps), 1);
  const ascending: number[] = [];
  for (let i = 1; i < table.sigmas.length; i += stride) ascending.push(table.sigmas[i]!);
  return [...ascending.reverse(), 0];
}

const betaShape = 0.6;

/** A1111's reading of Lee et al. 2024: quantiles of the Beta distribution laid over σ itself. */
function betaSigmas(steps: number, sigmaMin: number, sigmaMax: number): number[] {
  return [...linspace(1, 0, steps).map((p) => sigmaMin + betaQuantile(p, betaShape, betaShape) * (sigmaMax - sigmaMin)), 0];
}

/** ComfyUI's reading, the paper's own: quantiles laid over timesteps, rounded, each visited once. */
function betaTimesteps(steps: number, table: SigmaTable): number[] {
  const last = table.sigmas.length - 1;
  const timesteps = Array.from({ length: steps }, (_, i) => roundHalfEven(betaQuantile(1 - i / steps, betaShape, betaShape) * last));
  return [...timesteps.filter((t, i) => t !== timesteps[i - 1]).map((t) => table.sigmas[t]!), 0];
}

/**
 * Even steps in arctan σ, from Sabour et al. 2024 (arXiv:2404.14507), theorem 3.1. Without a final 0. In float32 as the
 * programs have it, which is coarse where σ is large: with zero terminal SNR it moves the first level by 1e-4 of itself.
 */
function klOptimal(n: number, sigmaMin: number, sigmaMax: number): number[] {
  return linspace(Math.fround(Math.atan(sigmaMax)), Math.fround(Math.atan(sigmaMin)), n).map((angle) => Math.tan(Math.fround(angle)));
}

/** ComfyUI, after Mochi: half of the steps linear down to 1 − 0.025 of the largest σ, the rest quadratic. */
function linearQuadratic(steps: number, sigmaMax: number, threshold = 0.025): number[] {
  const linear = Math.floor(steps / 2);
  const quadratic = steps - linear;
  const bend = (linear - threshold * steps) / (linear * quadratic ** 2);
  const slope = threshold / linear - 2 * bend * linear;
  const done = (i: number): number => (i < linear ? (i * threshold) / linear : bend * i * i + slope * i + bend * linear * linear);
  return [...Array.from({ length: steps }, (_, i) => (1 - done(i)) * sigmaMax), 0];
}

/** Sabour et al. 2024: 11 levels, optimized for 10 steps; other counts by interpolating log σ. Without the final 0. */
const alignedLevels = {
  sd1: [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029],
  sdxl: [14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029],
} as const;

function alignYourSteps(n: number, family: keyof typeof alignedLevels): number[] {
  const levels = alignedLevels[family];
  const at = (position: number): number => {
    const low = Math.min(Math.floor(position), levels.length - 2);
    return levels[low]! * (levels[low + 1]! / levels[low]!) ** (position - low);
  };
  return linspace(0, levels.length - 1, n).map(at);
}
