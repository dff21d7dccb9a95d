// The golden runner: finds cases, never takes "unsupported" or "nothing ran" for "passed", and shows what was worst.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeCase, findCases, reportOf, runCase } from '../../../main/cli/golden';
import type { Check, Checker } from '../../../main/cli/golden/types';
import { refusalOf } from '../../support/words';

const folder = mkdtempSync(join(tmpdir(), 'atelier-golden-'));
const caseFolder = (name: string, json = '{}'): string => {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'case.json'), json);
  return join(folder, name);
};

beforeAll(() => {
  for (const name of ['unet_b', 'unet_a', 'rng']) caseFolder(name);
  mkdirSync(join(folder, 'notes'));
  writeFileSync(join(folder, 'README.md'), 'not a case');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const check = (status: Check['status'], error: number | null, tolerance: number | null = 1e-4, name = 'x'): Check => ({ check: name, status, error, tolerance });
const checker = (...checks: Check[]): (() => Promise<Checker>) => async () => async function* () { yield* checks; };

test('cases are the folders with a case.json, by name', async () => {
  expect(await findCases(folder)).toEqual(['rng', 'unet_a', 'unet_b'].map((name) => join(folder, name)));
});
test('--only takes the beginning of a name', async () => expect(await findCases(folder, 'unet')).toEqual(['unet_a', 'unet_b'].map((name) => join(folder, name))));
test('a case can be given itself', async () => expect(await findCases(join(folder, 'rng'))).toEqual([join(folder, 'rng')]));

test('a folder that is not there, or has no case, is an error and not an empty success', async () => {
  expect(await refusalOf(findCases(join(folder, 'nowhere')))).toMatchObject({ code: 'folder.noCases', message: expect.stringContaining('nowhere') });
  await expect(findCases(join(folder, 'notes'))).rejects.toMatchObject({ code: 'folder.noCases' });
  expect(await refusalOf(findCases(folder, 'vae'))).toMatchObject({ code: 'usage', hint: 'There are rng, unet_a, and unet_b.' });
});

test('a kind without a checker is unsupported, not passed', async () => {
  const { checks } = await runCase(caseFolder('mystery'));
  expect(checks).toMatchObject([{ check: 'all', status: 'unsupported' }]);
  expect(reportOf([{ name: 'mystery', checks }])).toMatchObject({ passed: 0, failed: 0, unsupported: 1 });
});

test('a checker that throws, checks nothing, or cannot read its case has failed', async () => {
  const thrower = async (): Promise<Checker> => async function* () { yield check('passed', 0); throw new Error('no such tensor'); };
  expect((await runCase(join(folder, 'rng'), thrower)).checks).toMatchObject([{ status: 'passed' }, { check: 'run', status: 'failed', note: 'no such tensor' }]);
  expect((await runCase(join(folder, 'rng'), checker())).checks).toMatchObject([{ status: 'failed', note: 'nothing in this case was checked' }]);
  expect((await runCase(caseFolder('broken', '{'), checker(check('passed', 0)))).checks).toMatchObject([{ check: 'run', status: 'failed' }]);
});

test('a line names the check that used most of its tolerance, whatever its scale', () => {
  const line = describeCase({ name: 'unet_a', checks: [check('passed', 1e-3, 1, 'loose'), check('passed', 9e-6, 1e-5, 'tight'), check('passed', null, null, 'ids')] });
  expect(line).toMatch(/^passed +unet_a +3 passed {2}largest error 9\.0e-6 of 1\.0e-5 \(tight\)$/);
});

test('what failed and what is unsupported is spelled out', () => {
  const lines = describeCase({ name: 'rng', checks: [check('failed', 0.5, 1e-4, 'a.eps'), check('unsupported', null, null, 'unipc')] }).split('\n');
  expect(lines[0]).toMatch(/^FAILED +rng +0 passed, 1 failed, 1 unsupported/);
  expect(lines.slice(1)).toEqual(['    failed a.eps: error 5.0e-1, tolerance 1.0e-4', '    unsupported: unipc']);
});

test('a kind that is not supported says so in its one line', () => {
  expect(describeCase({ name: 'lora', checks: [{ ...check('unsupported', null), note: 'not yet' }] })).toMatch(/^unsupported lora +not yet$/);
});

test('the report has one entry a check', () => {
  expect(reportOf([{ name: 'rng', checks: [check('passed', 0), check('failed', 2, 1, 'y')] }])).toEqual({
    passed: 1, failed: 1, unsupported: 0,
    cases: [{ case: 'rng', check: 'x', status: 'passed', error: 0, tolerance: 1e-4 }, { case: 'rng', check: 'y', status: 'failed', error: 2, tolerance: 1 }],
  });
});
