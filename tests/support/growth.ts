// How cost grows with the input: what is asserted in place of seconds, which hang on the machine and on what else runs there. Cost is processor time.
import { expect } from 'vitest';

type Run = (size: number) => unknown;

/** Enough of processor time to be told from noise, in milliseconds. */
const MEASURABLE = 4;
const MOST_DOUBLINGS = 10;
/** Eight times the input costs 8 times as much where cost is linear, up to 43 where texts outgrow the caches and the collector of garbage has its share; 64 times where it is quadratic. */
const LINEAR = 48;
const BOUNDED = 4;
const TRIES = 15;

/** That cost is linear: inputs grow from `size` until they can be measured, and further to eight times that. `run` may be asynchronous. */
export async function expectLinear(run: Run, size: number, what = 'the input'): Promise<void> {
  let small = size, usual = await processorMs(() => run(small));
  for (let i = 0; usual < MEASURABLE && i < MOST_DOUBLINGS; i++) {
    small *= 2;
    usual = await processorMs(() => run(small));
  }
  await expectGrowth(run, small, LINEAR, what);
}

/** That eight times `size` costs about the same. */
export const expectBounded = (run: Run, size: number, what = 'the input'): Promise<void> => expectGrowth(run, size, BOUNDED, what);

async function expectGrowth(run: Run, size: number, limit: number, what: string): Promise<void> {
  let least = Infinity;
  for (let i = 0; i < TRIES && least >= limit; i++) {
    const usual = Math.max(await processorMs(() => run(size)), MEASURABLE);
    least = Math.min(least, await processorMs(() => run(8 * size), limit === BOUNDED ? 3 : 1) / usual)      // bounded ones are cheap;
  }
  expect(least, `how many times as much eight times ${what} costs`).toBeLessThan(limit);
}

/** The processor time of this process, all its threads together, that the cheapest of some runs takes. */
export async function processorMs(run: () => unknown, runs = 3): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < runs; i++) {
    const start = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}
