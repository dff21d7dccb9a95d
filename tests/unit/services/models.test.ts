// The registry of models: what it finds, what it leaves out, and what it says of files that cannot be used.
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Settings } from '../../../preload/contract/studio';
import type { ModelHashes } from '../../../main/services/hashes';
import { builtInModel, Models } from '../../../main/services/models/models';
import { openWeightFile } from '../../../main/worker/files';
import { stateDictFrom, torchZip } from '../../support/pickles';

const builtIn = builtInModel(join(import.meta.dirname, '../../../resources'));
let root: string, folder: string, settings: Settings, models: Models;
const cache = new Map<string, ModelHashes>();

const openModels = () => new Models({
  folder, builtIn,
  settings: { get: async () => settings, set: async (patch) => (settings = { ...settings, ...patch }) },
  hashCache: { get: (...key) => cache.get(key.join()) ?? null, set: (path, size, mtime, hashes) => { cache.set([path, size, mtime].join(), hashes); } },
});
/** A safetensors file of one small tensor. */
async function writeTensors(path: string, name = 'a', metadata: Record<string, string> = {}): Promise<void> {
  const header = Buffer.from(JSON.stringify({ __metadata__: metadata, [name]: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await writeFile(path, Buffer.concat([length, header, Buffer.alloc(4)]));
}
const names = async () => (await models.refresh()).map((entry) => entry.name);

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'atelier-models-'));
  folder = join(root, 'models');
  await mkdir(folder);
  settings = Settings.parse({});
  cache.clear();
  models = openModels();
});
afterEach(async () => { await models.close(); await rm(root, { recursive: true }); });

