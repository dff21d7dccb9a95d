// How long the parsers are fuzzed: as each test says, or FUZZ_RUNS inputs each in a nightly run (`npm run fuzz`).
import fc from 'fast-check';

const nightly = Number(process.env['FUZZ_RUNS'] ?? 0);

/** `usual` runs, or the nightly run's where that is more. */
export const fuzzRuns = (usual: number): number => Math.max(usual, nightly);

// A usual run has the same inputs each time, so that it fails for what was changed and not by chance; the nightly one looks for new ones.
fc.configureGlobal(nightly > 0 ? { numRuns: nightly } : { seed: 1 });
