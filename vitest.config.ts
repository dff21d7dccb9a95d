import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/{unit,golden,faults,flows}/**/*.test.ts'],
    setupFiles: ['tests/support/fuzz.ts'],
    // Against tests that hang, not against slow machines: beside other work one of six seconds took over sixty.
    testTimeout: process.env['FUZZ_RUNS'] ? 3_600_000 : 600_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 300_000 } },
    pool: 'forks',
    maxWorkers: 2,
  },
});
