// DPM-Solver++, Lu et al. 2022 (arXiv:2211.01095): exponential integrators on the predicted x₀. h is a step in −log σ, r a ratio of steps.
import type { Tensor } from '../../tensor';
import { lincomb, towards } from '../arithmetic';
import type { Denoiser, Evaluation, Run, Sampler } from '../types';
import { addNoise, ancestral, walk, type Step } from './walk';

/** −log σ between two levels. */
const logStep = (from: number, to: number): number => Math.log(from / to);

/** 2M: second order from the previous step's x₀. `lowerOrderFinal` makes the last step first-order also where it ends above 0. */
export const sampleDpmpp2m: Sampler = (denoise, x, sigmas, run, { lowerOrderFinal = false } = {}) => walk(denoise, x, sigmas, run, {
  advance: ({ i, x, denoised, sigma, sigmaNext, past: [, before] }) => {
    const last = sigmaNext === 0 || (lowerOrderFinal && i === sigmas.length - 2);
    if (!before || last) return towards(x, denoised, sigmaNext / sigma);
    const r = logStep(before.sigma, sigma) / logStep(sigma, sigmaNext);
    return towards(x, extrapolate(denoised, before.denoised, 1 / (2 * r)), sigmaNext / sigma);
  },
});

/** now + share·(now − before). */
const extrapolate = (now: Tensor, before: Tensor, share: number): Tensor => lincomb([1 + share, now], [-share, before]);

/** 2S as diffusers walks it: steps in pairs, the second taken again from the start of the first with both x₀. One evaluation a step. */
export const sampleDpmpp2s: Sampler = (denoise, x, sigmas, run) => walk(denoise, x, sigmas, run, {
  advance: ({ i, x, denoised, sigma, sigmaNext, past: [, before] }) => {
    if (i % 2 === 0 || !before || sigmaNext === 0) return towards(x, denoised, sigmaNext / sigma);
    const r = logStep(before.sigma, sigma) / logStep(before.sigma, sigmaNext);
    return towards(before.x, extrapolate(before.denoised, denoised, -1 / (2 * r)), sigmaNext / before.sigma);
  },
});

/** 2S a: to the lower level of an ancestral step through its middle in log σ, then noise. */
export const sampleDpmpp2sAncestral: Sampler = (denoise, x, sigmas, run, { eta = 1, sNoise = 1 } = {}) => walk(denoise, x, sigmas, run, {
  advance: async ({ x, denoised, sigma, sigmaNext }) => {
    const { down, up } = ancestral(sigma, sigmaNext, eta);
    return addNoise(await throughMiddle(denoise, { x, denoised, sigma }, down), sNoise * up, run, sigma, sigmaNext);
  },
});

async function throughMiddle(denoise: Denoiser, { x, denoised, sigma }: Evaluation, sigmaNext: number): Promise<Tensor> {
  if (sigmaNext === 0) return denoised;
  const middle = Math.sqrt(sigma * sigmaNext);
  const second = await denoise(towards(x, denoised, middle / sigma), middle);
  return towards(x, second, sigmaNext / sigma);
}

/** SDE: two evaluations a step and fresh noise at both. k-diffusion's `sample_dpmpp_sde` with r = 1/2. */
export const sampleDpmppSde: Sampler = (denoise, x, sigmas, run, { eta = 1, sNoise = 1 } = {}) => walk(denoise, x, sigmas, run, {
  advance: async ({ x, denoised, sigma, sigmaNext }) => {
    if (sigmaNext === 0) return denoised;
    const step = (target: Tensor, to: number): Tensor => {
      const { down, up } = ancestral(sigma, to, eta);
      return addNoise(towards(x, target, down / sigma), sNoise * up, run, sigma, to);
    };
    const middle = Math.sqrt(sigma * sigmaNext);
    // At r = 1/2 the weight of the first x₀ vanishes and the second alone is the target.
    return step(await denoise(step(denoised, middle), middle), sigmaNext);
  },
});

/** 2M SDE: 2M for the reverse SDE; eta 0 is the ODE. `solver` chooses how the difference to the last x₀ is weighted. */
export const sampleDpmpp2mSde: Sampler = (denoise, x, sigmas, run, { eta = 1, sNoise = 1, solver = 'midpoint', lowerOrderFinal = false } = {}) => walk(denoise, x, sigmas, run, {
  advance: ({ i, x, denoised, sigma, sigmaNext, past: [, earlier] }) => {
    if (sigmaNext === 0) return denoised;
    const before = lowerOrderFinal && i === sigmas.length - 2 ? undefined : earlier;
    const h = logStep(sigma, sigmaNext);
    const decay = -Math.expm1(-h * (1 + eta));
    const r = before ? logStep(before.sigma, sigma) / h : 1;
    const weight = (solver === 'midpoint' ? decay / 2 : 1 - decay / (h * (1 + eta))) / r;
    const next = before
      ? lincomb([1 - decay, x], [decay + weight, denoised], [-weight, before.denoised])
      : towards(x, denoised, 1 - decay);
    return diffuse(next, { sigma, sigmaNext, run }, h, eta, sNoise);
  },
});

/** 2M SDE with the Heun weights, under the name that programs list it by. */
export const sampleDpmpp2mSdeHeun: Sampler = (denoise, x, sigmas, run, options = {}) => sampleDpmpp2mSde(denoise, x, sigmas, run, { ...options, solver: 'heun' });

/** 3M SDE: third order from the two previous x₀. k-diffusion's `sample_dpmpp_3m_sde`. */
export const sampleDpmpp3mSde: Sampler = (denoise, x, sigmas, run, { eta = 1, sNoise = 1 } = {}) => walk(denoise, x, sigmas, run, {
  advance: ({ x, denoised, sigma, sigmaNext, past: [, one, two] }) => {
    if (sigmaNext === 0) return denoised;
    const h = logStep(sigma, sigmaNext);
    const hEta = h * (1 + eta);
    const decay = -Math.expm1(-hEta);
    const phi2 = 1 - decay / hEta;
    const phi3 = phi2 / hEta - 0.5;
    // Weights of the first and second divided difference of x₀ over the last levels.
    let [now, last, older] = [decay, 0, 0];
    if (one) {
      const r0 = logStep(one.sigma, sigma) / h;
      const r1 = two ? logStep(two.sigma, one.sigma) / h : Infinity;
      const curve = two ? (phi2 * r0 - phi3) / (r0 + r1) : 0;
      now += (phi2 + curve) / r0;
      last -= (phi2 + curve) / r0 + curve / r1;
      older += curve / r1;
    }
    const next = lincomb([1 - decay, x], [now, denoised], [last, one?.denoised ?? denoised], [older, two?.denoised ?? denoised]);
    return diffuse(next, { sigma, sigmaNext, run }, h, eta, sNoise);
  },
});

/** The noise that an SDE step of length h leaves at sigmaNext. */
function diffuse(x: Tensor, { sigma, sigmaNext, run }: Pick<Step, 'sigma' | 'sigmaNext'> & { run: Run }, h: number, eta: number, sNoise: number): Tensor {
  return addNoise(x, sNoise * sigmaNext * Math.sqrt(-Math.expm1(-2 * eta * h)), run, sigma, sigmaNext);
}
