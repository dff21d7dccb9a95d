// LCM as AUTOMATIC1111 has it: a model that was distilled at every 20th timestep knows only these. After its sd_samplers_lcm.py.
import { lincomb } from './arithmetic';
import { sigmaToT, type SigmaTable } from './model-sampling';
import type { Denoiser } from './types';

/** Timesteps that latent consistency models are distilled at. */
const ORIGINAL_TIMESTEPS = 50;

const strideOf = (table: SigmaTable): number => Math.floor(table.sigmas.length / ORIGINAL_TIMESTEPS);

/** The noise levels of timesteps 19, 39, … 999: schedules are laid over these alone, so that they end at σ = 0.12. */
export function distilledTable(table: SigmaTable): SigmaTable {
  const stride = strideOf(table);
  const known = (values: Float64Array): Float64Array => values.filter((_, t) => t % stride === stride - 1);
  const sigmas = known(table.sigmas);
  return { alphasCumprod: known(table.alphasCumprod), sigmas, sigmaMin: sigmas[0]!, sigmaMax: sigmas.at(-1)! };
}

/** Of the timesteps that the model knows, that whose log σ is nearest. */
export function distilledTimestep(table: SigmaTable, sigma: number): number {
  const stride = strideOf(table);
  return Math.round(sigmaToT(distilledTable(table), sigma)) * stride + stride - 1;
}

/**
 * The boundary scaling of consistency models, Luo et al. 2023 (arXiv:2310.04378) section 3.1: the less noise, the more of x itself is in the answer.
 * With σ_data = 0.5 and timesteps times 10 that is 7e-6 of it at timestep 19.
 */
export function withBoundary(denoise: Denoiser, table: SigmaTable): Denoiser {
  return async (x, sigma) => {
    const t = 10 * distilledTimestep(table, sigma);
    const total = t * t + 0.25;
    return lincomb([t / Math.sqrt(total), await denoise(x, sigma)], [0.25 / total, x]);
  };
}
