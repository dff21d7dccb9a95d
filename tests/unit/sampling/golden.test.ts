// The golden cases of noise and sampling, on the copy that the repository keeps: each check passes, and none is unsupported.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { rng } from '../../../main/cli/golden/rng';
import { samplers } from '../../../main/cli/golden/samplers';
import type { Check } from '../../../main/cli/golden/types';

const cases = join(import.meta.dirname, '../../golden/cases');

it.each([{ name: 'rng', checker: rng, count: 58 }, { name: 'samplers', checker: samplers, count: 364 }])('$name', async ({ name, checker, count }) => {
  const path = join(cases, name);
  const config = JSON.parse(await readFile(join(path, 'case.json'), 'utf8'));
  const checks: Check[] = [];
  for await (const check of checker({ name, path, config })) checks.push(check);
  expect(checks.filter((check) => check.status !== 'passed')).toEqual([]);
  expect(checks).toHaveLength(count);
});
