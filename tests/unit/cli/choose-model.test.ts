// `--model`: a file, a name or the beginning of a hash, and clear words when it is none of them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { ModelEntry } from '../../../preload/contract/model';
import type { Studio } from '../../../main/api/studio';
import { chooseModel } from '../../../main/cli/choose-model';

const folder = mkdtempSync(join(tmpdir(), 'atelier-models-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const entry = (name: string, patch: Partial<ModelEntry> = {}): ModelEntry => ({
  id: `id-${name}`, name, path: `/models/${name}.safetensors`, sizeBytes: 1, hash: null, family: 'sd1', runnable: true, error: null,
  nativeSize: { width: 512, height: 512 }, examples: [], defaults: {}, builtIn: false, ...patch,
});
const known = [
  entry('dreamshaper', { hash: 'abcd1111'.padEnd(64, '0') }), entry('deadbeef'), entry('twin', { hash: 'abcd2222'.padEnd(64, '0') }),
  entry('atelier-mini', { builtIn: true }), entry('bigxl', { family: 'sdxl', runnable: false }),
  entry('cut', { runnable: false, error: { code: 'weights.truncated', message: '/models/cut.safetensors ends too early' } }),
];
const models = {
  list: async () => known,
  add: async (path: string) => [entry('other', { path: '/elsewhere' }), entry('added', { path })],
} as unknown as Studio['models'];
const choose = (wanted?: string) => chooseModel(models, wanted);

test('without a name, the model that ships with Atelier', async () => expect((await choose()).name).toBe('atelier-mini'));
test('a name, in any case, with or without its ending', async () => {
  expect((await choose('DreamShaper')).name).toBe('dreamshaper');
  expect((await choose('dreamshaper.safetensors')).name).toBe('dreamshaper');
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
test('a slip of the pen gets a suggestion, anything else the list', async () => {
  await expect(choose('dreamshapr')).rejects.toMatchObject({ code: 'model.notFound', hint: 'Did you mean dreamshaper?' });
  await expect(choose('nothing-like-it')).rejects.toMatchObject({ code: 'model.notFound', hint: expect.stringContaining('atelier-mini') });
});
test('a model that cannot run says why', async () => {
  await expect(choose('bigxl')).rejects.toMatchObject({ code: 'model.unsupportedFamily', message: expect.stringContaining('sdxl') });
  await expect(choose('cut')).rejects.toMatchObject({ code: 'weights.truncated', message: expect.stringContaining('cut.safetensors') });
});
