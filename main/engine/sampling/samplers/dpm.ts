// DPM-Solver, Lu et al. 2022 (arXiv:2206.00927): DPM2 with fixed levels, "fast" with its own, "adaptive" with an error estimate.
import type { Tensor } from '../../tensor';
import { lincomb, mul, towards } from '../arithmetic';
import type { Denoiser, Evaluation, Sampler } from '../types';
import { addNoise, alongSlopes, ancestral, churn, slope, walk } from './walk';

/** k-diffusion's DPM-Solver-2: the slope at the middle of the step in log σ. */
export const sampleDpm2: Sampler = (denoise, x, sigmas, run, options = {}) => walk(denoise, x, sigmas, run, {
  ...churn(options),
  advance: ({ x, denoised, sigma, sigmaNext }) => midpoint(denoise, { x, denoised, sigma }, sigmaNext),
});

/** DPM2 to the lower level of an ancestral step, then noise. */
export const sampleDpm2Ancestral: Sampler = (denoise, x, sigmas, run, { eta = 1, sNoise = 1 } = {}) => walk(denoise, x, sigmas, run, {
  advance: async ({ x, denoised, sigma, sigmaNext }) => {
    const { down, up } = ancestral(sigma, sigmaNext, eta);
    return addNoise(await midpoint(denoise, { x, denoised, sigma }, down), sNoise * up, run, sigma, sigmaNext);
  },
});

async function midpoint(denoise: Denoiser, { x, denoised, sigma }: Evaluation, sigmaNext: number): Promise<Tensor> {
  if (sigmaNext === 0) return denoised;
  const middle = Math.sqrt(sigma * sigmaNext);
  const ahead = towards(x, denoised, middle / sigma);
  return alongSlopes(x, [sigmaNext - sigma], [{ sigma: middle, x: ahead, denoised: await denoise(ahead, middle) }]);
}

/** The levels that fast and adaptive go between: they choose their own, and stop at the schedule's last level above 0. */
const ends = (sigmas: readonly number[]): { start: number; end: number } => ({ start: sigmas[0]!, end: sigmas.findLast((sigma) => sigma > 0)! });

/** How far down the schedule sigma is, as a step index, so that progress means the same for every sampler. */
const stepAt = (sigmas: readonly number[], sigma: number): number => Math.max(0, sigmas.findLastIndex((level) => level >= sigma * (1 - 1e-6)));

/**
 * DPM-Solver-fast: steps of order 3 with even spacing in log σ, ending in lower orders, so that the model is asked
 * `sigmas.length − 1` times. Uses only the schedule's ends and leaves the noise of the smallest σ, as in k-diffusion.
 * onStep is called for each of the steps, which are about a third of the evaluations; its `i` counts evaluations, so that it ends where others do.
 */
export const sampleDpmFast: Sampler = async (denoise, begin, sigmas, run, { eta = 0, sNoise = 1 } = {}) => {
  const { start, end } = ends(sigmas);
  const evaluations = sigmas.length - 1;
  if (start === end) return walk(denoise, begin, sigmas, run, { advance: ({ denoised }) => denoised });

  const whole = Math.floor(evaluations / 3) + 1;
  const orders = evaluations % 3 === 0 ? [...Array<number>(whole - 2).fill(3), 2, 1] : [...Array<number>(whole - 1).fill(3), evaluations % 3];
  const level = (i: number): number => start * (end / start) ** (i / whole);
  let { step: i, x } = run.from ?? { step: 0, x: begin };
  for (; i < orders.length; i++) {
    run.signal?.throwIfAborted();
    const order = orders[i]!;
    const sigma = level(i);
    const sigmaNext = level(i + 1);
    const down = eta === 0 ? sigmaNext : Math.max(end, ancestral(sigma, sigmaNext, eta).down);
    const first = { sigma, x, denoised: await denoise(x, sigma) };
    const { high } = await solverStep(denoise, first, down, order);
    x = addNoise(high, sNoise * Math.sqrt(Math.max(0, sigmaNext ** 2 - down ** 2)), run, sigma, sigmaNext);
    const used = orders.slice(0, i + 1).reduce((sum, each) => sum + each, 0);
    await run.onStep?.({ ...first, i: used - 1, sigmaNext, state: { step: i + 1, x, past: [] } });
  }
  return x;
};

/**
 * DPM-Solver-12 or -23 (order 2 or 3, default 3) with adaptive steps: a step is taken when its two orders agree to
 * rtol (0.05) and atol (0.0078), else tried again smaller. Uses only the schedule's ends; the number of its steps is not
 * known beforehand, so `i` of onStep is the place in the schedule and may stand still or skip.
 */
