// `--model`: a file, a diffusers folder, a name or the beginning of a hash, and clear words when it is none of them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { usualSettings, type ModelEntry } from '../../../preload/contract/model';
import type { Studio } from '../../../main/api/studio';
import { chooseModel } from '../../../main/cli/choose-model';

const folder = mkdtempSync(join(tmpdir(), 'atelier-models-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entry = (name: string, patch: Partial<ModelEntry> = {}): ModelEntry => ({
  id: `id-${name}`, kind: 'checkpoint', lacks: [], besideVae: null, parts: { vae: null, textEncoders: [] }, name, path: `/models/${name}.safetensors`, sizeBytes: 1, hash: null, family: 'sd1', variant: 'base', prediction: 'eps', predictionDoubtful: false,
  runnable: true, error: null, nativeSize: { width: 512, height: 512 }, examples: [], defaults: usualSettings, builtIn: false, ...patch,
});
const known = [
  entry('dreamshaper', { hash: 'abcd1111'.padEnd(64, '0') }), entry('deadbeef'), entry('twin', { hash: 'abcd2222'.padEnd(64, '0') }),
  entry('atelier-mini', { builtIn: true }), entry('bigflux', { family: 'flux', runnable: false }), entry('pickled', { path: '/models/pickled.v1.ckpt' }),
  entry('cut', { runnable: false, error: { code: 'weights.truncated', message: '/models/cut.safetensors ends too early' } }),
];
const models = {
  list: async () => known,
  add: async (path: string) => [entry('other', { path: '/elsewhere' }), entry('added', { path })],
} as unknown as Studio['models'];
const choose = (wanted?: string, flag?: string) => chooseModel(models, wanted, flag);

test('without a name, the model that ships with Atelier', async () => expect((await choose()).name).toBe('atelier-mini'));
test('a name, in any case, with or without its ending', async () => {
  expect((await choose('DreamShaper')).name).toBe('dreamshaper');
  expect((await choose('dreamshaper.safetensors')).name).toBe('dreamshaper');
  expect((await choose('Pickled.v1.CKPT')).name).toBe('pickled');
});
test('the beginning of a hash that fits one model', async () => expect((await choose('ABCD1')).name).toBe('dreamshaper'));
test('a name that looks like a hash is a name', async () => expect((await choose('deadbeef')).name).toBe('deadbeef'));
test('a beginning that fits two models names both', async () => {
  await expect(choose('abcd')).rejects.toMatchObject({ code: 'model.notFound', message: expect.stringMatching(/dreamshaper.*twin/) });
});
test('a file is added where it is', async () => {
  const path = join(folder, 'mine.safetensors');
  writeFileSync(path, '');
  expect((await choose(path)).path).toBe(path);
});
test('a diffusers folder is added where it is; any other folder is no model', async () => {
  const path = join(folder, 'my-folder');
  mkdirSync(path);
  await expect(choose(path)).rejects.toMatchObject({ code: 'model.notFound', message: expect.stringContaining(path) });
  writeFileSync(join(path, 'model_index.json'), '{}');
  expect((await choose(path)).path).toBe(path);
});
test('what holds no model is refused by its path', async () => {
  const path = join(folder, 'empty.safetensors');
  writeFileSync(path, '');
  const empty = { ...models, add: async () => [] };
  await expect(chooseModel(empty, path)).rejects.toMatchObject({ code: 'model.notACheckpoint', message: expect.stringContaining(path), hint: expect.stringContaining('diffusers folder') });
});
test('a slip of the pen gets a suggestion, anything else the list', async () => {
  await expect(choose('dreamshapr')).rejects.toMatchObject({ code: 'model.notFound', hint: 'Did you mean dreamshaper?' });
  await expect(choose('nothing-like-it')).rejects.toMatchObject({ code: 'model.notFound', hint: expect.stringContaining('atelier-mini') });
});
test('a model that cannot run says why', async () => {
  await expect(choose('bigflux')).rejects.toMatchObject({ code: 'model.unsupportedFamily', message: expect.stringContaining('flux'), hint: expect.stringContaining('XL') });
  await expect(choose('cut')).rejects.toMatchObject({ code: 'weights.truncated', message: expect.stringContaining('cut.safetensors') });
});
test('the flag that asks is the one that is named', async () => {
  await expect(choose('nothing-like-it', '--refiner')).rejects.toMatchObject({ message: expect.stringMatching(/^--refiner nothing-like-it /) });
  await expect(choose('abcd', '--refiner')).rejects.toMatchObject({ message: expect.stringMatching(/^--refiner abcd /) });
  const none = { ...models, list: async () => [] };
  await expect(chooseModel(none, undefined, '--refiner')).rejects.toMatchObject({ code: 'model.notFound', hint: expect.stringContaining('--refiner FILE') });
  await expect(choose('nothing-like-it')).rejects.toMatchObject({ message: expect.stringMatching(/^--model nothing-like-it /) });
});
