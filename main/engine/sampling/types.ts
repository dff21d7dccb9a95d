// What a sampler is: a function over a denoiser. Prediction type, guidance and masks are wrappers; noise and abort come in as arguments.
import type { Tensor } from '../tensor';
import type { SigmaTable } from './model-sampling';

/** An estimate of the clean latents. `uncond`: the one without the prompt, where guidance had one; CFG++ goes by it. */
export interface Denoised extends Tensor { readonly uncond?: Tensor }

/** x [B, C, H, W] at noise level sigma → estimate of the clean latents, same shape. */
export type Denoiser = (x: Tensor, sigma: number) => Promise<Denoised>;

/** Unit noise shaped like the latents; each call is the next draw. Some sources (Brownian trees) use the interval. */
export type NoiseSampler = (sigma: number, sigmaNext: number) => Tensor;

/** An answer of the denoiser. */
export interface Evaluation { readonly sigma: number; readonly x: Tensor; readonly denoised: Denoised }

/**
 * All that a sampler knows between two steps, as plain data: given back to the same sampler with the same levels, it goes on to the bit. Nothing in it is
 * changed later, so that it can be kept without a copy.
 */
export interface SamplerState {
  /** Steps done, as the sampler itself counts them. */
  readonly step: number;
  readonly x: Tensor;
  /** The answers that it looks back on, newest first. */
  readonly past: readonly Evaluation[];
  /** Of a sampler that chooses its own levels (dpm_adaptive). */
  readonly adaptive?: AdaptiveState;
}

export interface AdaptiveState {
  /** Where x is. */
  readonly sigma: number;
  /** How far the next step tries to go, in log σ. */
  readonly stride: number;
  /** The last step that was taken, one order lower: what the next error is measured by. */
  readonly low: Tensor;
}

export interface StepInfo {
  /** 0-based index of the step in the schedule, below `sigmas.length - 1`. */
  readonly i: number;
  readonly sigma: number;
  readonly sigmaNext: number;
  /** Latents before the step. */
  readonly x: Tensor;
  /** The denoiser's first answer in this step. */
  readonly denoised: Denoised;
  /** After the step. */
  readonly state: SamplerState;
}

/** Structural part of AbortSignal. */
export interface AbortLike { throwIfAborted(): void }

export interface Run {
  readonly noise: NoiseSampler;
  readonly signal?: AbortLike;
  /** After each step, and waited for: progress, preview, keeping the state, debugger. */
  readonly onStep?: (step: StepInfo) => void | Promise<void>;
  /** Goes on from here instead of starting at x. */
  readonly from?: SamplerState | undefined;
}

/** What can be set on a sampler. Each reads the fields that it knows and has its paper's value for those left out. */
export interface SamplerOptions {
  /** How much of each step's noise is drawn anew: 0 none (an ODE), 1 all. DDIM, the ancestral and the SDE samplers, dpm_fast and dpm_adaptive; TCD's γ. */
  eta?: number;
  /** Factor on drawn noise, usually 1. */
  sNoise?: number;
  /** Karras et al. 2022, Algorithm 2: noise added before a step, for sigmas in [sTmin, sTmax]. euler, heun, dpm2, heunpp2. */
  sChurn?: number;
  sTmin?: number;
  sTmax?: number;
  /** Highest order of a multistep method or of the adaptive solver. */
  order?: number;
  /** dpmpp_2m_sde: how the second-order term is weighted. */
  solver?: 'midpoint' | 'heun';
  /** unipc: the function B(h) of the paper. */
  variant?: 'bh1' | 'bh2';
  /** Lower the order in the last step or steps: steadier below about 15 steps. dpmpp_2m, deis, unipc. */
  lowerOrderFinal?: boolean;
  /** deis: the coordinate in which past slopes are interpolated. */
  basis?: 'time' | 'logSigma' | 'sigma';
  /** plms: how the first steps are made, while there is no history. */
  warmUp?: 'improvedEuler' | 'rungeKutta';
  /** dpm_adaptive: relative and absolute error that a step may make. */
  rtol?: number;
  atol?: number;
  /** The model's noise levels, for samplers that think in timesteps (tcd, plms with Runge-Kutta). Stable Diffusion's own by default. */
  table?: SigmaTable;
}

/** From x at sigmas[0] (descending), or from `run.from`, to the result at the last sigma. */
export type Sampler = (denoise: Denoiser, x: Tensor, sigmas: readonly number[], run: Run, options?: SamplerOptions) => Promise<Tensor>;
