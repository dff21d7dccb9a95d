// Restart sampling, Xu et al. 2023 (arXiv:2306.14878): near the end, noise is added back and the same stretch is walked again.
import { lincomb } from '../arithmetic';
import { karras } from '../schedules';
import type { Sampler } from '../types';
import { sampleHeun } from './euler';

/**
 * Heun steps with AUTOMATIC1111's plan. From 20 steps on, the levels are laid anew (Karras) between the ends of the
 * schedule, and when σ reaches about 0.1 the way down from about 2 is repeated: once with 9 steps, from 36 steps on twice
 * with a quarter of them. The number of steps stays what was asked for. Below 20 steps it is plain Heun.
 */
export const sampleRestart: Sampler = async (denoise, start, sigmas, run, { sNoise = 1 } = {}) => {
  const { step: done, x: reached } = run.from ?? { step: 0, x: start };
  let x = reached, first = 0, level = Infinity;
  for (const stretch of stretches(sigmas)) {
    const offset = first, end = offset + stretch.length - 1, top = stretch[0]!;
    const isBegun = done > offset;
    if (!isBegun && top > level) x = lincomb([1, x], [sNoise * Math.sqrt(top ** 2 - level ** 2), run.noise(top, level)]);
    if (done < end) {
      x = await sampleHeun(denoise, x, stretch, {
        ...run, from: isBegun && run.from ? { ...run.from, step: done - offset } : undefined,
        onStep: (step) => run.onStep?.({ ...step, i: step.i + offset, state: { ...step.state, step: step.state.step + offset } }),
      });
    }
    first = end;
    level = stretch.at(-1)!;
  }
  return x;
};

/** Runs of descending levels; each after the first starts above the end of the one before, or goes on from it. */
function stretches(sigmas: readonly number[]): (readonly number[])[] {
  const steps = sigmas.length - 1;
  if (steps < 20) return [sigmas];
  const [again, times] = steps >= 36 ? [Math.floor(steps / 4), 2] : [9, 1];
  const smallest = sigmas.findLast((sigma) => sigma > 0)!;
  const levels = karras(steps - again * times, smallest, sigmas[0]!);
  const bottom = nearest(levels, 0.1);
  const top = nearest(levels, 2);
  if (top >= bottom) return [levels];
  const repeated = karras(again + 1, levels[bottom]!, levels[top]!).slice(0, -1);
  return [levels.slice(0, bottom + 1), ...Array<number[]>(times).fill(repeated), levels.slice(bottom)];
}

const nearest = (levels: readonly number[], level: number): number =>
  levels.reduce((best, value, i) => (Math.abs(value - level) < Math.abs(levels[best]! - level) ? i : best), 0);
