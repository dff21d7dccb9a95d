// `npm test [-- files and flags of vitest]`: does all set-up, runs the tests and ends with `N passed, N failed`. Exit code 1 unless all is well.
// `--fuzz` is the nightly run: 10,000 inputs for each property of a parser.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBundle } from './bundle.mjs';
import { ensureChromium, findVulkanDriver } from './chromium.mjs';
import { orExit, root, say } from './process.mjs';
import { ensureDependencies } from './setup.mjs';
import { close } from './test-summary.mjs';

const args = process.argv.slice(2);

process.exitCode = await orExit(async () => {
  await ensureDependencies();
  await ensureBundle({ renderer: true });
  const chromium = await ensureChromium();
  if ('missing' in chromium) say(`Tests that need a browser will be skipped: ${chromium.missing}.`);
  const vulkan = findVulkanDriver('path' in chromium ? chromium.path : undefined);

  const folder = mkdtempSync(join(tmpdir(), 'atelier-test-'));
  const summaryFile = join(folder, 'summary.json');
  const code = await runVitest({
    ...process.env,
    ATELIER_TEST_SUMMARY: summaryFile,
    ...('path' in chromium ? { CHROMIUM_PATH: chromium.path } : {}),
    ...(vulkan ? { ATELIER_VK_ICD: vulkan } : {}),
    ...(args.includes('--fuzz') ? { FUZZ_RUNS: process.env['FUZZ_RUNS'] ?? '10000' } : {}),
  });
  const summary = existsSync(summaryFile) ? JSON.parse(readFileSync(summaryFile, 'utf8')) : undefined;
  rmSync(folder, { recursive: true, force: true });
  const { lines, ok } = close(summary, code);
  process.stdout.write(`\n${lines.join('\n')}\n`);
  return ok ? 0 : 1;
});

/** @returns {Promise<number>} vitest's exit code */
function runVitest(/** @type {NodeJS.ProcessEnv} */ env) {
  const words = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=default', `--reporter=${join(root, 'build/test-summary.mjs')}`, ...args.filter((arg) => arg !== '--fuzz')];
  const vitest = spawn(process.execPath, words, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
  process.on('SIGINT', () => {});   // the terminal sends it to vitest as well; we wait for its answer
  process.on('SIGTERM', () => vitest.kill('SIGTERM'));
  return new Promise((done) => {
    vitest.on('error', () => done(1));
    vitest.on('exit', (code) => done(code ?? 1));
  });
}
