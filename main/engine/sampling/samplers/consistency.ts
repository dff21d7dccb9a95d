// Samplers for distilled models, which see the clean picture from any noise level in one look: jump there, add noise, look again.
import { towards } from '../arithmetic';
import { sigmaToT, stableDiffusionTable, tToSigma } from '../model-sampling';
import type { Sampler } from '../types';
import { addNoise, walk } from './walk';

/**
 * LCM, Luo et al. 2023 (arXiv:2310.04378): multistep consistency sampling. As in ComfyUI; what AUTOMATIC1111 does besides, the
 * boundary scaling of the paper among it, is around the denoiser (distilled.ts).
 */
export const sampleLcm: Sampler = (denoise, x, sigmas, run, { sNoise = 1 } = {}) => walk(denoise, x, sigmas, run, {
  advance: ({ denoised, sigma, sigmaNext }) => addNoise(denoised, sNoise * sigmaNext, run, sigma, sigmaNext),
});

/**
 * TCD, Zheng et al. 2024 (arXiv:2402.19159) algorithm 1 (strategic stochastic sampling): along the trajectory to timestep
 * (1 − γ)·t of the next level, whole and below, then noise up to that level. `eta` is the paper's γ, 0.3; 0 is DDIM, 1 is LCM.
 * As in diffusers, but that the last step goes to the clean picture and not to timestep 0.
 */
export const sampleTcd: Sampler = (denoise, x, sigmas, run, { eta = 0.3, sNoise = 1, table = stableDiffusionTable } = {}) => walk(denoise, x, sigmas, run, {
  advance: ({ x, denoised, sigma, sigmaNext }) => {
    if (sigmaNext === 0) return denoised;
    const down = eta === 1 ? 0 : Math.min(sigmaNext, tToSigma(table, Math.floor((1 - eta) * Math.round(sigmaToT(table, sigmaNext)))));
    return addNoise(towards(x, denoised, down / sigma), sNoise * Math.sqrt(sigmaNext ** 2 - down ** 2), run, sigma, sigmaNext);
  },
});
