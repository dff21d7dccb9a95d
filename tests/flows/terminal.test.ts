// The terminal, whole: the command line as a person runs it, with the demo checkpoint, a real worker and a library of its own.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { folderOf, randomFamilyCheckpoint, scratchFolder, tinyFamilies } from '../support/checkpoints';
import { stateDictFrom, torchZip } from '../support/pickles';
import { withoutOwn } from '../support/pictures';
import { addPngTexts } from '../../main/files/png-text';
import { openWeightFile } from '../../main/files/weight-file';

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'atelier-terminal-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended { code: number; stdout: string; stderr: string }

/** `onStderr` sees what has been written so far, and may send a signal. */
function atelier(args: string[], onStderr: (text: string, kill: (signal: NodeJS.Signals) => void) => void = () => {}): Promise<Ended> {
  const child = spawn(process.execPath, [join(root, 'build/atelier.mjs'), ...args], { cwd: folder, env: { ...process.env, INIT_CWD: folder }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended: Ended = { code: -1, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => { ended.stdout += String(chunk); });
  child.stderr.on('data', (chunk: Buffer) => {
    ended.stderr += String(chunk);
    onStderr(ended.stderr, (signal) => child.kill(signal));
  });
  return new Promise((done) => child.on('close', (code) => done({ ...ended, code: code ?? -1 })));
}

const generate = (...args: string[]) => ['generate', '--data-dir', 'data', '--steps', '6', '--json', '--prompt', 'a red house on grass', ...args];

test('generate makes the picture where --out says, and stdout is one line of JSON', async () => {
  const { code, stdout, stderr } = await atelier(generate('--seed', '3', '--out', 'house.png'));
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('step 6 of 6') });
  const { pictures, seconds } = JSON.parse(stdout);
  expect(pictures).toEqual([{ path: join(folder, 'house.png'), id: expect.stringMatching(/^[0-9a-f-]{36}$/), seed: 3, width: 128, height: 128, seconds: expect.any(Number) }]);
  expect(seconds).toBeGreaterThan(0);
  const png = readFileSync(join(folder, 'house.png'));
  expect(png.subarray(1, 4).toString('latin1')).toBe('PNG');
  expect(png.toString('latin1')).toContain('Seed: 3');
});

test('the same seed gives the same bytes in another folder, but for what is a picture\'s own, the next seed another picture', async () => {
  const { stdout } = await atelier(generate('--seed', '3', '--count', '2', '--out', 'pair'));
  const [same, other] = JSON.parse(stdout).pictures as { path: string; seed: number; id: string }[];
  expect([same!.seed, other!.seed]).toEqual([3, 4]);
  expect(withoutOwn(readFileSync(same!.path))).toEqual(withoutOwn(readFileSync(join(folder, 'house.png'))));
  expect(withoutOwn(readFileSync(other!.path))).not.toEqual(withoutOwn(readFileSync(join(folder, 'house.png'))));
});

test('a picture that cannot be written is an error at once: a terminal waits for no drive', async () => {
  mkdirSync(join(folder, 'broken/pictures'), { recursive: true });
  symlinkSync(join(folder, 'a drive that is away'), join(folder, 'broken/pictures', String(new Date().getFullYear())));
  const { code, stderr, stdout } = await atelier(['generate', '--data-dir', 'broken', '--steps', '2', '--count', '3', '--prompt', 'a red house']);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('cannot be written');
  expect(stderr).toContain('Check that the drive is connected');
});

test('--from makes a picture again, to the byte but for what is its own, or as another program made its own, with what the flags change', async () => {
  const again = await atelier(['generate', '--data-dir', 'data', '--from', 'house.png', '--out', 'again.png']);
  expect(again).toMatchObject({ code: 0 });
  expect(withoutOwn(readFileSync(join(folder, 'again.png')))).toEqual(withoutOwn(readFileSync(join(folder, 'house.png'))));

  const text = 'a {red} house, [on] grass\nSteps: 5, Sampler: DPM++ 2M Karras, CFG scale: 3, Seed: 11, Size: 136x120, Model hash: 0123456789, Model: somebodys, Clip skip: 2, Lora hashes: "x: 0123456789ab"';
  const grey = await sharp({ create: { width: 16, height: 16, channels: 3, background: 'grey' } }).png().toBuffer();
  writeFileSync(join(folder, 'foreign.png'), addPngTexts(grey, [{ keyword: 'parameters', text }]));
  const refused = await atelier(['generate', '--data-dir', 'data', '--from', 'foreign.png']);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('somebodys [0123456789], which is not among your models') });
  const { code, stdout, stderr } = await atelier(['generate', '--data-dir', 'data', '--from', 'foreign.png', '--model', 'Atelier Mini', '--steps', '4', '--json', '--out', 'like.png']);
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('lora x') });
  expect(JSON.parse(stdout).pictures).toMatchObject([{ seed: 11, width: 136, height: 120 }]);
  expect(readFileSync(join(folder, 'like.png')).toString('latin1')).toMatch(/Steps: 4, Sampler: DPM\+\+ 2M, Schedule type: Karras, CFG scale: 3, Seed: 11, Size: 136x120, .*Clip skip: 2/);
});

