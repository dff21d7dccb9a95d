// The registry of models: what it finds, what it leaves out, and what it says of files that cannot be used.
import { createHash } from 'node:crypto';
import { copyFile, cp, mkdir, mkdtemp, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Settings } from '../../../preload/contract/studio';
import type { ModelHashes } from '../../../main/services/models/file-hashes';
import type { AppError } from '../../../main/engine/errors';
import { builtInModel, Models } from '../../../main/services/models/models';
import { scanFolders } from '../../../main/services/models/scan';
import { SettingsStore } from '../../../main/services/data/settings';
import { controlNetTensors } from '../../../main/engine/families/network-tensors';
import { openWeightFile } from '../../../main/files/weight-file';
import { below, folderOf, partOf, randomCheckpoint, randomFamilyCheckpoint, tinyFamilies } from '../../support/checkpoints';
import { upscalers } from '../../support/networks';
import { stateDictFrom, torchZip } from '../../support/pickles';
import { writeWeights } from '../../support/weights';
import { refusalOf } from '../../support/words';

const builtIn = builtInModel(join(import.meta.dirname, '../../../resources'));
let root: string, folder: string, settings: Settings, models: Models;
const cache = new Map<string, ModelHashes>();

const openModels = () => new Models({
  folder, builtIn,
  settings: { get: async () => settings, change: async (patch) => (settings = { ...settings, ...patch(settings) }) },
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
    expect(entry).toMatchObject({ runnable: false, error: { code: 'weights.truncated', data: { why: 'tensors', file: join(folder, 'cut.safetensors') } } });
    await expect(models.runnable({ model: entry.id })).rejects.toMatchObject({ code: 'weights.truncated' });
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
    expect(listed.at(-1)!.error).toMatchObject({ code: 'weights.forbiddenGlobal', data: { global: 'os.system' } });
  });

  it('tell of a folder that is not there, and list the rest', async () => {
    settings = { ...settings, modelFolders: [join(root, 'drive')] };
    const listed = await models.list();
    expect(listed.at(-1)).toMatchObject({ name: 'drive', runnable: false, error: { code: 'folder.notFound', data: { folder: join(root, 'drive') } } });
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

  it('are all kept when many are added at once', async () => {
    const folders = Array.from({ length: 12 }, (_, i) => join(root, `elsewhere/${i}`));
    for (const each of folders) {
      await mkdir(each, { recursive: true });
      await copyFile(builtIn, join(each, 'own.safetensors'));
    }
    const store = new SettingsStore(root), at = new Models({ folder, builtIn, settings: store, hashCache: { get: () => null, set: () => {} } });
    await Promise.all(folders.map((each, i) => at.add(i % 2 ? each : join(each, 'own.safetensors'))));
    await at.close();
    const { modelFiles, modelFolders } = await new SettingsStore(root).get();
    expect([...modelFiles, ...modelFolders.map((each) => join(each, 'own.safetensors'))].sort()).toEqual(folders.map((each) => join(each, 'own.safetensors')).sort());
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
    await expect(models.runnable({ model: id })).rejects.toMatchObject({ code: expect.stringMatching(/^weights\./) });
    await rm(path);
    await expect(models.runnable({ model: id })).rejects.toMatchObject({ code: 'model.notFound' });
  });

  it('are looked for by one scan for all who ask at once, also for what is not there', async () => {
    let scans = 0;      // each asks for the settings once
    const at = new Models({ folder, builtIn, settings: { get: async () => { scans++; return settings; }, change: async () => settings }, hashCache: { get: () => null, set: () => {} } });
    await at.known();
    const asked = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => at.inspect(`unknown${i}`)));
    expect(asked.every((answer) => answer.status === 'rejected' && (answer.reason as AppError).code === 'model.notFound')).toBe(true);
    expect(scans).toBe(2);
    await at.close();
  });

  it('are looked for again after a scan that failed', async () => {
    let fails = true;
    const at = new Models({ folder, builtIn, settings: { get: async () => { if (fails) throw new Error('no handle'); return settings; }, change: async () => settings }, hashCache: { get: () => null, set: () => {} } });
    await expect(at.list()).rejects.toThrow('no handle');
    fails = false;
    expect(await at.list()).toHaveLength(1);
    await at.close();
  });

  it('of a folder with far too much in it are those among the first, and that is said', async () => {
    for (let i = 0; i < 40; i++) await writeFile(join(folder, `${i}.txt`), '');
    expect(await scanFolders([folder], 30)).toMatchObject({ unreachable: [{ folder, error: { code: 'folder.tooLarge', data: { most: 30 } } }] });
    expect((await scanFolders(['/'], 2000)).unreachable).toMatchObject([{ folder: '/', error: { code: 'folder.tooLarge' } }]);
    await symlink('/', join(folder, 'everything'));
    expect((await scanFolders([folder, join(folder, '.'), folder], 2000)).unreachable).toHaveLength(1);
  });

  it('get their hash though it cannot be remembered', async () => {
    const at = new Models({ folder, builtIn, settings: { get: async () => settings, change: async () => settings }, hashCache: { get: () => null, set: () => { throw new Error('disk full'); } } });
    expect(await at.hash((await at.list())[0]!.id)).toMatch(/^[0-9a-f]{64}$/);
    await at.close();
  });

  it('are found without a refresh when a job names one that was just put there', async () => {
    await models.list();
    const path = join(folder, 'new.safetensors');
    await copyFile(builtIn, path);
    const other = openModels();
    const { id } = (await other.list()).find(({ name }) => name === 'new')!;
    await other.close();
    expect(await models.runnable({ model: id })).toMatchObject({ path });
  });
});

