// How long the parsers are fuzzed: as each test says, or FUZZ_RUNS inputs each in a nightly run (`npm run fuzz`).
import fc from 'fast-check';

const nightly = Number(process.env['FUZZ_RUNS'] ?? 0);

/** `usual` runs, or the nightly run's where that is more. */
export const fuzzRuns = (usual: number): number => Math.max(usual, nightly);

// Properties that name no number.
if (nightly > 0) fc.configureGlobal({ numRuns: nightly });
