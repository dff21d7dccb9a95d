// Samplers and schedules as people type them: our names, and those of all programs whose pictures are read ('DPM++ 2M Karras', 'k_euler_ancestral').
import type { SamplerName, ScheduleName } from '../../preload/contract/vocabulary';
import { readSampler, readSchedule } from '../services/pictures/read/names';

/** A name that means a variant which ours is only near to is none: what was asked for would not be what is done. */
export const isSamplerName = (name: string): boolean => readSampler(name)?.exact === true;
export const isScheduleName = (name: string): boolean => readSchedule(name) !== null;

/** A schedule that the sampler's name carries counts where none is named. */
export function samplingOf(sampler: string | undefined, schedule: string | undefined): { sampler?: SamplerName; schedule?: ScheduleName } {
  const read = sampler === undefined ? null : readSampler(sampler), levels = (schedule === undefined ? null : readSchedule(schedule)) ?? read?.schedule;
  return { ...(read && { sampler: read.sampler }), ...(levels && { schedule: levels }) };
}
