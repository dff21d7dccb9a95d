// The denoiser of the sampler cases: the exact posterior mean of a Gaussian mixture, in place of a network.
import { float32 } from '../../engine/tensor';
import type { Denoiser } from '../../engine/sampling/types';

export interface Mixture { readonly weights: number[]; readonly means: number[][]; readonly stds: number[] }

/** x = √ᾱ·x₀ + √(1 − ᾱ)·n, [D] → E[x₀ | x]. */
function posteriorMean({ weights, means, stds }: Mixture, x: readonly number[], alpha: number): number[] {
  const variances = stds.map((std) => alpha * std * std + 1 - alpha);
  const offsets = means.map((mean) => x.map((value, d) => value - Math.sqrt(alpha) * mean[d]!));
  const logits = weights.map((weight, k) => Math.log(weight) - (x.length / 2) * Math.log(variances[k]!)
    - offsets[k]!.reduce((sum, value) => sum + value * value, 0) / (2 * variances[k]!));
  const top = Math.max(...logits);
  const shares = logits.map((logit) => Math.exp(logit - top));
  const total = shares.reduce((a, b) => a + b, 0);
  return x.map((_, d) => means.reduce((sum, mean, k) =>
    sum + (shares[k]! / total) * (mean[d]! + (Math.sqrt(alpha) * stds[k]! ** 2 / variances[k]!) * offsets[k]![d]!), 0));
}

/** The mixture over batches [B, D], asked at σ. */
export const mixtureDenoiser = (mixture: Mixture): Denoiser => async (x, sigma) => {
  const [batch = 1, size = 1] = x.dims;
  const out = float32(x.dims);
  const scale = 1 / Math.sqrt(1 + sigma * sigma);
  for (let b = 0; b < batch; b++) {
    const row = Array.from(x.data.subarray(b * size, (b + 1) * size), (value) => value * scale);
    out.data.set(posteriorMean(mixture, row, scale * scale), b * size);
  }
  return out;
};
