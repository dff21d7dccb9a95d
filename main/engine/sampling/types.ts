// What a sampler is: a function over a denoiser. Prediction type, guidance and masks are wrappers; noise and abort come in as arguments.
import type { Tensor } from '../tensor';

/** x [B, C, H, W] at noise level sigma → estimate of the clean latents, same shape. */
export type Denoiser = (x: Tensor, sigma: number) => Promise<Tensor>;

/** Unit noise shaped like the latents; each call is the next draw. Some sources (Brownian trees) use the interval. */
export type NoiseSampler = (sigma: number, sigmaNext: number) => Tensor;

export interface StepInfo {
  /** 0-based index of the step that begins or ended. */
  readonly i: number;
  readonly sigma: number;
  readonly sigmaNext: number;
  /** Latents before the step. */
  readonly x: Tensor;
  /** The denoiser's first answer in this step. */
  readonly denoised: Tensor;
}

/** Structural part of AbortSignal. */
export interface AbortLike { throwIfAborted(): void }

export interface Run {
  readonly noise: NoiseSampler;
  readonly signal?: AbortLike;
  /** After the denoiser's first answer of each step: progress, preview and debugger. */
  readonly onStep?: (step: StepInfo) => void;
}

/** From x at sigmas[0] to the result at the last sigma. */
export type Sampler = (denoise: Denoiser, x: Tensor, sigmas: readonly number[], run: Run) => Promise<Tensor>;
