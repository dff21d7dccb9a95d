// What a run asks of the sampling code, as the program whose conventions it has would: which levels, how much noise to begin with, which defaults.
import type { Compat, SamplerName, ScheduleName } from '../../../preload/contract/vocabulary';
import { distilledTable, distilledTimestep, withBoundary } from './distilled';
import { sigmaToT, type SigmaTable } from './model-sampling';
import type { Span } from './noise/brownian';
import { samplers } from './samplers';
import { sigmas as scheduleSigmas } from './schedules';
import { tByAlpha } from './timestep-grids';
import { allAt, hasOwnTimesteps, timestepRun } from './timestep-samplers';
import type { Denoiser, SamplerOptions } from './types';

interface Asked {
  readonly sampler: SamplerName;
  readonly schedule: ScheduleName;
  readonly steps: number;
  readonly compat: Compat;
  /** img2img: how much of the schedule runs, 0–1. Left out for txt2img. */
  readonly strength?: number | undefined;
  /** 'all': as many steps as were asked for, at the end of a longer schedule, as in A1111's second pass. */
  readonly stepsRun?: 'all';
}

export interface SamplingPlan {
  /** Levels to walk through, descending. */
  readonly sigmas: readonly number[];
  /** Factor on the unit noise that goes onto the start. */
  readonly startNoise: number;
  /** Factor on the picture's latents that it goes onto. */
  readonly startPicture: number;
  /** Factor on the latents at the end. */
  readonly endScale: number;
  /** For samplers whose noise belongs to noise levels: what the tree spans. */
  readonly tree?: Span;
  readonly options: SamplerOptions;
  /** Which timestep the network is told at a noise level. */
  readonly timestepOf: (sigma: number) => number;
  /** Puts around the guided denoiser what the program has there. */
  readonly wrapDenoiser: (denoise: Denoiser) => Denoiser;
}

/** Second-order steps go badly into the smallest level, so these programs lay one level more and leave out the last above 0. */
const withoutLastLevel: Readonly<Record<Compat, readonly SamplerName[]>> = {
  a1111: ['dpm2', 'dpm2_a', 'dpmpp_3m_sde'],
  comfy: ['dpm2', 'dpm2_a', 'unipc'],
};

/**
 * The conventions, whatever draws the noise. Forge's are AUTOMATIC1111's:
 *
 * | | AUTOMATIC1111 | ComfyUI |
 * |---|---|---|
 * | img2img | int(strength·steps) of the steps and one more | all steps, the last of a schedule of int(steps/strength) |
 * | noise at the start | σ | √(1 + σ²) where σ is the model's largest, else σ |
 * | second pass | all steps, the last of a schedule of int(steps/strength) | the same |
 * | a tree spans | the whole schedule | what runs of it |
 * | timesteps | fractional | the nearest whole one |
 * | eta of dpm_fast and dpm_adaptive | 1, the setting for ancestral samplers | 0, as in k-diffusion |
 * | their range in txt2img | the model's | the schedule's above 0: with few steps, noise stays in the picture |
 * | ddim and plms on ddim_uniform, unipc on sgm_uniform | timesteps of their own, see timestep-samplers.ts | the schedule's levels, as all |
 * | lcm | knows every 20th timestep, see distilled.ts | as all |
 */
export function planSampling(asked: Asked, table: SigmaTable, family: 'sd1' | 'sdxl'): SamplingPlan {
  const { compat } = asked;
  const byTimesteps = compat === 'a1111' && hasOwnTimesteps(asked.sampler, asked.schedule) ? timestepRun(asked, table) : null;
  const isDistilled = compat === 'a1111' && asked.sampler === 'lcm';
  return {
    ...(byTimesteps ?? scheduleRun(asked, isDistilled ? distilledTable(table) : table, compat, family)),
    options: { table, ...(compat === 'a1111' && isFree(asked.sampler) && { eta: 1 }) },
    timestepOf: (sigma) => isDistilled ? distilledTimestep(table, sigma)
      : byTimesteps && asked.sampler === 'unipc' ? tByAlpha(table, sigma)
      : compat === 'comfy' ? Math.round(sigmaToT(table, sigma)) : sigmaToT(table, sigma),
    wrapDenoiser: (denoise) => (isDistilled ? withBoundary(denoise, table) : denoise),
  };
}

const isFree = (sampler: SamplerName): boolean => sampler === 'dpm_fast' || sampler === 'dpm_adaptive';

function scheduleRun(asked: Asked, table: SigmaTable, compat: Compat, family: 'sd1' | 'sdxl'): Pick<SamplingPlan, 'sigmas' | 'startNoise' | 'startPicture' | 'endScale' | 'tree'> {
  const { laid, run } = stepCounts(asked, compat);
  const all = wholeSchedule(asked, laid, table, compat, family);
  // Counted from the front or the back: the same, but where a schedule has more levels than were asked for, or less.
  const sigmas = run === laid ? all : compat === 'comfy' ? all.slice(-run - 1) : all.slice(Math.min(laid - run, all.length - 2));

  const start = sigmas[0]!;
  const isPure = start > table.sigmaMax * (1 - 1e-5);
  return {
    sigmas, startPicture: 1, endScale: 1,
    startNoise: compat === 'comfy' && isPure ? Math.sqrt(1 + start * start) : start,
    ...(samplers[asked.sampler].noiseByLevel && { tree: { from: all.findLast((sigma) => sigma > 0)!, to: compat === 'comfy' ? start : all[0]! } }),
  };
}

/** Of how many steps the schedule is laid out, and how many at its end run. */
function stepCounts({ steps, strength, stepsRun }: Asked, compat: Compat): { laid: number; run: number } {
  if (strength === undefined) return { laid: steps, run: steps };
  if (compat === 'a1111' && stepsRun === 'all') return { laid: allAt(steps, strength), run: steps };
  // In hundredths, as ComfyUI's own field has it; less would lay out schedules without bound.
  if (compat === 'comfy') return { laid: Math.floor(steps / Math.max(strength, 0.01)), run: steps };
  return { laid: steps, run: Math.min(Math.floor(strength * steps), steps - 1) + 1 };
}

function wholeSchedule({ sampler, schedule: named, strength }: Asked, steps: number, table: SigmaTable, compat: Compat, family: 'sd1' | 'sdxl'): number[] {
  // Of the samplers that lay their own levels only the ends count, and Karras' are the model's.
  const schedule = compat === 'a1111' && isFree(sampler) && strength === undefined ? 'karras' : named;
  const levels = (n: number): number[] => scheduleSigmas(schedule, n, table, { compat, family });
  // One step is the way from pure noise, whatever the sampler.
  return steps > 1 && withoutLastLevel[compat].includes(sampler) ? levels(steps + 1).toSpliced(-2, 1) : levels(steps);
}