describe("diffusers' folders", () => {
  const parts = ['unet/diffusion_pytorch_model', 'vae/diffusion_pytorch_model', 'text_encoder/model'].map((name) => `${name}.safetensors`);
  const hashOf = async (path: string) => {
    const sha = createHash('sha256');
    for (const part of parts) sha.update(await readFile(join(path, part)));
    return sha.digest('hex');
  };
  const find = async (name: string) => (await models.refresh()).find((entry) => entry.name === name)!;
  const put = async (name: string, seed = 1) => {
    const path = join(folder, name);
    await cp(await folderOf(await randomCheckpoint({ seed })), path, { recursive: true });
    return path;
  };

  it('are one model each, by the name of the folder, and a hash over all weight files', async () => {
    const path = await put('my.model v1.5');
    expect(await names()).toEqual(['my.model v1.5', 'Atelier Mini']);
    const entry = await find('my.model v1.5');
    const sizes = await Promise.all(parts.map(async (part) => (await readFile(join(path, part))).length));
    expect(entry).toMatchObject({ path, family: 'sd1', runnable: true, error: null, sizeBytes: sizes.reduce((sum, size) => sum + size) + '{}'.length });
    expect(await models.hash(entry.id)).toBe(await hashOf(path));
    expect((await models.inspect(entry.id)).hashes!.sha256).toBe(await hashOf(path));
    expect(await models.runnable({ model: entry.id })).toMatchObject({ name: 'my.model v1.5', path, hash: await hashOf(path) });
  });

  it('are told by their networks where model_index.json was left out', async () => {
    await rm(join(await put('bare'), 'model_index.json'));
    expect(await names()).toEqual(['bare', 'Atelier Mini']);
  });

  it('with one U-Net and two autoencoders are two models', async () => {
    const [one, two] = [await put('one'), await put('two')];
    await copyFile(join(await folderOf(await randomCheckpoint({ seed: 2 })), parts[1]!), join(two, parts[1]!));
    const hashes = [await models.hash((await find('one')).id), await models.hash((await find('two')).id)];
    expect(hashes).toEqual([await hashOf(one), await hashOf(two)]);
    expect(hashes[0]).not.toBe(hashes[1]);
  });

  it('are hashed again when a file in them has changed', async () => {
    const path = await put('changing'), { id } = await find('changing');
    const before = await models.hash(id);
    const vae = join(path, parts[1]!);
    await copyFile(join(await folderOf(await randomCheckpoint({ seed: 2 })), parts[1]!), vae);
    await utimes(vae, new Date(), new Date(Date.now() + 5000));
    expect(await models.hash(id)).toBe(await hashOf(path));
    expect(await models.hash(id)).not.toBe(before);
  });

  it('in the cache of Hugging Face are called as there, with files that are links', async () => {
    const cached = join(folder, 'models--someone--dream-shaper'), snapshot = join(cached, 'snapshots', '0123456789abcdef');
    await mkdir(join(cached, 'blobs'), { recursive: true });
    await mkdir(join(cached, 'snapshots'));
    await rename(await folderOf(await randomCheckpoint()), snapshot);
    for (const [i, part] of parts.entries()) {
      await rename(join(snapshot, part), join(cached, 'blobs', `blob${i}`));
      await symlink(join('../../../blobs', `blob${i}`), join(snapshot, part));
    }
    expect(await names()).toEqual(['dream-shaper', 'Atelier Mini']);
    expect(await models.hash((await find('dream-shaper')).id)).toBe(await hashOf(snapshot));
  });

  it('can be added from anywhere as one model, and stay where they are', async () => {
    const path = join(root, 'elsewhere');
    await rename(await folderOf(await randomCheckpoint()), path);
    expect(await models.add(path)).toMatchObject([{ name: 'elsewhere', path, runnable: true, builtIn: false }]);
    expect([settings.modelFiles, settings.modelFolders]).toEqual([[path], []]);
    expect(await models.add(path)).toHaveLength(1);
    expect(settings.modelFiles).toEqual([path]);
    models = openModels();
    expect(await names()).toEqual(['elsewhere', 'Atelier Mini']);
  });

  it('that lack a network say which, and cannot be added', async () => {
    const path = await put('partial');
    await rm(join(path, 'vae'), { recursive: true });
    expect(await find('partial')).toMatchObject({ runnable: false, error: { code: 'model.notACheckpoint', data: { why: 'folder', part: 'vae' } } });
    await rename(path, join(root, 'partial'));
    await models.refresh();
    await expect(models.add(join(root, 'partial'))).rejects.toMatchObject({ code: 'model.notACheckpoint' });
    expect(settings.modelFiles).toEqual([]);
  });
});

