// How the sampling cases measure: the largest absolute difference, held against the case's tolerance.
import type { Check } from './types';

/** Infinity where the lengths differ or a value is not finite, so that neither can pass. */
export function maxAbs(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs(got[i]! - want[i]!);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Infinity : difference;
  }
  return worst;
}

/** Largest difference as a share of the expected value itself: for lists whose entries differ by orders of magnitude. */
export function maxRelative(got: ArrayLike<number>, want: ArrayLike<number>): number {
  const share = (values: ArrayLike<number>): number[] => Array.from(values, (value, i) => value / (Math.abs(want[i] ?? 0) || 1));
  return maxAbs(share(got), share(want));
}

export const compare = (check: string, error: number, tolerance: number, note?: string): Check => ({
  check, status: error <= tolerance ? 'passed' : 'failed', error, tolerance, note,
});
