// Where the desktop app can run and where Electron's binary comes from. The npm package carries none: it is fetched on first use.
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheDir, root, runProgram, say, withLock } from './process.mjs';

const probeMs = 8_000;
const fetchMs = 5 * 60_000;
const retryAfterMs = 24 * 3600_000;

/**
 * Electron's binary, or why there is none to be had here. Fetches it when it is missing: at most five minutes, and after a failed
 * try not again for a day.
 * @param {{ env?: NodeJS.ProcessEnv, platform?: string, isRoot?: boolean, packageDir?: string, failureFile?: string }} [host]
 * @returns {Promise<{ path: string } | { missing: string }>}
 */
export async function findElectron({
  env = process.env, platform = process.platform, isRoot = process.getuid?.() === 0,
  packageDir = join(root, 'node_modules/electron'), failureFile = join(cacheDir, 'electron-fetch-failed'),
} = {}) {
  const obstacle = whyNoDesktop(env, platform, isRoot);
  if (obstacle) return { missing: obstacle };
  const present = installedElectron(packageDir, env);
  if (present) return { path: present };
  if (Date.now() - (statSync(failureFile, { throwIfNoEntry: false })?.mtimeMs ?? 0) < retryAfterMs) {
    return { missing: `Electron could not be fetched earlier today (delete ${failureFile} to try again)` };
  }
  return withLock('electron', async () => {
    const failure = installedElectron(packageDir, env) ? undefined : await fetchElectron(packageDir, env);
    const path = installedElectron(packageDir, env);
    if (path) return { path };
    mkdirSync(dirname(failureFile), { recursive: true });
    writeFileSync(failureFile, `${failure}\n`);
    return { missing: `Electron cannot be fetched here (${failure})` };
  });
}

function whyNoDesktop(/** @type {NodeJS.ProcessEnv} */ env, /** @type {string} */ platform, /** @type {boolean} */ isRoot) {
  if (platform !== 'linux') return undefined;
  if (!env['DISPLAY'] && !env['WAYLAND_DISPLAY']) return 'there is no display';
  return isRoot ? "Electron's sandbox does not run as root" : undefined;
}

/** After electron/index.js, without its download. install.js writes path.txt when all is extracted. */
function installedElectron(/** @type {string} */ packageDir, /** @type {NodeJS.ProcessEnv} */ env) {
  const override = env['ELECTRON_OVERRIDE_DIST_PATH'];
  const nameFile = join(packageDir, 'path.txt');
  if (!existsSync(nameFile)) return override && existsSync(join(override, 'electron')) ? join(override, 'electron') : undefined;
  const path = join(override ?? join(packageDir, 'dist'), readFileSync(nameFile, 'utf8'));
  return existsSync(path) ? path : undefined;
}

/** @returns {Promise<string | undefined>} what went wrong */
async function fetchElectron(/** @type {string} */ packageDir, /** @type {NodeJS.ProcessEnv} */ env) {
  const mirror = env['npm_config_electron_mirror'] ?? env['ELECTRON_MIRROR'] ?? 'https://github.com/electron/electron/releases/download/';
  // A network that swallows packets would hold the download until its limit. Behind a proxy only the download itself can tell.
  const hasProxy = Boolean(env['HTTPS_PROXY'] ?? env['https_proxy']);
  if (!hasProxy && !(await answers(mirror))) return `${new URL(mirror).host} does not answer`;
  say('Fetching Electron, once (about 110 MB) …');
  const { code, output } = await runProgram(process.execPath, [join(packageDir, 'install.js')], {
    timeoutMs: fetchMs, quiet: true, env: hasProxy ? { ...env, ELECTRON_GET_USE_PROXY: '1' } : env,
  });
  if (code === 0) return undefined;
  rmSync(join(packageDir, 'dist'), { recursive: true, force: true });   // what a cut extraction left
  return code === 124 ? `not done after ${fetchMs / 60_000} minutes` : output.split('\n').find((line) => line.trim()) ?? `exit code ${code}`;
}

async function answers(/** @type {string} */ url) {
  try {
    await fetch(url, { method: 'HEAD', redirect: 'manual', signal: AbortSignal.timeout(probeMs) });
    return true;
  } catch {
    return false;
  }
}
