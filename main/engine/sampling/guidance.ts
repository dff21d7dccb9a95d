// Classifier-free guidance as a denoiser over a pair of predictions. It knows nothing of the network.
import { sizeOf, type Tensor } from '../tensor';
import { lincomb } from './arithmetic';
import { scalings } from './model-sampling';
import type { Denoiser } from './types';

/** Both predictions of the clean latents, [B, C, H, W], from one call, so that they see the same x. `uncond` is null where it was not evaluated. */
export type PairDenoiser = (x: Tensor, sigma: number) => Promise<{ cond: Tensor; uncond: Tensor | null }>;

interface GuidanceOptions {
  /** uncond + scale·(cond − uncond). At 1 the result is cond, and `uncond` is evaluated only for samplers that read it. */
  scale: number;
  /** 0–1: how far the guided prediction is brought back to the contrast of cond alone. Lin et al. 2023 (arXiv:2305.08891) section 3.4; 0.7 suits v models with zero terminal SNR. */
  rescale?: number;
}

export function guided(pair: PairDenoiser, { scale, rescale = 0 }: GuidanceOptions): Denoiser {
  return async (x, sigma) => {
    const { cond, uncond } = await pair(x, sigma);
    if (!uncond) return cond;
    const mixed = guide(cond, uncond, scale);
    return { ...(rescale === 0 ? mixed : rescaleDenoised(x, sigma, cond, mixed, rescale)), uncond };
  };
}

export const guide = (cond: Tensor, uncond: Tensor, scale: number): Tensor => lincomb([1 - scale, uncond], [scale, cond]);

/** Scales each picture of `mixed` towards the standard deviation of `cond`: `share` of the way. In the space that the two are given in. */
export function rescaleTo(cond: Tensor, mixed: Tensor, share: number): Tensor {
  const out = lincomb([1, mixed]);
  const [batch = 1, ...rest] = mixed.dims;
  const n = sizeOf(rest);
  for (let b = 0; b < batch; b++) {
    const part = out.data.subarray(b * n, (b + 1) * n);
    const deviation = standardDeviation(part);
    if (deviation === 0) continue;
    const factor = share * (standardDeviation(cond.data.subarray(b * n, (b + 1) * n)) / deviation) + 1 - share;
    for (let i = 0; i < n; i++) part[i]! *= factor;
  }
  return out;
}

/** The rescale in v-space, where the paper has it and ComfyUI does it for every model: denoised → v, scale, v → denoised. */
function rescaleDenoised(x: Tensor, sigma: number, cond: Tensor, mixed: Tensor, share: number): Tensor {
  const { cSkip, cOut } = scalings('v', sigma);
  const toV = (denoised: Tensor): Tensor => lincomb([1 / cOut, denoised], [-cSkip / cOut, x]);
  return lincomb([cSkip, x], [cOut, rescaleTo(toV(cond), toV(mixed), share)]);
}

/** Of a sample: divided by n − 1. */
function standardDeviation(values: Float32Array): number {
  let mean = 0;
  for (const value of values) mean += value;
  mean /= values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  return Math.sqrt(squares / (values.length - 1));
}
