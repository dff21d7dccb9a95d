// CFG++, Chung et al. 2024 (arXiv:2406.08070): the guided prediction says where the clean picture is, the unguided one which noise to put back, so
// that strong guidance does not leave the manifold. Scales are small there, about 1 to 2. Named and weighted as in ComfyUI.
import type { Tensor } from '../../tensor';
import { lincomb, towards } from '../arithmetic';
import type { Denoised, Sampler } from '../types';
import { addNoise, ancestral, walk } from './walk';

/** Without guidance the two predictions are one, and the sampler is the plain one. */
const uncondOf = (denoised: Denoised): Tensor => denoised.uncond ?? denoised;

/** ratio·(x − uncond) + denoised: the unguided noise at `ratio` of its strength, on the guided picture. */
const renoise = (x: Tensor, denoised: Denoised, ratio: number): Tensor => lincomb([1, denoised], [ratio, x], [-ratio, uncondOf(denoised)]);

export const sampleEulerCfgPp: Sampler = (denoise, x, sigmas, run) => walk(denoise, x, sigmas, run, {
  advance: ({ x, denoised, sigma, sigmaNext }) => renoise(x, denoised, sigmaNext / sigma),
});

export const sampleEulerAncestralCfgPp: Sampler = (denoise, x, sigmas, run, { eta = 1, sNoise = 1 } = {}) => walk(denoise, x, sigmas, run, {
  advance: ({ x, denoised, sigma, sigmaNext }) => {
    const { down, up } = ancestral(sigma, sigmaNext, eta);
    return addNoise(renoise(x, denoised, down / sigma), sNoise * up, run, sigma, sigmaNext);
  },
});

/** The second order's term goes from the last step's unguided prediction to this step's guided one. */
export const sampleDpmpp2mCfgPp: Sampler = (denoise, x, sigmas, run) => walk(denoise, x, sigmas, run, {
  advance: ({ x, denoised, sigma, sigmaNext, past: [, before] }) => {
    const ratio = sigmaNext / sigma;
    const next = renoise(x, denoised, ratio);
    if (!before || sigmaNext === 0) return next;
    const r = Math.log(before.sigma / sigma) / -Math.log(ratio);
    const bend = (1 - ratio) / (2 * r);
    return lincomb([1, next], [bend, denoised], [-bend, uncondOf(before.denoised)]);
  },
});

/** 2S a along the unguided predictions; the step's guidance comes on top at its end. */
export const sampleDpmpp2sAncestralCfgPp: Sampler = (denoise, x, sigmas, run, { eta = 1, sNoise = 1 } = {}) => walk(denoise, x, sigmas, run, {
  advance: async ({ x, denoised, sigma, sigmaNext }) => {
    if (sigmaNext === 0) return denoised;
    const { down, up } = ancestral(sigma, sigmaNext, eta);
    const uncond = uncondOf(denoised);
    const middle = Math.sqrt(sigma * down);
    const second = down === 0 ? uncond : uncondOf(await denoise(towards(x, uncond, middle / sigma), middle));
    const next = lincomb([1, towards(x, second, down / sigma)], [1, denoised], [-1, uncond]);
    return addNoise(next, sNoise * up, run, sigma, sigmaNext);
  },
});
