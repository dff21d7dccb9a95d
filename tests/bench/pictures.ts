// The same pictures from two checkouts: every case of picture-cases.ts through each one's `generate`, and the sha256 of its pixels. Prints JSON; exit code 1
// where a case fails or differs. Pixels are a machine's own, so both commits are run here and now. Three minutes for two checkouts on two free cores.
//
//   npx esbuild tests/bench/pictures.ts --bundle --platform=node --format=esm --packages=external --outfile=.cache/pictures.mjs
//   node .cache/pictures.mjs [--against OTHER_CHECKOUT] [--only REGEXP] [--out FOLDER]      from the package's root; pictures by name go to FOLDER/0 and /1
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import sharp from 'sharp';
import type { CheckpointSizes } from '../../main/engine/families/known-sizes';
import { checkpointTensors, vaeTensors } from '../../main/engine/families/network-tensors';
import type { Dims } from '../../main/engine/tensor';
import { writeRandomCheckpoint } from '../../main/services/model-tools/random-checkpoint';
import { openWeightFile } from '../../main/files/weight-file';
import { stateDictFrom, torchZip } from '../support/pickles';
import { pictureCases, pictureFiles, usualFlags, type Flags, type PictureFile } from '../support/picture-cases';
import { tinyFamilies, withInputs } from '../support/tiny-families';

const { values: { against, only = '', out } } = parseArgs({ options: { against: { type: 'string' }, only: { type: 'string' }, out: { type: 'string' } } });
const run = promisify(execFile), own = process.cwd(), work = mkdtempSync(join(tmpdir(), 'atelier-pictures-'));
const pathOf = (file: PictureFile): string => (file === 'mini' ? join(own, 'resources/models/atelier-mini.safetensors')
  : file === 'taesd' ? join(own, 'tests/golden/cases/taesd_tiny/taesd_decoder.safetensors')
  : join(work, `${file}.${['init', 'mask', 'depth'].includes(file) ? 'png' : file === 'sd1-ckpt' ? 'ckpt' : 'safetensors'}`));

type Results = Record<string, string>;

try {
  const roots = [own, ...(against === undefined ? [] : [resolve(against)])];
  for (const root of roots) await run(process.execPath, [join(root, 'build/atelier.mjs'), 'help'], { cwd: root });      // bundles it
  await makeModels();
  await makePictures();
  const [here, there] = await makeAll(roots) as [Results, Results | undefined];
  const differing = there ? Object.keys(here).filter((name) => here[name] !== there[name]) : [];
  const report = there ? { compared: Object.keys(here).length, differing: Object.fromEntries(differing.map((name) => [name, { here: here[name], there: there[name] }])) } : here;
  process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
  // A case that fails in both is the same, and compares nothing.
  process.exitCode = differing.length > 0 || Object.values(here).some((what) => what.startsWith('failed')) ? 1 : 0;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Of each root, what each case gave: as many at once as there are cores, each a process of its own. */
async function makeAll(roots: readonly string[]): Promise<Results[]> {
  const results = roots.map((): Results => ({})), chosen = Object.entries(pictureCases).filter(([name]) => new RegExp(only).test(name));
  const waiting = chosen.flatMap(([name, flags]) => roots.map((root, i) => ({ name, flags, root, i })));
  const lane = async (): Promise<void> => {
    for (let task = waiting.shift(); task; task = waiting.shift()) results[task.i]![task.name] = await hashesOf(task.root, task.i, task.name, { ...usualFlags, ...task.flags });
  };
  roots.forEach((_, i) => { prepareData(dataDir(i)); });
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  return results.map((result) => Object.fromEntries(chosen.map(([name]) => [name, result[name]!])));
}

/** Of the pixels of every picture, or how it failed. */
async function hashesOf(root: string, i: number, name: string, flags: Flags): Promise<string> {
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, pictureFiles.includes(value as PictureFile) && flag !== 'prompt' ? pathOf(value as PictureFile) : String(value)]);
  try {
    const { stdout } = await run(process.execPath, [join(root, 'out/main/cli.js'), 'generate', ...args, '--data-dir', dataDir(i), '--json'], { cwd: root });
    const { pictures } = JSON.parse(stdout) as { pictures: { path: string }[] };
    if (out !== undefined) for (const [at, { path }] of pictures.entries()) cpSync(path, join(out, String(i), `${name}${at > 0 ? ` ${at + 1}` : ''}.png`));
    return (await Promise.all(pictures.map(({ path }) => hashOf(path)))).join(' ');
  } catch (error) {
    const { stdout = '', message } = error as Error & { stdout?: string };
    return `failed: ${stdout.trim() || message}`;
  }
}

