// The loop that samplers share: one interval of the schedule after another, with the memory that multistep methods look back on.
import type { Tensor } from '../../tensor';
import { lincomb, type Term } from '../arithmetic';
import type { Denoiser, Evaluation, Run, SamplerOptions } from '../types';

/** The interval to cross, with the denoiser's answer at its start. */
export interface Step extends Evaluation {
  readonly i: number;
  readonly sigmaNext: number;
  readonly sigmas: readonly number[];
  /** Answers so far, newest first: past[0] is this step's. All that a multistep method remembers. */
  readonly past: readonly Evaluation[];
  readonly denoise: Denoiser;
  readonly run: Run;
}

export interface Method {
  /** Before the step's first evaluation: noise added on top, and so a higher sigma. */
  before?: (x: Tensor, sigma: number, run: Run, steps: number) => { x: Tensor; sigma: number };
  /** After it: better latents for this point than those that were evaluated. */
  correct?: (step: Step) => Tensor;
  /** Latents at sigmaNext. */
  advance: (step: Step) => Tensor | Promise<Tensor>;
}

/** As many earlier answers as the longest memory needs. */
const remembered = 4;
/** An interval shorter than this share of sigma is float32 noise: crossing it changes nothing, and divided differences over it would explode. */
const negligible = 1e-6;

export async function walk(denoise: Denoiser, start: Tensor, sigmas: readonly number[], run: Run, method: Method): Promise<Tensor> {
  let { step: i, x, past } = run.from ?? { step: 0, x: start, past: [] };
  for (; i + 1 < sigmas.length; i++) {
    run.signal?.throwIfAborted();
    const sigmaNext = sigmas[i + 1]!;
    const from = method.before?.(x, sigmas[i]!, run, sigmas.length - 1) ?? { x, sigma: sigmas[i]! };
    const { sigma } = from;
    const denoised = await denoise(from.x, sigma);
    // Asked again at the same level: that answer replaces the one before.
    const isNew = past[0] === undefined || past[0].sigma - sigma > negligible * sigma;
    past = [{ sigma, x: from.x, denoised }, ...(isNew ? past : past.slice(1))].slice(0, remembered);

    const step = { i, sigma, sigmaNext, sigmas, x: from.x, denoised, past, denoise, run };
    if (isNew && method.correct) past = [{ sigma, x: method.correct(step), denoised }, ...past.slice(1)];
    const before = past[0]!.x;
    x = sigma - sigmaNext > negligible * sigma ? await method.advance({ ...step, x: before, past }) : before;
    await run.onStep?.({ i, sigma: sigmas[i]!, sigmaNext, x: before, denoised, state: { step: i + 1, x, past } });
  }
  return x;
}

/** Terms of weight · dx/dσ at an evaluation, dx/dσ = (x − x₀)/σ. */
export const slope = (weight: number, { sigma, x, denoised }: Evaluation): Term[] => [[weight / sigma, x], [-weight / sigma, denoised]];

/** x + Σ weight · slope over the newest evaluations; weights in units of sigma. */
export const alongSlopes = (x: Tensor, weights: readonly number[], past: readonly Evaluation[]): Tensor =>
  lincomb([1, x], ...weights.flatMap((weight, k) => slope(weight, past[k]!)));

/**
 * An ancestral step from sigma to sigmaNext: how far to go down without noise, and how much noise to add there.
 * eta² of the step's own noise is new; down² + up² = sigmaNext². k-diffusion's `get_ancestral_step`.
 */
export function ancestral(sigma: number, sigmaNext: number, eta: number): { down: number; up: number } {
  const up = Math.min(sigmaNext, eta * sigmaNext * Math.sqrt(Math.max(0, 1 - (sigmaNext / sigma) ** 2)));
  return { down: Math.sqrt(Math.max(0, sigmaNext ** 2 - up ** 2)), up };
}

/** x with fresh noise of that strength; the generator is not touched when there is none to add. */
export function addNoise(x: Tensor, strength: number, run: Run, sigma: number, sigmaNext: number): Tensor {
  return strength === 0 ? x : lincomb([1, x], [strength, run.noise(sigma, sigmaNext)]);
}

/** Karras et al. 2022 Algorithm 2: noise on top before a step. Draws in every step while churn is on, also outside [sTmin, sTmax], as k-diffusion does. */
export function churn({ sChurn = 0, sTmin = 0, sTmax = Infinity, sNoise = 1 }: SamplerOptions): Pick<Method, 'before'> {
  if (sChurn === 0) return {};
  return {
    before(x, sigma, run, steps) {
      const noise = run.noise(sigma, sigma);
      if (sigma < sTmin || sigma > sTmax) return { x, sigma };
      const raised = sigma * (1 + Math.min(sChurn / steps, Math.SQRT2 - 1));
      return { x: lincomb([1, x], [sNoise * Math.sqrt(raised ** 2 - sigma ** 2), noise]), sigma: raised };
    },
  };
}
