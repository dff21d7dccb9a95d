// The golden cases of networks and whole runs, as `npm run atelier -- golden` checks them.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCases, runCase } from '../../main/cli/golden';

const cases = await findCases(join(import.meta.dirname, 'cases'));

describe.each(cases.map((path) => [path.split(/[\\/]/).at(-1)!, path]))('%s', (_, path) => {
  it('agrees with the reference in every check', async () => {
    const { checks } = await runCase(path);
    expect(checks.filter(({ status }) => status !== 'passed')).toEqual([]);
    expect(checks.length).toBeGreaterThan(0);
  });
});
