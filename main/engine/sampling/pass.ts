// A pass: one walk of a sampler over a stage, which can stop after any step and go on in another process to the bit.
import type { Tensor } from '../tensor';
import type { AbortLike, Denoised, Denoiser, NoiseSampler, Sampler, SamplerOptions, SamplerState, StepInfo } from './types';

/** When in a pass a stage is asked. What a stage does may depend on this and on nothing else that changes, so that a pass which goes on elsewhere is the same. */
export interface Moment {
  /** The sampler's evaluations before this one. */
  readonly evaluation: number;
  /** The lowest noise level that was asked for up to now, this time included. */
  readonly lowestSigma: number;
  /** What the stage gave to remember at the evaluation before. */
  readonly memory?: Tensor | undefined;
}

/** `memory`: what the stage will want to know at its next evaluation. */
export interface Answer extends Denoised { readonly memory?: Tensor | undefined }

/** What is sampled from: a model with its prompts and pictures, or several of them that act as one. */
export interface Stage {
  /** Opens what the evaluation at this moment needs, so that it starts at once. */
  prepare(moment: Moment): Promise<void>;
  denoise(x: Tensor, sigma: number, moment: Moment): Promise<Answer>;
  /** Lets its networks go: others need the room. */
  release(): Promise<void>;
  /** After a pass, however it ended: lets go of what the next one will hardly need. */
  end(): Promise<void>;
}

/** What a pass knows between two steps: plain data. */
export interface PassProgress {
  readonly sampler: SamplerState;
  /** Of the stage, so far. */
  readonly evaluations: number;
  readonly lowestSigma: number;
  readonly memory?: Tensor | undefined;
  /** Draws of step noise so far. A pass that goes on is given noise that begins after them. */
  readonly draws: number;
}

/** One after the other: `progress` is what the pass could go on from after this step. */
export interface PassStep extends StepInfo { readonly progress: PassProgress }

export interface Pass {
  readonly sampler: Sampler;
  readonly options?: SamplerOptions;
  /** Descending. */
  readonly sigmas: readonly number[];
  readonly noise: NoiseSampler;
  readonly signal: AbortLike;
  /** The stage's networks are open, the first evaluation is next. */
  readonly onReady?: () => void;
  readonly onStep?: (step: PassStep) => void | Promise<void>;
  readonly from?: PassProgress | undefined;
}

/** From latents at the first noise level, or from `pass.from`, to the result at the last. Cleans up after the stage whether it gets there or not. */
export async function sample(stage: Stage, latents: Tensor, { sampler, options, sigmas, noise, signal, onReady, onStep, from }: Pass): Promise<Tensor> {
  let { evaluations, lowestSigma, memory, draws }: Omit<PassProgress, 'sampler'> = from ?? { evaluations: 0, lowestSigma: Infinity, draws: 0 };
  const momentAt = (sigma: number): Moment => ({ evaluation: evaluations, lowestSigma: Math.min(lowestSigma, sigma), ...(memory && { memory }) });
  const denoise: Denoiser = async (x, sigma) => {
    signal.throwIfAborted();
    const moment = momentAt(sigma);
    evaluations++;
    ({ lowestSigma } = moment);
    const { memory: remembered, ...denoised } = await stage.denoise(x, sigma, moment);
    memory = remembered;
    return denoised;
  };
  try {
    await stage.prepare(momentAt(sigmas[0]!));
    signal.throwIfAborted();
    onReady?.();
    const end = await sampler(denoise, latents, sigmas, {
      signal, from: from?.sampler,
      noise: (sigma, sigmaNext) => { draws++; return noise(sigma, sigmaNext); },
      onStep: (step) => onStep?.({ ...step, progress: { sampler: step.state, evaluations, lowestSigma, draws, ...(memory && { memory }) } }),
    }, options);
    signal.throwIfAborted();
    return end;
  } finally {
    await stage.end();
  }
}
