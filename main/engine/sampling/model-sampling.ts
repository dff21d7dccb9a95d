// The noise levels that a model was trained with: betas → ᾱ → σ, the way between σ and the training timestep, and what its output means.

export type Prediction = 'eps' | 'v';

/** One entry per training timestep, σ ascending: σ² = (1 − ᾱ)/ᾱ. */
export interface SigmaTable {
  readonly alphasCumprod: Float64Array;
  readonly sigmas: Float64Array;
  readonly sigmaMin: number;
  readonly sigmaMax: number;
}

/** ᾱ of Stable Diffusion 1.x, 2.x and XL: 1000 steps, betas even in their square roots ("scaled linear"), in double. */
export function scaledLinearAlphas(steps = 1000, betaStart = 0.00085, betaEnd = 0.012): Float64Array {
  let product = 1;
  return Float64Array.from({ length: steps }, (_, i) => {
    const root = Math.sqrt(betaStart) + (i / (steps - 1)) * (Math.sqrt(betaEnd) - Math.sqrt(betaStart));
    return product *= 1 - root * root;
  });
}

/**
 * 'single' keeps ᾱ as float32, as checkpoints, CompVis, k-diffusion, AUTOMATIC1111 and diffusers do; 'double' rounds only σ,
 * as ComfyUI does. They differ by 1.3e-5 at the smallest σ (0.0292) and agree to 1e-7 at the largest (14.6146).
 */
export function sigmaTable(alphas: Float64Array, precision: 'single' | 'double' = 'single'): SigmaTable {
  const alphasCumprod = precision === 'single' ? alphas.map(Math.fround) : alphas;
  const sigmas = alphasCumprod.map((a) => Math.fround(Math.sqrt((1 - a) / a)));
  return { alphasCumprod, sigmas, sigmaMin: sigmas[0]!, sigmaMax: sigmas.at(-1)! };
}

/** Stable Diffusion's own table, for models that bring none. */
export const stableDiffusionTable: SigmaTable = sigmaTable(scaledLinearAlphas());

/**
 * Zero terminal SNR (Lin et al. 2023, arXiv:2305.08891, Algorithm 1): √ᾱ shifted and scaled so that the last step is pure
 * noise. An exact zero would be σ = ∞, so `terminal` stands for it: the value of AUTOMATIC1111 and ComfyUI, σ = 4518.76.
 */
export function rescaleToZeroTerminalSnr(alphas: Float64Array, terminal = 4.8973451890853435e-8): Float64Array {
  const first = Math.sqrt(alphas[0]!);
  const last = Math.sqrt(alphas.at(-1)!);
  const rescaled = alphas.map((a) => ((Math.sqrt(a) - last) * first / (first - last)) ** 2);
  rescaled[rescaled.length - 1] = terminal;
  return rescaled;
}

/** Training timestep of a noise level, fractional: linear in log σ between the table's entries, clamped to the table. */
export function sigmaToT(table: SigmaTable, sigma: number): number {
  const { sigmas } = table;
  if (sigma <= sigmas[0]!) return 0;
  if (sigma >= sigmas.at(-1)!) return sigmas.length - 1;
  let low = 0;
  let high = sigmas.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (sigmas[middle]! <= sigma) low = middle; else high = middle;
  }
  return low + Math.log(sigma / sigmas[low]!) / Math.log(sigmas[high]! / sigmas[low]!);
}

/** Noise level of a training timestep, which may be fractional and is clamped to the table. The inverse of `sigmaToT`. */
export function tToSigma(table: SigmaTable, t: number): number {
  const { sigmas } = table;
  const clamped = Math.min(Math.max(t, 0), sigmas.length - 1);
  const low = Math.floor(clamped);
  const share = clamped - low;
  if (share === 0) return sigmas[low]!;
  return Math.exp((1 - share) * Math.log(sigmas[low]!) + share * Math.log(sigmas[low + 1]!));
}

/** How a network of this prediction type is fed and read at σ: denoised = cSkip·x + cOut·network(cIn·x, t). */
export function scalings(prediction: Prediction, sigma: number): { cIn: number; cSkip: number; cOut: number } {
  const cIn = 1 / Math.sqrt(sigma * sigma + 1);
  return prediction === 'eps' ? { cIn, cSkip: 1, cOut: -sigma } : { cIn, cSkip: cIn * cIn, cOut: -sigma * cIn };
}