/** Random weights draw nothing to look at, in no time. */
const tiny = (...args: string[]) => generate('--size', '64x64', '--seed', '3', '--sampler', 'euler_a', ...args);

test('one model makes the same picture from a file, a diffusers folder and a pickled checkpoint', async () => {
  const file = await randomFamilyCheckpoint(tinyFamilies.sd1), ckpt = join(scratchFolder(), 'random.ckpt');
  writeFileSync(ckpt, torchZip(stateDictFrom(await openWeightFile(file), readFileSync(file))));
  const pictures: Buffer[] = [];
  for (const model of [file, await folderOf(file), ckpt]) {
    const { code, stdout, stderr } = await atelier(tiny('--model', model));
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { path } = JSON.parse(stdout).pictures[0] as { path: string };
    pictures.push(await sharp(path).raw().toBuffer());
    expect(readFileSync(path).toString('latin1')).toMatch(/Model: random/);
  }
  expect(pictures[1]).toEqual(pictures[0]);
  expect(pictures[2]).toEqual(pictures[0]);
});

test('an SDXL model with a refiner repaints where the mask is white, and the picture tells of both', async () => {
  const [model, refiner] = [await randomFamilyCheckpoint(tinyFamilies.sdxl), await randomFamilyCheckpoint(tinyFamilies['sdxl-refiner'])];
  const init = await sharp({ create: { width: 64, height: 64, channels: 3, background: '#3070b0' } }).png().toFile(join(folder, 'init.png')).then(() => 'init.png');
  await sharp(Uint8Array.from({ length: 64 * 64 }, (_, i) => (i % 64 < 20 ? 0 : 255)), { raw: { width: 64, height: 64, channels: 1 } }).png().toFile(join(folder, 'mask.png'));
  const { code, stdout, stderr } = await atelier(tiny('--model', model, '--refiner', refiner, '--switch-at', '0.5', '--init', init, '--mask', 'mask.png', '--strength', '1', '--noise', 'gpu',
    '--variation-strength', '0.2', '--variation-seed', '9'));
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { path } = JSON.parse(stdout).pictures[0] as { path: string };
  const rgb = await sharp(path).raw().toBuffer(), at = (x: number, y: number) => rgb.subarray(3 * (64 * y + x), 3 * (64 * y + x) + 3).toString('hex');
  expect([at(0, 0), at(19, 63)]).toEqual(['3070b0', '3070b0']);
  expect(at(40, 30)).not.toBe('3070b0');
  const text = readFileSync(path).toString('latin1');
  expect(text).toMatch(/Refiner: random \[[0-9a-f]{10}\], Refiner switch at: 0\.5/);
});

test('Ctrl-C cancels soon', async () => {
  let told = false;
  const longer = generate('--steps', '150', '--size', '512x512');       // than it takes to be told to stop, on any machine
  const { code, stdout, stderr } = await atelier(longer, (text, kill) => {
    if (!told && /step [1-9]/.test(text)) { told = true; kill('SIGINT'); }
  });
  expect(code).toBe(130);
  expect(JSON.parse(stdout).pictures).toEqual([]);
  expect(stderr).toContain('Cancelling');
  expect(stderr).not.toContain('step 150');
});

test('mistakes end with code 1, the flag or file by name, and what to do', async () => {
  const wrong = await atelier(['generate', '--promt', 'a cat']);
  expect(wrong).toEqual({ code: 1, stdout: '', stderr: '--promt is not a flag of generate\nDid you mean --prompt?\n' });
  const missing = await atelier(generate('--init', 'nowhere.png'));
  expect(missing.code).toBe(1);
  expect(JSON.parse(missing.stdout).error).toMatchObject({ code: 'input.unreadable', message: expect.stringContaining('nowhere.png'), hint: expect.any(String) });
});

test('inspect prints its JSON and nothing else', async () => {
  const { code, stdout, stderr } = await atelier(['inspect', join(root, 'resources/models/atelier-mini.safetensors'), '--json']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ kind: 'checkpoint', family: 'sd1', runnable: true, problems: [] });
});

test('wildcards are chosen by the seed, and what cannot be done is said', async () => {
  mkdirSync(join(folder, 'data/wildcards'), { recursive: true });
  writeFileSync(join(folder, 'data/wildcards/colour.txt'), 'red\nblue\n');
  const words = ['--prompt', 'a __colour__ house on grass <lora:foo:1>', '--seed', '3', '--out', 'wild.png'];
  const first = await atelier(generate(...words));
  expect(first.code).toBe(0);
  expect(first.stderr).toContain('The LoRA foo was left out: there is no file of this name.');
  const text = readFileSync(join(folder, 'wild.png')).toString('latin1');
  expect(text).toMatch(/a (red|blue) house on grass/);
  await atelier(generate(...words.slice(0, -1), 'again.png'));
  expect(withoutOwn(readFileSync(join(folder, 'again.png')))).toEqual(withoutOwn(readFileSync(join(folder, 'wild.png'))));
});
