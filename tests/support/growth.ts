// How cost grows with the input: what is asserted in place of seconds, which hang on the machine and on what else runs there.

/** Enough of processor time to be told from noise, in milliseconds. */
const MEASURABLE = 4;
const RUNS = 3;

/**
 * How many times as much processor time `run` takes for eight times the input: about 8 where cost is linear (more where the collector of garbage has
 * its share), 64 where it is quadratic. The least of several runs counts, after a warm-up; inputs grow until the smaller one can be measured. `size`: of the
 * smaller input to begin with.
 */
export function growth(run: (size: number) => unknown, size: number): number {
  run(size);
  let small = size, before = least(run, small);
  while (before < MEASURABLE) { small *= 2; before = least(run, small); }
  return least(run, 8 * small) / before;
}

function least(run: (size: number) => unknown, size: number): number {
  let best = Infinity;
  for (let i = 0; i < RUNS; i++) {
    const start = process.cpuUsage();
    run(size);
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}
