// From sources to out/: the processes' code by esbuild, the window by vite. A part is built only when its sources changed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { root, say, withLock } from './process.mjs';

const out = join(root, 'out');
const shared = ['preload/contract', 'preload/words', 'main/api', 'package.json', 'package-lock.json', 'build/bundle.mjs'];

const parts = {
  main: { inputs: ['main', 'preload', 'resources/locales', ...shared], build: buildMain },
  renderer: { inputs: ['renderer', 'resources/locales', 'resources/icons', 'build/vite.config.ts', ...shared], build: buildRenderer },
};

/** Brings out/ up to date. Throws with the compiler's words where a source is broken, and leaves the last good build. */
export async function ensureBundle({ renderer = false } = {}) {
  await ensurePart('main');
  if (renderer) await ensurePart('renderer');
}

async function ensurePart(/** @type {keyof typeof parts} */ name) {
  const { inputs, build } = parts[name];
  const stamp = join(out, `${name}.stamp`);
  const isFresh = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint(inputs);
  if (isFresh()) return;
  await withLock('bundle', async () => {
    if (isFresh()) return;
    const began = performance.now();
    const built = fingerprint(inputs);   // before building: what changes meanwhile is built next time
    await build();
    write(stamp, built);
    say(`Bundled ${name} in ${((performance.now() - began) / 1000).toFixed(1)} s.`);
  });
}

async function buildMain() {
  const esbuild = await import('esbuild');
  const entries = { cli: 'main/cli/index.ts', server: 'main/server/index.ts', worker: 'main/worker/index.ts', pictures: 'main/services/pictures/reader/index.ts', prompts: 'main/services/prompts/reader/index.ts', models: 'main/services/models/reader/index.ts', app: 'main/app/index.ts' };
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root, entryPoints: entries, outdir: 'out/main', bundle: true, platform: 'node', format: 'esm', target: 'node20.19',
    packages: 'external', sourcemap: true, write: false, logLevel: 'silent',
    splitting: true,   // keeps dynamic imports lazy: `inspect` does not wait for onnxruntime-node to load
  }).catch((error) => { throw new Error(`The sources do not bundle.\n${error.message}`); });
  await esbuild.stop();

  // Entries last: an entry that is there finds its chunks.
  const isEntry = (/** @type {string} */ path) => basename(path, '.js') in entries;
  const files = outputFiles.sort((a, b) => Number(isEntry(a.path)) - Number(isEntry(b.path)));
  for (const file of files) write(file.path, file.contents);
  prune(join(out, 'main'), new Set(files.map((file) => basename(file.path))));
}

/** A running studio may still load a chunk of an older build, so those stay for a day. */
function prune(/** @type {string} */ folder, /** @type {Set<string>} */ keep) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!keep.has(name) && Date.now() - statSync(path).mtimeMs > 24 * 3600_000) rmSync(path, { force: true });
  }
}

async function buildRenderer() {
  const vite = await import('vite');
  const target = join(out, 'renderer');
  const next = `${target}.${process.pid}.next`;
  const old = `${target}.${process.pid}.old`;
  try {
    await vite.build({ configFile: join(root, 'build/vite.config.ts'), logLevel: 'warn', build: { outDir: next, emptyOutDir: true } });
    if (existsSync(target)) renameSync(target, old);
    renameSync(next, target);
  } finally {
    for (const folder of [next, old]) rmSync(folder, { recursive: true, force: true });
  }
}

/** SHA-256 over the names and bytes of all files in `paths` (files or folders, from the root). Some 20 ms; mtimes lie after a checkout. */
function fingerprint(/** @type {readonly string[]} */ paths) {
  const hash = createHash('sha256');
  for (const file of paths.flatMap((path) => filesIn(join(root, path))).sort()) {
    hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** @returns {string[]} none for a path that is not there */
function filesIn(/** @type {string} */ path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return [];
  if (!stat.isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesIn(join(path, name)));
}

/** Under another name first, so that a reader sees the old file or the new one and never half of one. */
function write(/** @type {string} */ path, /** @type {string | Uint8Array} */ content) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}
