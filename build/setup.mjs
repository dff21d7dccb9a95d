// Set-up for a fresh machine: a Node that is new enough, and the packages that package-lock.json names.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, runProgram, say, withLock } from './process.mjs';

const leastNode = [20, 19];

/** Installs what package-lock.json names, unless exactly that is installed. */
export async function ensureDependencies() {
  refuseOldNode();
  if (isInstalled()) return;
  await withLock('install', async () => {
    if (isInstalled()) return;
    say('Installing packages (npm ci), once …');
    if ((await runNpm(['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])) === 0) return;
    throw new Error('npm ci failed (see above). The first start needs the npm registry: check the network, then run the command again.');
  });
}

function refuseOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [needMajor = 0, needMinor = 0] = leastNode;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new Error(`Atelier needs Node ${leastNode.join('.')} or newer, and this is ${process.versions.node}. Get one from https://nodejs.org.`);
}

/**
 * npm writes node_modules/.package-lock.json as the last step of an install, so that file says what is there. Optional packages
 * are not compared: which of them a platform takes is npm's to decide.
 */
function isInstalled() {
  const wanted = packagesIn('package-lock.json');
  const installed = packagesIn('node_modules/.package-lock.json');
  if (!wanted) throw new Error('package-lock.json is missing or damaged. `git checkout package-lock.json` brings it back.');
  if (!installed) return false;
  return Object.entries(wanted).every(([path, entry]) => path === '' || entry.optional || entry.devOptional
    || (installed[path]?.version === entry.version && installed[path]?.integrity === entry.integrity));
}

/** @returns {Record<string, { version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }> | undefined} */
function packagesIn(/** @type {string} */ file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** npm's own script where npm started us (the same npm, no shell), else the `npm` on the path. Returns its exit code. */
async function runNpm(/** @type {string[]} */ args) {
  const script = process.env['npm_execpath'];
  const { code } = script?.endsWith('.js')
    ? await runProgram(process.execPath, [script, ...args])
    : await runProgram('npm', args, { shell: process.platform === 'win32' });
  return code;
}
