// What `npm test` ends with: counts that include what failed outside of tests, and the reason of every skip.
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { close } from '../../../build/test-summary.mjs';

const root = resolve(import.meta.dirname, '../../..');

/** Runs vitest itself over one file with this source, as build/test.mjs does. */
async function closingLines(source: string, ...flags: string[]): Promise<{ lines: string[]; ok: boolean }> {
  const folder = mkdtempSync(join(tmpdir(), 'atelier-summary-'));
  try {
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    writeFileSync(join(folder, 'vitest.config.mjs'), 'export default {};');
    writeFileSync(join(folder, 'sample.test.ts'), `import { beforeAll, describe, expect, test } from 'vitest';\n${source}`);
    const file = join(folder, 'summary.json');
    const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', folder, `--reporter=${join(root, 'build/test-summary.mjs')}`, ...flags];
    const code = await new Promise<number>((done) => {
      const child = execFile(process.execPath, args, { cwd: folder, env: { ...process.env, VITEST: '', ATELIER_TEST_SUMMARY: file } });
      child.on('exit', (status) => done(status ?? 1));
    });
    return close(existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined, code);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('passed tests are counted and nothing else is said', async () => {
  expect(await closingLines("test('a', () => {}); test('b', () => {});")).toEqual({ lines: ['2 passed, 0 failed'], ok: true });
});

test('a failed test makes the run fail', async () => {
  expect(await closingLines("test('a', () => {}); test('b', () => expect(1).toBe(2));")).toEqual({ lines: ['1 passed, 1 failed'], ok: false });
});

test('a skip says why: by a note or in its name', async () => {
  const { lines, ok } = await closingLines("test('a', () => {}); test('b', (t) => t.skip('no Vulkan driver here')); test.skip('c (skipped: needs 16 GB)', () => {});");
  expect(lines).toEqual(['Skipped: b: no Vulkan driver here', 'Skipped: c (skipped: needs 16 GB): needs 16 GB', '1 passed, 0 failed, 2 skipped']);
  expect(ok).toBe(true);
});

test('a skip that gives no reason fails the run', async () => {
  const { lines, ok } = await closingLines("test('a', () => {}); test.skip('b', () => {});");
  expect(lines).toEqual(['Failed outside of a test: b is skipped and does not say why', '1 passed, 1 failed, 1 skipped']);
  expect(ok).toBe(false);
});

test('tests that a filter leaves out are no skips', async () => {
  expect(await closingLines("test('a', () => {}); test('b', () => {});", '-t', 'a')).toEqual({ lines: ['1 passed, 0 failed'], ok: true });
});

test('a suite whose set-up breaks has failed', async () => {
  const { lines, ok } = await closingLines("test('a', () => {}); describe('s', () => { beforeAll(() => { throw new Error('no disk'); }); test('b', () => {}); });");
  expect(lines).toContain('Failed outside of a test: no disk');
  expect(lines.at(-1)).toBe('1 passed, 1 failed, 1 skipped');
  expect(ok).toBe(false);
});

test('a file that does not load has failed', async () => {
  const { lines, ok } = await closingLines("throw new Error('broken import');");
  expect(lines).toEqual(['Failed outside of a test: broken import', '0 passed, 1 failed']);
  expect(ok).toBe(false);
});

test('an error that nobody caught fails the run though every test passed', async () => {
  const { lines, ok } = await closingLines("test('a', () => { setTimeout(() => { throw new Error('late'); }, 0); }); test('b', () => new Promise((done) => setTimeout(done, 50)));");
  expect(lines).toEqual(['Failed outside of a test: late', '2 passed, 1 failed']);
  expect(ok).toBe(false);
});

test('no test at all is a failure, and so is a run that never reported', () => {
  expect(close({ passed: 0, failed: 0, skipped: [], faults: [] }, 0)).toEqual({ lines: ['Failed outside of a test: no test was found', '0 passed, 1 failed'], ok: false });
  expect(close(undefined, 1)).toEqual({ lines: ['Failed outside of a test: vitest ended before it could report', '0 passed, 1 failed'], ok: false });
  expect(close({ passed: 3, failed: 0, skipped: [], faults: [] }, 1).ok).toBe(false);
});
