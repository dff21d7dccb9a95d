import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/{unit,golden,faults,flows}/**/*.test.ts'],
    setupFiles: ['tests/support/fuzz.ts'],
    testTimeout: process.env['FUZZ_RUNS'] ? 3_600_000 : 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});
