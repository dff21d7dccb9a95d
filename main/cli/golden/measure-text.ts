// How the text cases measure: every entry must be equal, and the first that is not is shown.
import type { Check } from './types';

/** `mismatch` says what is wrong with an entry, or null. An empty list fails, since nothing was compared. */
export function countMismatches<T>(check: string, entries: readonly T[], mismatch: (entry: T, i: number) => string | null): Check {
  const wrong = entries.map(mismatch).filter((note) => note !== null);
  const passed = wrong.length === 0 && entries.length > 0;
  const count = wrong.length > 0 ? `${wrong.length} of ${entries.length} differ. First: ${wrong[0]!.slice(0, 500)}` : `${entries.length} compared`;
  return { check, status: passed ? 'passed' : 'failed', error: null, tolerance: null, note: count };
}
