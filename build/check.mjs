// `npm run check`: types per layer, lint, the arrows between layers, cycles, dead code. Prints what failed, in full; exit code 1 if anything did.
import { mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cacheDir, orExit, root, runProgram } from './process.mjs';
import { ensureDependencies } from './setup.mjs';

const atOnce = 2;

process.exitCode = await orExit(async () => {
  await ensureDependencies();
  mkdirSync(cacheDir, { recursive: true });
  const waiting = tasks();
  let failed = 0;
  const worker = async () => {
    for (let task = waiting.shift(); task; task = waiting.shift()) {
      if (!(await check(task))) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  console.log(failed === 0 ? '\nAll checks passed.' : `\n${failed} failed.`);
  return failed === 0 ? 0 : 1;
});

/** @typedef {{ name: string, script: string, args: string[] }} Task  Scripts are run by this Node, without a shell. */

/** @returns {Task[]} the longest first */
function tasks() {
  const tsc = 'typescript/bin/tsc';
  const layers = readdirSync(join(root, 'build/tsconfig')).map((file) => basename(file, '.json')).filter((layer) => layer !== 'base');
  return [
    { name: 'lint', script: 'eslint/bin/eslint.js', args: ['.', '--max-warnings', '0'] },
    ...layers.map((layer) => ({
      name: `types: ${layer}`, script: tsc,
      args: ['-p', `build/tsconfig/${layer}.json`, '--incremental', '--tsBuildInfoFile', join(cacheDir, `${layer}.tsbuildinfo`)],
    })),
    { name: 'layers and cycles', script: 'dependency-cruiser/bin/dependency-cruise.mjs', args: ['--config', '.dependency-cruiser.cjs', 'main', 'preload', 'renderer'] },
    { name: 'dead code', script: 'knip/bin/knip.js', args: ['--no-progress', '--config', 'knip.json'] },
  ];
}

async function check(/** @type {Task} */ { name, script, args }) {
  const began = performance.now();
  const { code, output } = await runProgram(process.execPath, [join(root, 'node_modules', script), ...args], { quiet: true });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  console.log(code === 0 ? `ok      ${name} (${seconds} s)` : `FAILED  ${name} (${seconds} s)\n\n${output.trimEnd()}\n`);
  return code === 0;
}
