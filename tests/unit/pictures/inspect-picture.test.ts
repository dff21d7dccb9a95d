// `inspect` of a picture in the terminal: what counts as one, and which models of this machine it is compared with.
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { inspectPicture, isPicture } from '../../../main/cli/inspect-picture';
import { openDatabase } from '../../../main/services/database/database';
import { PictureReport } from '../../../preload/contract/picture-report';
import { tempFolder } from '../../support/pictures';
import { jpeg, png, tiff, unicodeBe, webp } from './make-pictures';

const text = 'a cat <lora:ink:0.5>\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 512x512, Model: dream, Model hash: 0011223344, TI hashes: "glow: 998877665544"';

afterEach(() => { vi.unstubAllEnvs(); });

it('knows pictures by their bytes, or by their name', async () => {
  const folder = await tempFolder(), at = (name: string) => join(folder, name);
  const header = Buffer.from('{"__metadata__":{}}'), safetensors = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0, 0, 0, 0, 0]), header]);
  await Promise.all([writeFile(at('a'), await png({})), writeFile(at('b.bin'), await jpeg(tiff('II', {}))), writeFile(at('c'), await webp(tiff('II', {}))), writeFile(at('d.PNG'), 'no picture'),
    writeFile(at('m.safetensors'), safetensors), writeFile(at('n.ckpt'), 'PK\x03\x04'), mkdir(at('folder.png'))]);
  expect(await Promise.all(['a', 'b.bin', 'c', 'd.PNG'].map(async (name) => isPicture(at(name))))).toEqual([true, true, true, true]);
  expect(await Promise.all(['m.safetensors', 'n.ckpt', 'folder.png', 'gone.png'].map(async (name) => isPicture(at(name))))).toEqual([false, false, false, false]);
});

it('names what is not among the models of the data folder, and makes no data folder', async () => {
  const root = await tempFolder(), picture = join(root, 'a.png'), data = join(root, 'data');
  vi.stubEnv('ATELIER_DATA', data);
  await writeFile(picture, await png({ parameters: text }));
  const missing = async () => PictureReport.parse(JSON.parse(await inspectPicture(picture, true))).missing.map(({ kind, name }) => `${kind} ${name}`);
  expect(await missing()).toEqual(['checkpoint dream', 'lora ink', 'embedding glow']);
  await expect(stat(data)).rejects.toThrow();

  const other = join(root, 'renamed.safetensors');
  await mkdir(join(data, 'models', 'loras'), { recursive: true });
  await Promise.all([writeFile(other, 'weights'), writeFile(join(data, 'models', 'loras', 'ink.safetensors'), 'weights')]);
  const { size, mtimeMs } = await stat(other), database = openDatabase(join(data, 'atelier.db'));
  database.hashes.set(other, size, mtimeMs, { sha256: '0011223344'.padEnd(64, 'a'), autov1: '12345678', autov2: '0011223344', autov3: 'bbbbbbbbbbbb' });
  expect(await missing(), 'while the studio has its database open').toEqual(['embedding glow']);
  database.close();
  await rm(other);
  expect(await missing(), 'a file that went away').toEqual(['checkpoint dream', 'embedding glow']);
  await writeFile(join(data, 'atelier.db'), 'no database');
  expect(await missing()).toEqual(['checkpoint dream', 'embedding glow']);
});

it('is lines for people, none of which moves the cursor', async () => {
  const root = await tempFolder(), picture = join(root, 'a.jpg');
  vi.stubEnv('ATELIER_DATA', join(root, 'data'));
  await writeFile(picture, await jpeg(tiff('MM', {}, { UserComment: unicodeBe(text.replace('a cat', 'a \x1b[31mred\ncat')) })));
  const lines = (await inspectPicture(picture, false)).split('\n');
  expect(lines).toEqual([`file           ${picture}`, 'made with      AUTOMATIC1111', 'prompt         a  [31mred cat <lora:ink:0.5>', 'model          dream [0011223344]', 'sampler        Euler a, Normal', 'size           512×512',
    'loras          ink (0.5)', 'steps          20', 'seed           1', 'clipSkip       1', 'rng            nv', 'compat         a1111', '  TI hashes    glow: 998877665544',
    'not here       checkpoint dream [0011223344]', 'not here       lora ink', 'not here       embedding glow [998877665544]']);
});