describe('a model', () => {
  const put = async (name: string, source: Promise<string>) => { await copyFile(await source, join(folder, `${name}.safetensors`)); };
  const find = async (name: string) => (await models.refresh()).find((entry) => entry.name === name)!;

  it('that only finishes pictures comes after all that can begin one', async () => {
    await put('a refiner', randomFamilyCheckpoint(tinyFamilies['sdxl-refiner']));
    await put('xl', randomFamilyCheckpoint(tinyFamilies.sdxl));
    await writeFile(join(folder, 'a broken one.safetensors'), 'not a model at all');
    expect((await models.list()).map(({ name, family, runnable }) => [name, family, runnable])).toEqual([
      ['xl', 'sdxl', true], ['Atelier Mini', 'sd1', true], ['a refiner', 'sdxl-refiner', true], ['a broken one', null, false],
    ]);
    expect((await find('a refiner')).nativeSize).toEqual({ width: 1024, height: 1024 });
  });

  it('that leaves open what it predicts says so, until the user does', async () => {
    await put('sd2', randomFamilyCheckpoint(tinyFamilies.sd2));
    const { id, ...open } = await find('sd2');
    expect(open).toMatchObject({ prediction: 'v', predictionDoubtful: true, nativeSize: { width: 768, height: 768 } });
    expect((await models.runnable({ model: id })).prediction).toBeUndefined();

    settings = { ...settings, modelSettings: { [id]: { prediction: 'eps' } } };
    expect(await find('sd2')).toMatchObject({ prediction: 'eps', nativeSize: { width: 512, height: 512 } });
    expect((await models.runnable({ model: id })).prediction).toBe('eps');
    const [demo] = (await models.list()).filter(({ builtIn }) => builtIn);
    expect(demo).toMatchObject({ prediction: 'eps', predictionDoubtful: false });
    expect((await models.runnable({ model: demo!.id })).prediction, 'settings are one model\'s own').toBeUndefined();
  });

  it('keeps its stated size whatever it is said to predict', async () => {
    const { id } = (await models.list())[0]!;
    settings = { ...settings, modelSettings: { [id]: { prediction: 'v' } } };
    expect((await models.list())[0]).toMatchObject({ prediction: 'v', nativeSize: { width: 128, height: 128 } });
  });

  it('without settings of its own has those that suit most', async () => {
    await put('plain', randomCheckpoint());
    expect((await find('plain')).defaults).toEqual({ steps: 24, cfg: 7, sampler: 'dpmpp_2m', schedule: 'karras' });
  });

  it('tells its family and what a picture costs, more for a larger one', async () => {
    const { family, cost } = await models.runnable({ model: (await models.list())[0]!.id });
    expect(family).toBe('sd1');
    const [small, large] = [cost(64, 64), cost(128, 128)];
    expect(small.unetFlops).toBeGreaterThan(1e6);
    for (const part of ['unetFlops', 'decodeFlops'] as const) expect(large[part] / small[part], part).toSatisfy((times: number) => times > 3 && times < 16);
  });
});

