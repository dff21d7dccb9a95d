// Which training timesteps a run visits, for programs that think in timesteps: CompVis, AUTOMATIC1111's DDIM family, diffusers.
import { tToSigma, type SigmaTable } from './model-sampling';

/** CompVis and A1111 'uniform': every ⌊N/steps⌋-th from 1, ascending. More than `steps` where N is no multiple of it. */
export function uniformTimesteps(steps: number, trained = 1000): number[] {
  const stride = Math.floor(trained / steps);
  return Array.from({ length: Math.ceil(trained / stride) }, (_, i) => Math.min(i * stride + 1, trained - 1));
}

/** CompVis 'quad': even steps in √t up to 0.8·N, plus one, ascending. */
export function quadraticTimesteps(steps: number, trained = 1000): number[] {
  const end = Math.sqrt(trained * 0.8);
  return Array.from({ length: steps }, (_, i) => Math.trunc((steps === 1 ? 0 : (end * i) / (steps - 1)) ** 2) + 1);
}

/**
 * diffusers' `timestep_spacing` (Lin et al. 2023, table 2), descending. `offset` is its `steps_offset`, 1 for Stable Diffusion.
 * 'linspace' and, with `solver`, 'leading' are those of its DPM-Solver, DEIS and UniPC: steps + 1 even ones without the lowest.
 */
export function spacedTimesteps(spacing: 'leading' | 'trailing' | 'linspace', steps: number, { offset = 1, solver = false, trained = 1000 } = {}): number[] {
  const descending = (at: (fromEnd: number) => number): number[] => Array.from({ length: steps }, (_, i) => at(steps - i));
  switch (spacing) {
    case 'leading': return solver
      ? descending((k) => k * Math.floor(trained / (steps + 1)) + offset)
      : descending((k) => (k - 1) * Math.floor(trained / steps) + offset);
    case 'trailing': return descending((k) => roundHalfEven((k * trained) / steps) - 1);
    case 'linspace': return descending((k) => roundHalfEven((k * (trained - 1)) / steps));
  }
}

/** diffusers' LCM: even steps through the timesteps that the model was distilled for, from the last. */
export function consistencyTimesteps(steps: number, original = 50, trained = 1000): number[] {
  return Array.from({ length: steps }, (_, i) => (original - Math.floor((i * original) / steps)) * Math.floor(trained / original) - 1);
}

/**
 * AUTOMATIC1111's three spacings for UniPC: `steps + 1` points of continuous time from timestep `first` down to timestep 0, where
 * timestep t is the time (t + 1)/N and log ᾱ is linear between. Ends there and not at σ = 0. Timesteps are fractional.
 */
export function uniPcGrid(skip: 'time_uniform' | 'time_quadratic' | 'logSNR', steps: number, table: SigmaTable, first = table.sigmas.length - 1): { timesteps: number[]; sigmas: number[] } {
  const trained = table.sigmas.length;
  const even = (from: number, to: number): number[] => Array.from({ length: steps + 1 }, (_, i) => from + ((to - from) * i) / steps);
  const [start, end] = [(first + 1) / trained, 1 / trained];
  if (skip !== 'logSNR') {
    const times = skip === 'time_uniform' ? even(start, end) : even(Math.sqrt(start), Math.sqrt(end)).map((root) => root ** 2);
    const timesteps = times.map((time) => time * trained - 1);
    return { timesteps, sigmas: timesteps.map((t) => sigmaByAlpha(table, t)) };
  }
  const sigmas = even(Math.log(sigmaByAlpha(table, first)), Math.log(table.sigmaMin)).map(Math.exp);
  return { timesteps: sigmas.map((sigma) => tByAlpha(table, sigma)), sigmas };
}

/** σ at a fractional timestep by log ᾱ, as DPM-Solver's code interpolates (elsewhere it is log σ). */
function sigmaByAlpha({ alphasCumprod }: SigmaTable, t: number): number {
  const low = Math.min(Math.max(Math.floor(t), 0), alphasCumprod.length - 2);
  const logAlpha = Math.log(alphasCumprod[low]!) + (t - low) * Math.log(alphasCumprod[low + 1]! / alphasCumprod[low]!);
  return Math.sqrt(Math.expm1(-logAlpha));
}

/** The inverse of `sigmaByAlpha`, within the table. */
export function tByAlpha({ alphasCumprod }: SigmaTable, sigma: number): number {
  const alpha = 1 / (1 + sigma * sigma);
  const above = alphasCumprod.findIndex((a) => a < alpha);
  const low = Math.max(0, (above < 0 ? alphasCumprod.length - 1 : above) - 1);
  return low + Math.log(alpha / alphasCumprod[low]!) / Math.log(alphasCumprod[low + 1]! / alphasCumprod[low]!);
}

/** The timesteps' noise levels and then `last`: σ of timestep 0 where a program keeps the last trace of noise, else 0. */
export const sigmasOf = (timesteps: readonly number[], table: SigmaTable, last = 0): number[] => [...timesteps.map((t) => tToSigma(table, t)), last];

/** As numpy and torch round. */
export function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}
