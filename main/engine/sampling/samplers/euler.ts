// Euler and Heun: steps along dx/dσ = (x − x₀)/σ, and the samplers that are Euler steps in other words (DDIM, DDPM).
import { towards } from '../arithmetic';
import type { Sampler } from '../types';
import { addNoise, alongSlopes, ancestral, churn, walk } from './walk';

/** Karras et al. 2022, Algorithm 2 without the correction. */
export const sampleEuler: Sampler = (denoise, x, sigmas, run, options = {}) => walk(denoise, x, sigmas, run, {
  ...churn(options),
  advance: ({ x, denoised, sigma, sigmaNext }) => towards(x, denoised, sigmaNext / sigma),
});

/** Euler with part of each step's noise drawn anew (k-diffusion's "ancestral"). With eta 1 this is DDPM. */
export const sampleEulerAncestral: Sampler = (denoise, x, sigmas, run, { eta = 1, sNoise = 1 } = {}) => walk(denoise, x, sigmas, run, {
  advance: ({ x, denoised, sigma, sigmaNext }) => {
    const { down, up } = ancestral(sigma, sigmaNext, eta);
    return addNoise(towards(x, denoised, down / sigma), sNoise * up, run, sigma, sigmaNext);
  },
});

/**
 * DDIM, Song et al. 2021 (arXiv:2010.02502) eq. 12. In these latents (divided by √ᾱ) its step is the ancestral Euler step, and its
 * η is the same eta, 0 by default. CompVis and AUTOMATIC1111 differ only in the levels that they visit and in stopping above 0.
 */
export const sampleDdim: Sampler = (denoise, x, sigmas, run, { eta = 0, sNoise } = {}) => sampleEulerAncestral(denoise, x, sigmas, run, { eta, sNoise });

/** DDPM, Ho et al. 2020 (arXiv:2006.11239) with the posterior's variance β̃: the ancestral step with eta 1. */
export const sampleDdpm: Sampler = (denoise, x, sigmas, run, { sNoise } = {}) => sampleEulerAncestral(denoise, x, sigmas, run, { eta: 1, sNoise });

/** Karras et al. 2022, Algorithm 2: the slope is averaged over both ends of a step. Second order. */
export const sampleHeun: Sampler = (denoise, x, sigmas, run, options = {}) => walk(denoise, x, sigmas, run, {
  ...churn(options),
  advance: async ({ x, denoised, sigma, sigmaNext }) => {
    const ahead = towards(x, denoised, sigmaNext / sigma);
    if (sigmaNext === 0) return ahead;
    const second = { sigma: sigmaNext, x: ahead, denoised: await denoise(ahead, sigmaNext) };
    const half = (sigmaNext - sigma) / 2;
    return alongSlopes(x, [half, half], [{ sigma, x, denoised }, second]);
  },
});

/**
 * Heun++ as in ComfyUI (after Carzit's sd-webui-samplers-scheduler): slopes at this level and at the next two, weighted by
 * those levels' share of the largest sigma. Two slopes in the last step but one, one slope in the last.
 */
export const sampleHeunPP2: Sampler = (denoise, x, sigmas, run, options = {}) => walk(denoise, x, sigmas, run, {
  ...churn(options),
  advance: async ({ i, x, denoised, sigma, sigmaNext }) => {
    const slopes = [{ sigma, x, denoised }];
    for (let k = i + 1; k < Math.min(i + 3, sigmas.length - 1); k++) {
      const from = slopes.at(-1)!;
      const ahead = towards(from.x, from.denoised, sigmas[k]! / from.sigma);
      slopes.push({ sigma: sigmas[k]!, x: ahead, denoised: await denoise(ahead, sigmas[k]!) });
    }
    const shares = slopes.map((s) => s.sigma / (slopes.length * sigmas[0]!));
    shares[0] = 1 - shares.slice(1).reduce((a, b) => a + b, 0);
    return alongSlopes(x, shares.map((share) => share * (sigmaNext - sigma)), slopes);
  },
});