describe('the models', () => {
  it('of a first start are the built-in one, with its own size, words and settings', async () => {
    const [demo, ...rest] = await models.list();
    expect(rest).toEqual([]);
    expect(demo).toMatchObject({
      name: 'Atelier Mini', family: 'sd1', runnable: true, error: null, builtIn: true, nativeSize: { width: 128, height: 128 }, defaults: { steps: 25, cfg: 4 },
    });
    expect(demo!.examples).toContain('a red house on grass on a sunny day');
  });

  it('put own ones before the built-in one, and what cannot be used behind it', async () => {
    await copyFile(builtIn, join(folder, 'mine.safetensors'));
    await writeFile(join(folder, 'broken.safetensors'), 'not a model at all');
    expect((await models.list()).map((entry) => [entry.name, entry.runnable, entry.builtIn])).toEqual([
      ['mine', true, false], ['Atelier Mini', true, true], ['broken', false, false],
    ]);
  });

  it('are found in subfolders and behind links, once each; hidden and partial files are not', async () => {
    await mkdir(join(folder, 'sd1/portraits'), { recursive: true });
    await mkdir(join(folder, '.cache'));
    await copyFile(builtIn, join(folder, 'sd1/portraits/deep.safetensors'));
    await symlink(join(folder, 'sd1'), join(folder, 'link'));
    await symlink(folder, join(folder, 'sd1/loop'));
    for (const name of ['half.safetensors.part', 'half.safetensors.crdownload', 'half.safetensors.tmp', '.hidden.safetensors', '.cache/x.safetensors', 'notes.txt']) {
      await copyFile(builtIn, join(folder, name));
    }
    expect(await names()).toEqual(['deep', 'Atelier Mini']);
  });

  it('list a broken file with what is wrong and what to do', async () => {
    await writeFile(join(folder, 'cut.safetensors'), (await readFile(builtIn)).subarray(0, 1_000_000));
    const entry = (await models.list()).find(({ name }) => name === 'cut')!;
    expect(entry).toMatchObject({ runnable: false, error: { code: 'weights.truncated', message: expect.stringContaining('cut.safetensors') } });
    expect(entry.error!.hint).toBeTruthy();
    await expect(models.runnable(entry.id)).rejects.toMatchObject({ code: 'weights.truncated' });
  });

  it('list a file that is no model, and leave out what belongs beside a model', async () => {
    await writeTensors(join(folder, 'strange.safetensors'));
    await writeTensors(join(folder, 'style.safetensors'), 'emb_params');
    const listed = await models.list();
    expect(listed.map(({ name }) => name)).not.toContain('style');
    expect(listed.find(({ name }) => name === 'strange')?.error).toMatchObject({ code: 'model.notACheckpoint' });
  });

  it('are pickled ones too; what else is called .bin or .pt is left out', async () => {
    const demo = await openWeightFile(builtIn), pickled = torchZip(stateDictFrom(demo, await readFile(builtIn)));
    await writeFile(join(folder, 'old.ckpt'), pickled);
    await writeFile(join(folder, 'evil.ckpt'), 'cos\nsystem\n.');
    for (const name of ['optimizer.bin', 'scheduler.pt']) await writeFile(join(folder, name), 'not a model at all');
    const listed = await models.list();
    expect(listed.map((entry) => [entry.name, entry.runnable])).toEqual([['old', true], ['Atelier Mini', true], ['evil', false]]);
    expect(listed.at(-1)!.error).toMatchObject({ code: 'weights.forbiddenGlobal', message: expect.stringContaining('os.system') });
  });

  it('tell of a folder that is not there, and list the rest', async () => {
    settings = { ...settings, modelFolders: [join(root, 'drive')] };
    const listed = await models.list();
    expect(listed.at(-1)).toMatchObject({ name: 'drive', runnable: false, error: { code: 'file.notFound', message: expect.stringContaining(join(root, 'drive')) } });
    expect(listed[0]!.builtIn).toBe(true);
  });

  it('can be added by folder or by file, and stay where they are', async () => {
    await mkdir(join(root, 'elsewhere'));
    const path = join(root, 'elsewhere/own.safetensors');
    await copyFile(builtIn, path);
    expect(await models.add(path)).toMatchObject([{ name: 'own', path, builtIn: false }]);
    expect(settings.modelFiles).toEqual([path]);
    expect(await models.add(path)).toHaveLength(1);
    expect(settings.modelFiles).toEqual([path]);
    expect(await models.add(join(root, 'elsewhere'))).toMatchObject([{ name: 'own' }]);
    expect(settings.modelFolders).toEqual([join(root, 'elsewhere')]);
    models = openModels();                                    // and are there after a restart
    expect(await names()).toEqual(['own', 'Atelier Mini']);
  });

  it('refuse to add what is not there, what is no model file, and what is broken', async () => {
    await writeFile(join(root, 'photo.png'), 'x');
    await writeFile(join(root, 'broken.safetensors'), 'x');
    await expect(models.add(join(root, 'nope.safetensors'))).rejects.toMatchObject({ code: 'file.notFound' });
    await expect(models.add(join(root, 'photo.png'))).rejects.toMatchObject({ code: 'model.notACheckpoint' });
    await expect(models.add(join(root, 'broken.safetensors'))).rejects.toMatchObject({ code: expect.stringMatching(/^weights\./) });
    expect(settings.modelFiles).toEqual([]);
  });

  it('get their hash in the background, and keep it while the file stays the same', async () => {
    const [demo] = await models.list();
    const sha256 = createHash('sha256').update(await readFile(builtIn)).digest('hex');
    expect(await models.hash(demo!.id)).toBe(sha256);
    expect((await models.list())[0]!.hash).toBe(sha256);
    expect((await models.inspect(demo!.id)).hashes).toMatchObject({ sha256, autov2: sha256.slice(0, 10) });
    await models.close();
    models = openModels();
    expect((await models.list())[0]!.hash).toBe(sha256);      // from the cache, at once
  });

  it('are read again when their file has changed', async () => {
    const path = join(folder, 'm.safetensors');
    await copyFile(builtIn, path);
    const { id } = (await models.list()).find(({ name }) => name === 'm')!;
    await models.hash(id);
    await writeFile(path, 'overwritten');
    await utimes(path, new Date(), new Date(Date.now() + 5000));
    await expect(models.runnable(id)).rejects.toMatchObject({ code: expect.stringMatching(/^weights\./) });
    await rm(path);
    await expect(models.runnable(id)).rejects.toMatchObject({ code: 'model.notFound' });
  });

  it('are found without a refresh when a job names one that was just put there', async () => {
    await models.list();
    const path = join(folder, 'new.safetensors');
    await copyFile(builtIn, path);
    const other = openModels();
    const { id } = (await other.list()).find(({ name }) => name === 'new')!;
    await other.close();
    expect(await models.runnable(id)).toMatchObject({ path });
  });
});
