// Linear multistep methods: the slope over a step is extrapolated from the slopes of earlier steps. LMS, DEIS, PLMS and IPNDM differ in how.
import { sigmaToT, stableDiffusionTable, tToSigma } from '../model-sampling';
import type { Evaluation, Sampler, SamplerOptions } from '../types';
import { alongSlopes, walk, type Step } from './walk';

/** LMS (k-diffusion): slopes interpolated in σ through up to `order` (4) levels. */
export const sampleLms: Sampler = (denoise, x, sigmas, run, { order = 4 } = {}) => walk(denoise, x, sigmas, run, {
  advance: ({ x, sigma, sigmaNext, past }) => {
    const used = past.slice(0, order);
    return alongSlopes(x, interpolationWeights(used.map((e) => e.sigma), sigma, sigmaNext, coordinates.sigma), used);
  },
});

/**
 * DEIS, Zhang and Chen 2022 (arXiv:2204.13902): slopes interpolated in another coordinate, up to `order` (3) levels.
 * `basis` 'time' is tAB as in ComfyUI (the VP time of EDM's table 1), 'logSigma' as in diffusers, 'sigma' is ρAB.
 */
export const sampleDeis: Sampler = (denoise, x, sigmas, run, { order = 3, basis = 'time', lowerOrderFinal = false } = {}) => walk(denoise, x, sigmas, run, {
  advance: ({ i, x, sigma, sigmaNext, past }) => {
    const last = sigmaNext === 0 || (lowerOrderFinal && i === sigmas.length - 2);
    const used = past.slice(0, last ? 1 : order);
    return alongSlopes(x, interpolationWeights(used.map((e) => e.sigma), sigma, sigmaNext, coordinates[basis]), used);
  },
});

/** A coordinate u(σ) and dσ/du. */
interface Coordinate { of: (sigma: number) => number; sigma: (u: number) => number; slope: (u: number) => number }

/** σ² + 1 = exp(βd·u²/2 + βmin·u), scaled so that u = 0.001 is σ = 0.002 and u = 1 is σ = 80. Karras et al. 2022, table 1, VP. */
const lowest = Math.log(0.002 ** 2 + 1);
const highest = Math.log(80 ** 2 + 1);
const betaD = (2 * (lowest / 1e-3 - highest)) / (1e-3 - 1);
const betaMin = highest - betaD / 2;
const vpSigma = (u: number): number => Math.sqrt(Math.expm1((betaD * u * u) / 2 + betaMin * u));

const coordinates: Record<NonNullable<SamplerOptions['basis']>, Coordinate> = {
  sigma: { of: (sigma) => sigma, sigma: (u) => u, slope: () => 1 },
  logSigma: { of: Math.log, sigma: Math.exp, slope: Math.exp },
  time: {
    of: (sigma) => (Math.sqrt(betaMin ** 2 + 2 * betaD * Math.log1p(sigma * sigma)) - betaMin) / betaD,
    sigma: vpSigma,
    slope: (u) => ((betaD * u + betaMin) * (vpSigma(u) ** 2 + 1)) / (2 * vpSigma(u)),
  },
};

/** ∫ Lⱼ dσ over the step, Lⱼ the Lagrange polynomials in u through the levels, by Simpson's rule with 128 intervals. */
function interpolationWeights(levels: readonly number[], sigma: number, sigmaNext: number, u: Coordinate): number[] {
  // One slope is weighted by the step itself, in any coordinate; this also spares u(0), which some do not have.
  if (levels.length === 1) return [sigmaNext - sigma];
  const nodes = levels.map(u.of);
  const start = u.of(sigma);
  const h = (u.of(sigmaNext) - start) / 128;
  const weights = nodes.map(() => 0);
  for (let k = 0; k <= 128; k++) {
    const at = start + k * h;
    const share = ((k === 0 || k === 128 ? 1 : k % 2 === 1 ? 4 : 2) * h) / 3 * u.slope(at);
    nodes.forEach((node, j) => { weights[j]! += share * lagrange(nodes, node, at); });
  }
  return weights;
}

const lagrange = (nodes: readonly number[], own: number, at: number): number =>
  nodes.reduce((product, other) => (other === own ? product : (product * (at - other)) / (own - other)), 1);

/** Adams-Bashforth weights for even steps, by how many slopes there are. */
const evenWeights = [[1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]] as const;

