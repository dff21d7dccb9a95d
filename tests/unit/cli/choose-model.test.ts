// `--model`: a file, a diffusers folder, a name or the beginning of a hash, and clear words when it is none of them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { usualSettings, type ModelEntry } from '../../../preload/contract/model';
import { chooseModel } from '../../../main/cli/choose-model';
import { refusalOf } from '../../support/words';

const folder = mkdtempSync(join(tmpdir(), 'atelier-models-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entry = (name: string, patch: Partial<ModelEntry> = {}): ModelEntry => ({
  id: `id-${name}`, kind: 'checkpoint', lacks: [], besideVae: null, parts: { vae: null, textEncoders: [] }, name, path: `/models/${name}.safetensors`, sizeBytes: 1, hash: null, family: 'sd1', variant: 'base', prediction: 'eps', predictionDoubtful: false,
  runnable: true, error: null, nativeSize: { width: 512, height: 512 }, examples: [], defaults: usualSettings, builtIn: false, ...patch,
});
const known = [
  entry('dreamshaper', { hash: 'abcd1111'.padEnd(64, '0') }), entry('deadbeef'), entry('twin', { hash: 'abcd2222'.padEnd(64, '0') }),
  entry('atelier-mini', { builtIn: true }), entry('bigflux', { family: 'flux', runnable: false }), entry('pickled', { path: '/models/pickled.v1.ckpt' }),
  entry('cut', { runnable: false, error: { code: 'weights.truncated', data: { why: 'empty', file: '/models/cut.safetensors' } } }),
];
const models = {
  list: async () => known,
  add: async (path: string) => [entry('other', { path: '/elsewhere' }), entry('added', { path })],
  known: async () => known.map((entry) => ({ entry, hashes: entry.hash === null ? null : { sha256: entry.hash, autov1: '12345678', autov2: entry.hash.slice(0, 10), autov3: `${entry.hash.slice(4, 8)}00000000` } })),
} as unknown as Parameters<typeof chooseModel>[0];
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
  expect(await refusalOf(choose('abcd'))).toMatchObject({ code: 'model.notFound', message: expect.stringMatching(/dreamshaper.*twin/) });
});
test('a hash of another kind, as sites give them', async () => expect((await choose('22220000')).name).toBe('twin'));
describe('a name that several files have', () => {
  const meadows = ['a', 'b', 'b/old'].map((place) => entry('meadow', { id: place, path: `/models/${place}/meadow.safetensors`, folder: place }));
  const chooseOf = (wanted: string, files: readonly ModelEntry[] = meadows, hash = (_: ModelEntry): string | null => null) => chooseModel({
    ...models, list: async () => [...files], known: async () => files.map((each) => { const sha256 = hash(each)?.padEnd(64, '0'); return { entry: each, hashes: sha256 ? { sha256, autov1: 'aaaaaaaa', autov2: sha256.slice(0, 10), autov3: 'bbbbbbbbbbbb' } : null }; }),
  }, wanted);
  test('names them all, by what tells them apart', async () => {
    const refused = await refusalOf(chooseOf('meadow'));
    expect(refused).toMatchObject({ code: 'model.notFound', message: expect.stringContaining('a/meadow.safetensors'), hint: expect.stringContaining('folder') });
    expect(refused.message).toMatch(/b\/meadow\.safetensors.*b\/old\/meadow\.safetensors/);
    expect(await refusalOf(chooseOf('Meadow.safetensors', meadows, ({ id }) => (id === 'a' ? '1' : '2')))).toMatchObject({ code: 'model.notFound' });
  });
  test.each([['a/meadow', 'a'], ['b/meadow', 'b'], ['b\\meadow.safetensors', 'b'], ['old/meadow', 'b/old'], ['B/OLD/Meadow', 'b/old'], ['models/b/meadow', 'b']])('is one with its folder: %s', async (wanted, id) => {
    expect((await chooseOf(wanted)).id).toBe(id);
  });
  test('is one where they are copies', async () => expect((await chooseOf('meadow', meadows, () => '7')).id).toBe('a'));
});
test('a file is added where it is', async () => {
  const path = join(folder, 'mine.safetensors');
  writeFileSync(path, '');
  expect((await choose(path)).path).toBe(path);
});
test('a diffusers folder is added where it is; any other folder is no model', async () => {
  const path = join(folder, 'my-folder');
  mkdirSync(path);
  expect(await refusalOf(choose(path))).toMatchObject({ code: 'model.notFound', message: expect.stringContaining(path) });
  writeFileSync(join(path, 'model_index.json'), '{}');
  expect((await choose(path)).path).toBe(path);
});
test('what holds no model is refused by its path', async () => {
  const path = join(folder, 'empty.safetensors');
  writeFileSync(path, '');
  const empty = { ...models, add: async () => [] };
  expect(await refusalOf(chooseModel(empty, path))).toMatchObject({ code: 'model.notACheckpoint', message: expect.stringContaining('empty.safetensors'), hint: expect.stringContaining('diffusers folder') });
});
test('a slip of the pen gets a suggestion, anything else the list', async () => {
  expect(await refusalOf(choose('dreamshapr'))).toMatchObject({ code: 'model.notFound', hint: 'Did you mean dreamshaper?' });
  expect(await refusalOf(choose('nothing-like-it'))).toMatchObject({ code: 'model.notFound', hint: expect.stringContaining('atelier-mini') });
});
test('a model that cannot run says why', async () => {
  expect(await refusalOf(choose('bigflux'))).toMatchObject({ code: 'model.unsupported', message: expect.stringContaining('flux'), hint: expect.stringContaining('XL') });
  expect(await refusalOf(choose('cut'))).toMatchObject({ code: 'weights.truncated', message: expect.stringContaining('cut.safetensors') });
});
test('the flag that asks is the one that is named', async () => {
  expect(await refusalOf(choose('nothing-like-it', '--refiner'))).toMatchObject({ message: expect.stringMatching(/^--refiner nothing-like-it /) });
  expect(await refusalOf(choose('abcd', '--refiner'))).toMatchObject({ message: expect.stringMatching(/^--refiner abcd /) });
  const none = { ...models, list: async () => [] };
  expect(await refusalOf(chooseModel(none, undefined, '--refiner'))).toMatchObject({ code: 'model.notFound', hint: expect.stringContaining('--refiner FILE') });
  expect(await refusalOf(choose('nothing-like-it'))).toMatchObject({ message: expect.stringMatching(/^--model nothing-like-it /) });
});
