// What can be chosen: samplers and schedules, the shapes, the ladder of the quality slider.
import { Compat, Rng, samplerLabels, samplerNames, scheduleLabels, scheduleNames, type SamplerName, type ScheduleName } from '../../preload/contract/vocabulary';

/** What most people use stands first. */
const usualSamplers: readonly SamplerName[] = ['dpmpp_2m', 'dpmpp_2m_sde', 'dpmpp_sde', 'euler', 'euler_a', 'heun', 'ddim', 'lms'];
const usualSchedules: readonly ScheduleName[] = ['karras', 'normal', 'exponential', 'sgm_uniform'];
const withRest = <T>(usual: readonly T[], all: readonly T[]): T[] => [...usual, ...all.filter((name) => !usual.includes(name))];

const samplers = withRest(usualSamplers, samplerNames);
const schedules = withRest(usualSchedules, scheduleNames);

export const samplerChoices = samplers.map((value) => ({ value, label: samplerLabels[value] }));
export const scheduleChoices = schedules.map((value) => ({ value, label: scheduleLabels[value] }));
export const isSampler = (name: unknown): name is SamplerName => samplers.some((known) => known === name);
export const isSchedule = (name: unknown): name is ScheduleName => schedules.some((known) => known === name);

/** By the programs whose seeds give that noise; ours is the first. */
export const rngChoices: readonly { value: Rng; label: string }[] = [
  { value: 'cpu', label: 'Atelier, InvokeAI' }, { value: 'nv', label: 'A1111, Forge' }, { value: 'cpu_nv', label: 'ComfyUI' },
];
export const compatChoices: readonly { value: Compat; label: string }[] = [{ value: 'a1111', label: 'Atelier, A1111' }, { value: 'comfy', label: 'ComfyUI' }];
export const isRng = (name: unknown): name is Rng => Rng.safeParse(name).success;
export const isCompat = (name: unknown): name is Compat => Compat.safeParse(name).success;

/** Aspects as width : height. */
export const aspects = [
  { name: '2:3', ratio: 2 / 3 }, { name: '4:5', ratio: 4 / 5 }, { name: '1:1', ratio: 1 }, { name: '3:2', ratio: 3 / 2 }, { name: '16:9', ratio: 16 / 9 },
] as const;

interface Size { width: number; height: number }

const toEight = (px: number) => Math.min(4096, Math.max(64, Math.round(px / 8) * 8));

/** A shape with about as many pixels as the model's own size, which is what it draws best and costs the same. Sides are multiples of 8. */
export function sizeFor(ratio: number, native: Size): Size {
  const pixels = native.width * native.height;
  return { width: toEight(Math.sqrt(pixels * ratio)), height: toEight(Math.sqrt(pixels / ratio)) };
}

/** The preset that a size is, if any. */
export const aspectOf = (size: Size, native: Size) => aspects.find(({ ratio }) => {
  const preset = sizeFor(ratio, native);
  return preset.width === size.width && preset.height === size.height;
});

/** Steps along the quality slider: finer where a step more is seen. "Good" stands in the middle. */
export const qualityLadder = [8, 10, 12, 14, 16, 18, 20, 22, 24, 27, 30, 34, 38, 42, 47, 53, 60] as const;
export const qualityMarks = { draft: 8, good: 24, finest: 60 } as const;

/** The rung that is nearest to a number of steps. */
export const rungOf = (steps: number) => qualityLadder.reduce((best, rung, i) => (Math.abs(rung - steps) < Math.abs((qualityLadder[best] ?? 0) - steps) ? i : best), 0);
