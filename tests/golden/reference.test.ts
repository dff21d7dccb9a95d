// Every golden case that the engine supports, as `npm run atelier -- golden` checks them: those that come with the project, and the full set
// where it lies beside the checkout.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCases, runCase } from '../../main/cli/golden';

const own = join(import.meta.dirname, 'cases');
const full = join(import.meta.dirname, '../../../shared/golden');
const cases = await findCases(existsSync(full) ? full : own);

describe.each(cases.map((path) => [path.split(/[\\/]/).at(-1)!, path]))('%s', (_, path) => {
  it('agrees with the reference in every check', async (ctx) => {
    const { checks } = await runCase(path);
    const compared = checks.filter(({ status }) => status !== 'unsupported');
    if (compared.length === 0) return ctx.skip(`not supported yet: ${checks[0]?.note ?? 'nothing in it was compared'}`);
    expect(compared.filter(({ status }) => status !== 'passed')).toEqual([]);
    expect(compared.length).toBe(checks.length);
  });
});