export const sampleDpmAdaptive: Sampler = async (denoise, begin, sigmas, run, { eta = 0, sNoise = 1, order = 3, rtol = 0.05, atol = 0.0078 } = {}) => {
  const { start, end } = ends(sigmas);
  if (start === end) return walk(denoise, begin, sigmas, run, { advance: ({ denoised }) => denoised });

  let { step: tried, x, adaptive } = run.from ?? { step: 0, x: begin };
  let { sigma, stride, low } = adaptive ?? { sigma: start, stride: 0.05, low: x };
  while (Math.log(sigma / end) > 1e-5) {
    run.signal?.throwIfAborted();
    const sigmaNext = Math.max(end, sigma * Math.exp(-stride));
    const down = eta === 0 ? sigmaNext : Math.max(end, ancestral(sigma, sigmaNext, eta).down);
    const first = { sigma, x, denoised: await denoise(x, sigma) };
    const step = await solverStep(denoise, first, down, order);

    const inverse = 1 / (errorOf(step, low, rtol, atol) + 1e-8);
    const factor = 1 + Math.atan(inverse ** (1 / (eta === 0 ? order : 1.5)) - 1);
    stride *= factor;
    tried++;
    if (!(factor < 0.81)) {                                 // not so either where the answers are no numbers: the way ends there
      low = step.low;
      x = addNoise(step.high, sNoise * Math.sqrt(Math.max(0, sigmaNext ** 2 - down ** 2)), run, sigma, sigmaNext);
      sigma = sigmaNext;
    }
    await run.onStep?.({ ...first, i: stepAt(sigmas, first.sigma), sigmaNext, state: { step: tried, x, past: [], adaptive: { sigma, stride, low } } });
  }
  return x;
};

interface SolverStep {
  /** The step in the order asked for. */
  high: Tensor;
  /** The same step one order lower. */
  low: Tensor;
  /** low − high, from the slopes: the rounding of the two would drown a small difference. */
  difference: Tensor;
}

/**
 * One step of DPM-Solver of order 1, 2 or 3 (Algorithms 1 and 2 of the paper). In k-diffusion's latents a slope is the
 * predicted noise. Order 3 has order 2 at r₁ = 1/3 as its lower one.
 */
async function solverStep(denoise: Denoiser, first: Evaluation, sigmaNext: number, order: number): Promise<SolverStep> {
  const { x, sigma, denoised } = first;
  const h = Math.log(sigma / sigmaNext);
  const stage = async (level: number, at: Tensor): Promise<Evaluation> => ({ sigma: level, x: at, denoised: await denoise(at, level) });
  const euler = towards(x, denoised, sigmaNext / sigma);
  if (order === 1) return { high: euler, low: euler, difference: mul(x, 0) };

  const r1 = order === 2 ? 1 / 2 : 1 / 3;
  const sigma1 = sigma * Math.exp(-r1 * h);
  const second = await stage(sigma1, towards(x, denoised, sigma1 / sigma));
  const bend2 = (sigmaNext / (2 * r1)) * Math.expm1(h);
  const order2 = alongSlopes(x, [sigmaNext - sigma + bend2, -bend2], [first, second]);
  if (order === 2) return { high: order2, low: euler, difference: lincomb(...slope(-bend2, first), ...slope(bend2, second)) };

  const r2 = 2 / 3;
  const sigma2 = sigma * Math.exp(-r2 * h);
  const bendMiddle = sigma2 * (r2 / r1) * (Math.expm1(r2 * h) / (r2 * h) - 1);
  const third = await stage(sigma2, alongSlopes(x, [sigma2 - sigma + bendMiddle, -bendMiddle], [first, second]));
  const bend3 = (sigmaNext / r2) * (Math.expm1(h) / h - 1);
  return {
    high: alongSlopes(x, [sigmaNext - sigma + bend3, -bend3], [first, third]),
    low: order2,
    difference: lincomb(...slope(bend2 - bend3, first), ...slope(-bend2, second), ...slope(bend3, third)),
  };
}

/** Root mean square of the difference, each value against what it may be off by. */
function errorOf({ low, difference }: SolverStep, previousLow: Tensor, rtol: number, atol: number): number {
  let sum = 0;
  for (let i = 0; i < low.data.length; i++) {
    const allowed = Math.max(atol, rtol * Math.max(Math.abs(low.data[i]!), Math.abs(previousLow.data[i]!)));
    sum += (difference.data[i]! / allowed) ** 2;
  }
  return Math.sqrt(sum / low.data.length);
}