async function hashOf(path: string): Promise<string> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return createHash('sha256').update(`${info.width}x${info.height}x${info.channels}\n`).update(data).digest('hex');
}

function dataDir(i: number): string { return join(work, `data-${i}`); }

/** What prompts may call up. */
function prepareData(folder: string): void {
  for (const sub of ['wildcards', 'models/embeddings']) mkdirSync(join(folder, sub), { recursive: true });
  writeFileSync(join(folder, 'styles.csv'), 'name,prompt,negative_prompt\nFilm,"at night, {prompt}",blurry\n');
  writeFileSync(join(folder, 'wildcards/colour.txt'), 'red\nblue\ngreen\n');
  writeFileSync(join(folder, 'models/embeddings/zog.safetensors'), readFileSync(join(work, 'zog.safetensors')));
}

async function makeModels(): Promise<void> {
  const { sd1, sd2, sdxl } = tinyFamilies, lcm = { ...sd1, unet: { ...sd1.unet, guidanceDim: 32 } };
  const families: readonly (readonly [PictureFile, CheckpointSizes])[] = [
    ['sd1', sd1], ['sd1-inpaint', withInputs(sd1, 9)], ['sd1-pix2pix', withInputs(sd1, 8)], ['sd1-lcm', lcm], ['sd2', sd2], ['sd2-depth', withInputs(sd2, 5)], ['sdxl', sdxl], ['sdxl-refiner', tinyFamilies['sdxl-refiner']],
  ];
  for (const [i, [file, sizes]] of families.entries()) await writeRandomCheckpoint(pathOf(file), checkpointTensors(sizes), i + 1);
  await writeRandomCheckpoint(pathOf('vae'), vaeTensors(sd1.vae, ''), 20);
  const { shape: [, width] } = (await openWeightFile(pathOf('mini'))).tensors.get('cond_stage_model.transformer.text_model.embeddings.token_embedding.weight')!;
  await writeRandomCheckpoint(join(work, 'zog.safetensors'), new Map<string, Dims>([['emb_params', [2, width!]]]), 21);
  for (const [file, precision] of [['sd1-fp32', 'fp32'], ['sd1-bf16', 'bf16'], ['sd1-fp8', 'fp8_e4m3']] as const) {
    await run(process.execPath, [join(own, 'out/main/cli.js'), 'convert', '--in', pathOf('sd1'), '--out', pathOf(file), '--precision', precision]);
  }
  // With channels last and matrices turned, as pickles may have them.
  const whole = await openWeightFile(pathOf('sd1'));
  writeFileSync(pathOf('sd1-ckpt'), torchZip({ state_dict: stateDictFrom(whole, readFileSync(pathOf('sd1')), ({ shape }) => (shape.length === 4 ? [0, 2, 3, 1] : shape.length === 2 && shape[0]! < 1000 ? [1, 0] : null)) }));
}

/** A picture to start from, the same on every machine: shapes on a gradient, a mask with a soft edge, a depth map. */
async function makePictures(): Promise<void> {
  const side = 128;
  const draw = async (file: PictureFile, channels: 1 | 3, colour: (x: number, y: number) => readonly number[]): Promise<void> => {
    const pixels = new Uint8Array(side * side * channels);
    for (let i = 0; i < side * side; i++) pixels.set(colour(i % side, Math.floor(i / side)), i * channels);
    await sharp(pixels, { raw: { width: side, height: side, channels } }).png().toFile(pathOf(file));
  };
  await draw('init', 3, (x, y) => (x > 40 && x < 90 && y > 50 && y < 110 ? [60, 70, 200] : y > 96 ? [70, 160, 60] : [2 * y, 120 + y, 220]));
  await draw('mask', 1, (x) => [Math.max(0, Math.min(255, (x - 48) * 8))]);
  await draw('depth', 1, (x, y) => [(x + y) & 255]);
}
