// The browser that the flows run in: the one that is here, or one that Playwright or apt installs.
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root, runProgram, say } from './process.mjs';

const places = {
  linux: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome-stable', '/usr/bin/google-chrome', '/opt/google/chrome/chrome', '/snap/bin/chromium'],
  darwin: ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium'],
  win32: ['C:/Program Files/Google/Chrome/Application/chrome.exe', 'C:/Program Files (x86)/Google/Chrome/Application/chrome.exe'],
};

/**
 * A Chromium that starts: CHROMIUM_PATH, else an installed one, else Playwright's, else one that is installed now.
 * @returns {Promise<{ path: string } | { missing: string }>}
 */
export async function ensureChromium(env = process.env) {
  const given = env['CHROMIUM_PATH'];
  if (given) return (await starts(given)) ? { path: given } : { missing: `CHROMIUM_PATH is ${given}, which does not start` };
  return await find() ?? await install() ?? { missing: 'no Chromium is installed, and neither Playwright nor apt could install one (set CHROMIUM_PATH)' };
}

/**
 * The manifest of the software Vulkan driver that comes with Chromium, for WebGPU on a machine with no GPU.
 * @returns {string | undefined}
 */
export function findVulkanDriver(/** @type {string | undefined} */ chromium, env = process.env) {
  const folders = [...(chromium ? [dirname(realpathSync(chromium))] : []), '/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome'];
  return [env['ATELIER_VK_ICD'] ?? '', ...folders.map((folder) => join(folder, 'vk_swiftshader_icd.json'))].find((path) => path && existsSync(path));
}

async function find() {
  const { chromium } = await import('playwright-core');
  const installed = places[/** @type {keyof typeof places} */ (process.platform)] ?? [];
  for (const path of [...installed, chromium.executablePath()]) {
    if (await starts(path)) return { path };
  }
  return undefined;
}

async function install() {
  say('Installing Chromium for the tests, once …');
  await runProgram(process.execPath, [join(root, 'node_modules/playwright-core/cli.js'), 'install', 'chromium'], { timeoutMs: 5 * 60_000 });
  const fromPlaywright = await find();
  if (fromPlaywright || !mayUseApt()) return fromPlaywright;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await runProgram('apt-get', ['update'], { timeoutMs: 3 * 60_000, quiet: true, env });
  await runProgram('apt-get', ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'], { timeoutMs: 10 * 60_000, env });
  return find();
}

function mayUseApt() {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get') || !existsSync('/etc/os-release')) return false;
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'));
}

/** Ubuntu's package without snap is a script that only says so, and Playwright's build may lack libraries: ask the program itself. */
async function starts(/** @type {string} */ path) {
  if (!existsSync(path)) return false;
  if (process.platform === 'win32') return true;   // there, --version opens a window
  return (await runProgram(path, ['--version'], { timeoutMs: 20_000, quiet: true })).code === 0;
}