function evenStep({ x, sigma, sigmaNext, past }: Step, order: number): ReturnType<typeof alongSlopes> {
  const used = past.slice(0, order);
  return alongSlopes(x, evenWeights[used.length - 1]!.map((weight) => weight * (sigmaNext - sigma)), used);
}

/** IPNDM (Zhang and Chen 2022): the weights of even steps whatever the steps are; starts with Euler, ends on x₀. */
export const sampleIpndm: Sampler = (denoise, x, sigmas, run, { order = 4 } = {}) => walk(denoise, x, sigmas, run, {
  advance: (step) => (step.sigmaNext === 0 ? step.denoised : evenStep(step, order)),
});

/**
 * IPNDM_V as in ComfyUI (after zju-pi's diff-sampler): meant as Adams-Bashforth for uneven steps. Its weights of order 3 and 4
 * are not quite those (order 2 is); pictures made with it elsewhere depend on them as they are.
 */
export const sampleIpndmV: Sampler = (denoise, x, sigmas, run, { order = 4 } = {}) => walk(denoise, x, sigmas, run, {
  advance: ({ x, sigma, sigmaNext, denoised, past }) => {
    if (sigmaNext === 0) return denoised;
    const used = past.slice(0, order);
    const lengths = [sigmaNext, ...used.map((e) => e.sigma)].map((level, k, all) => level - (all[k + 1] ?? NaN)).slice(0, -1);
    return alongSlopes(x, unevenWeights(lengths).map((weight) => weight * (sigmaNext - sigma)), used);
  },
});

/** Weights by the lengths of this step and those before it, newest first. */
function unevenWeights([h = 0, h1, h2, h3]: readonly number[]): number[] {
  if (h1 === undefined) return [1];
  const linear = h / h1 / 2;
  if (h2 === undefined) return [1 + linear, -linear];
  const bend = (1 - (h / (3 * (h + h1))) * (h * (h + h1)) / (h1 * (h1 + h2))) / 2;
  const a = h1 / h2;
  if (h3 === undefined) return [1 + linear + bend, -linear - (1 + a) * bend, a * bend];
  const twist = ((1 - h / (3 * (h + h1))) / 2 + (1 - h / (2 * (h + h1))) * h / (6 * (h + h1 + h2)))
    * (h * (h + h1) * (h + h1 + h2)) / (h1 * (h1 + h2) * (h1 + h2 + h3));
  const b = (h1 * (h1 + h2)) / (h2 * (h2 + h3));
  return [1 + linear + bend + twist, -linear - (1 + a) * bend - (1 + a + b) * twist, a * bend + (a + b * (1 + h2 / h3)) * twist, -b * a * twist];
}

/**
 * PLMS, Liu et al. 2022 (arXiv:2202.09778): as IPNDM, but without history the slope is averaged over both ends of the step
 * (CompVis, AUTOMATIC1111), or the first three steps are Runge-Kutta steps of order 4 through the middle timestep (the paper's
 * F-PNDM, diffusers without `skip_prk_steps`).
 */
export const samplePlms: Sampler = (denoise, x, sigmas, run, { warmUp = 'improvedEuler', table = stableDiffusionTable } = {}) => walk(denoise, x, sigmas, run, {
  advance: async (step) => {
    if (step.sigmaNext === 0 && step.past.length === 1) return step.denoised;
    const middle = tToSigma(table, (sigmaToT(table, step.sigma) + sigmaToT(table, step.sigmaNext)) / 2);
    if (warmUp === 'rungeKutta' && step.past.length < 4 && step.sigmaNext > 0) return throughStages(step, [middle, middle, step.sigmaNext], [1, 2, 2, 1]);
    if (warmUp === 'improvedEuler' && step.past.length === 1) return throughStages(step, [step.sigmaNext], [1, 1]);
    return evenStep(step, 4);
  },
});

/** Each stage goes from x along the stage before; the step is along their weighted mean. */
async function throughStages({ x, sigma, sigmaNext, denoised, denoise }: Step, levels: readonly number[], weights: readonly number[]): Promise<ReturnType<typeof alongSlopes>> {
  const stages: Evaluation[] = [{ sigma, x, denoised }];
  for (const level of levels) {
    const ahead = alongSlopes(x, [level - sigma], [stages.at(-1)!]);
    stages.push({ sigma: level, x: ahead, denoised: await denoise(ahead, level) });
  }
  const total = weights.reduce((a, b) => a + b, 0);
  return alongSlopes(x, weights.map((weight) => (weight * (sigmaNext - sigma)) / total), stages);
}
