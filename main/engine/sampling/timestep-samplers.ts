// AUTOMATIC1111's samplers that think in timesteps, DDIM, PLMS and UniPC: which levels they visit, and in which form their latents come and go.
// After its sd_samplers_timesteps.py, sd_samplers_timesteps_impl.py and uni_pc.py with the settings that it has from the start.
import type { SamplerName, ScheduleName } from '../../../preload/contract/vocabulary';
import { tToSigma, type SigmaTable } from './model-sampling';
import { uniformTimesteps, uniPcGrid } from './timestep-grids';

interface Asked { readonly sampler: SamplerName; readonly schedule: ScheduleName; readonly steps: number; readonly strength?: number | undefined; readonly stepsRun?: 'all' }

/** The levels of a run, and what the start and the end are multiplied with. Latents are the picture + σ·noise, as everywhere here. */
export interface TimestepRun {
  readonly sigmas: readonly number[];
  readonly startNoise: number;
  readonly startPicture: number;
  readonly endScale: number;
}

/** The schedule that stands for "their own timesteps", since a job names one: A1111 takes no notice of the schedule type that is set. */
const ownSchedule: Partial<Record<SamplerName, ScheduleName>> = { ddim: 'ddim_uniform', plms: 'ddim_uniform', unipc: 'sgm_uniform' };

/** Whether A1111's own timesteps are meant. With another schedule these samplers walk its levels, as in ComfyUI. */
export const hasOwnTimesteps = (sampler: SamplerName, schedule: ScheduleName): boolean => ownSchedule[sampler] === schedule;

/**
 * DDIM and PLMS go from each timestep of `uniformTimesteps` to the one below, and stop at timestep 1 (σ = 0.04): one step fewer than there are timesteps.
 * UniPC takes only their number, and goes from timestep 999 to 0 in as many even steps (σ = 0.03).
 *
 * img2img adds noise for the timestep at int(strength·steps), and then begins at the one below it, with slightly too much noise.
 *
 * Their latents are √ᾱ times ours. The last are decoded as they are, a little too faint (√ᾱ is 0.9991 at timestep 1).
 *
 * null where A1111 would not ask the model at all, in txt2img of one step and in img2img of next to none: such a run walks a schedule, down to 0.
 */
export function timestepRun({ sampler, steps, strength, stepsRun }: Asked, table: SigmaTable): TimestepRun | null {
  const all = strength !== undefined && stepsRun === 'all', grid = uniformTimesteps(all ? allAt(steps, strength) : steps, table.sigmas.length);
  const count = strength === undefined ? grid.length : all ? steps - 1 : Math.floor(Math.min(strength, 0.999) * steps);
  const fewest = sampler === 'unipc' && strength !== undefined ? 1 : 2;
  if (count < fewest) return null;

  const visited = grid.slice(0, count);
  const sigmas = sampler === 'unipc'
    ? uniPcGrid('time_uniform', count, table, strength === undefined ? undefined : visited.at(-1)).sigmas
    : visited.toReversed().map((t) => tToSigma(table, t));
  const toOurs = amplitude(sigmas[0]!);
  const endScale = 1 / amplitude(sigmas.at(-1)!);
  if (strength === undefined) return { sigmas, startNoise: toOurs, startPicture: 1, endScale };
  const noised = tToSigma(table, grid[count]!);
  const startPicture = toOurs / amplitude(noised);
  return { sigmas, startNoise: noised * startPicture, startPicture, endScale };
}

/** Of how many steps a schedule is laid out whose last `steps` are that share of it. Less than a hundredth would lay out schedules without bound. */
export const allAt = (steps: number, strength: number): number => Math.floor(steps / Math.min(Math.max(strength, 0.01), 0.999));

/** 1/√ᾱ at a noise level. */
const amplitude = (sigma: number): number => Math.sqrt(1 + sigma * sigma);
