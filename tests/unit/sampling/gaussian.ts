// Denoisers with a known answer, and runs over them.
import { samplers } from '../../../main/engine/sampling/samplers';
import type { Denoiser, NoiseSampler, Run } from '../../../main/engine/sampling/types';
import { latentNoise } from '../../../main/engine/sampling/noise/latent-noise';
import { float32, type Tensor } from '../../../main/engine/tensor';
import type { SamplerName } from '../../../preload/contract/vocabulary';

const spread = 0.5;
const centre = [0.8, -0.3, 0.1, -1.2];

/** Exact denoiser of pictures drawn from a normal distribution around `centre`. */
export const gaussian: Denoiser = async (x, sigma) => {
  const share = spread ** 2 / (spread ** 2 + sigma ** 2);
  return float32(x.dims, x.data.map((value, i) => centre[i]! + share * (value - centre[i]!)));
};

/** Where the probability flow ODE takes x from sigma to sigmaNext: distances from the centre shrink with the total spread. */
export const exactFlow = (x: Tensor, sigma: number, sigmaNext: number): number[] => Array.from(x.data, (value, i) =>
  centre[i]! + (value - centre[i]!) * Math.sqrt((spread ** 2 + sigmaNext ** 2) / (spread ** 2 + sigma ** 2)));

/** Always the same picture, whatever it is shown. */
export const picture = float32([1, 4, 1, 1], Float32Array.from(centre));
export const certain: Denoiser = async () => picture;

export const start = (sigma: number): Tensor => float32([1, 4, 1, 1], Float32Array.from([1.1, -0.4, 0.7, -0.2], (value) => value * sigma));
export const noiseOf = (seed: number): NoiseSampler => latentNoise('cpu', seed, [1, 4, 1, 1]).next;

export const sample = (name: SamplerName, denoise: Denoiser, sigmas: readonly number[], run: Partial<Run> = {}): Promise<Tensor> =>
  samplers[name].run(denoise, start(sigmas[0]!), sigmas, { noise: noiseOf(7), ...run });