describe('files that stand in for a part of a model', () => {
  const taesd = join(import.meta.dirname, '../../golden/cases/taesd_tiny/taesd_decoder.safetensors');
  let checkpoint: string;
  const put = async (name: string, from: string) => {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await copyFile(from, join(folder, name));
    return (await models.refresh(), await models.parts()).find(({ path }) => path === join(folder, name))?.id ?? (await models.list()).find(({ path }) => path === join(folder, name))!.id;
  };
  const vaeOf = (path: string) => partOf(path, 'vae.safetensors', below('first_stage_model.'));
  beforeEach(async () => { checkpoint = await randomCheckpoint(); });

  /** Those that come along stand behind the user's. */
  async function ownParts() {
    const parts = await models.parts(), own = parts.filter(({ builtIn }) => !builtIn);
    expect(parts.slice(own.length).map(({ name, kind, scale }) => [name, kind, scale])).toEqual([2, 3, 4].map((scale) => [`ESRGAN slim ×${scale}`, 'upscaler', scale]));
    return own;
  }

  it('are listed by themselves, not among the models, and by the name of their folder where their own says nothing', async () => {
    await put('VAE/fine.safetensors', await vaeOf(checkpoint));
    await put('sd-vae-ft-mse/diffusion_pytorch_model.safetensors', await vaeOf(checkpoint));
    await put('taesd_decoder.safetensors', taesd);
    await put('clip_l.safetensors', await partOf(checkpoint, 'text.safetensors', below('cond_stage_model.transformer.')));
    expect((await ownParts()).map(({ name, kind }) => [name, kind])).toEqual([['clip_l', 'text-encoder'], ['fine', 'vae'], ['sd-vae-ft-mse', 'vae'], ['taesd_decoder', 'taesd']]);
    expect(await names()).toEqual(['Atelier Mini']);
  });

  it('and so are LoRAs, controls and upscalers, with what they say of the models that they are for', async () => {
    const ones = (...dims: number[]) => ({ dims, values: Array.from({ length: dims.reduce((a, b) => a * b) }, () => 1) }), layer = 'lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn';
    const lora = (name: string, inputs: number, metadata = {}) => writeWeights({ [`${layer}${name}.lora_down.weight`]: ones(2, inputs), [`${layer}${name}.lora_up.weight`]: ones(8, 2) }, metadata);
    await put('felt.safetensors', lora('2_to_k', 768, { 'modelspec.trigger_phrase': 'felt, wool' }));
    await put('unsure.safetensors', lora('1_to_k', 8));
    await put('edges.safetensors', writeWeights(Object.fromEntries([...controlNetTensors({ ...tinyFamilies.sdxl.unet, contextDim: 2048 }), ['task_embedding', [8, 64]] as const].map(([name, dims]) => [name, ones(...dims)]))));
    await put('larger.safetensors', writeWeights(Object.fromEntries(upscalers['rrdb x4']!.map(([name, dims]) => [name, ones(...dims)]))));
    expect((await ownParts()).map(({ name, kind, madeFor, trainedWords, controlKinds }) => [name, kind, madeFor, trainedWords ?? controlKinds])).toEqual([
      ['edges', 'controlnet', 'sdxl', 8], ['felt', 'lora', 'sd1', ['felt', 'wool']], ['larger', 'upscaler', undefined, undefined], ['unsure', 'lora', undefined, undefined],
    ]);
    expect(await names()).toEqual(['Atelier Mini']);
  });

  it('are used where a job names them, with the cost of what they compute; null is the model\'s own', async () => {
    const model = await put('m.safetensors', checkpoint), vae = await put('fine.safetensors', await vaeOf(checkpoint)), tiny = await put('taesd_decoder.safetensors', taesd);
    const plain = await models.runnable({ model }), fine = await models.runnable({ model, vae }), fast = await models.runnable({ model, vae: tiny });
    expect([plain.parts.vae, fine.parts.vae, fast.parts.vae?.path]).toEqual([undefined, { id: vae, name: 'fine.safetensors', path: join(folder, 'fine.safetensors'), hash: null }, join(folder, 'taesd_decoder.safetensors')]);
    expect(fine.sizeBytes).toBeGreaterThan(plain.sizeBytes);
    expect(fine.cost(64, 64)).toEqual(plain.cost(64, 64));
    expect(fast.cost(64, 64).unetFlops).toBe(plain.cost(64, 64).unetFlops);
    expect(fast.cost(64, 64).decodeFlops).not.toBe(plain.cost(64, 64).decodeFlops);
    settings = { ...settings, modelSettings: { [model]: { vae } } };
    expect((await models.runnable({ model })).parts.vae?.id).toBe(vae);
    expect((await models.list()).find(({ id }) => id === model)!.parts).toEqual({ vae, textEncoders: [] });
    expect((await models.runnable({ model, vae: null })).parts).toEqual({});
  });

  it('a VAE of the model\'s name beside it is used by itself, unless the settings say otherwise', async () => {
    const model = await put('anime.safetensors', checkpoint), vae = await put('anime.vae.safetensors', await vaeOf(checkpoint));
    expect((await models.runnable({ model })).parts.vae).toMatchObject({ id: vae, name: 'anime.vae.safetensors' });
    settings = { ...settings, modelSettings: { [model]: { vae: null } } };
    expect((await models.runnable({ model })).parts.vae).toBeUndefined();
  });

  it('make a model of a U-Net alone, which says what it lacks until then', async () => {
    const model = await put('unet.safetensors', await partOf(checkpoint, 'unet.safetensors', below('model.diffusion_model.')));
    const entry = (await models.list()).find(({ id }) => id === model)!;
    expect(entry).toMatchObject({ kind: 'unet', runnable: true, error: null, lacks: ['text-encoder', 'vae'] });
    expect(await refusalOf(models.runnable({ model }))).toMatchObject({ code: 'model.lacks', message: 'unet.safetensors has no text encoder and VAE inside', hint: expect.stringContaining('for it') });
    const vae = await put('fine.safetensors', await vaeOf(checkpoint)), text = await put('clip_l.safetensors', await partOf(checkpoint, 'text.safetensors', below('cond_stage_model.transformer.')));
    expect(await models.runnable({ model, vae, textEncoders: [text] })).toMatchObject({ family: 'sd1', parts: { textEncoders: [{ id: text, name: 'clip_l' }] } });
  });

  it('that are gone or are something else end in words that name them', async () => {
    const model = await put('m.safetensors', checkpoint), vae = await put('fine.safetensors', await vaeOf(checkpoint));
    await expect(models.runnable({ model, vae: model })).resolves.toMatchObject({ parts: { vae: { id: model } } });      // a checkpoint's own is a VAE, too
    expect(await refusalOf(models.file(vae, 'upscaler'))).toMatchObject({ code: 'model.wrongPart', message: 'fine.safetensors is an autoencoder (VAE) and cannot serve as upscaler' });
    expect(await refusalOf(models.runnable({ model, textEncoders: [vae] }))).toMatchObject({ code: 'model.wrongPart', message: 'fine.safetensors is no text encoder' });
    await rm(join(folder, 'fine.safetensors'));
    expect(await refusalOf(models.runnable({ model, vae }))).toMatchObject({ code: 'model.notFound', message: 'The VAE that was chosen for m is not there any more' });
  });

  it('may be added by their path', async () => {
    const path = await vaeOf(checkpoint);
    expect(await models.add(path)).toMatchObject([{ kind: 'vae', path }]);
    expect(settings.modelFiles).toEqual([path]);
  });

  it('a TAESD shows the steps of its own family', async () => {
    expect(await models.previewDecoder('sd1')).toBeNull();
    await put('taesdxl_decoder.safetensors', taesd);
    expect([await models.previewDecoder('sd1'), await models.previewDecoder('sdxl')]).toEqual([null, join(folder, 'taesdxl_decoder.safetensors')]);
    await put('vae_approx/taesd_decoder.safetensors', taesd);
    expect(await models.previewDecoder('sd2')).toBe(join(folder, 'vae_approx/taesd_decoder.safetensors'));
  });
});
