// What the system does not let us look at just now is no answer: nothing is taken for gone, empty or unreadable for good because of it.
import { copyFile, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openModelFolder } from '../../main/files/model-folder';
import { stampOf } from '../../main/files/stamp';
import { builtInModel, Models } from '../../main/services/models/models';
import { openPromptFiles } from '../../main/services/prompts/prompt-files';
import { openEmbeddings } from '../../main/worker/embeddings/embeddings';
import { Settings } from '../../preload/contract/studio';
import { folderOf, randomCheckpoint } from '../support/checkpoints';
import { failing } from '../support/failing-calls';
import { job, noise, openLibrary, tempFolder } from '../support/pictures';
import { writeWeights } from '../support/weights';
import { painted } from '../support/painted';

const builtIn = builtInModel(join(import.meta.dirname, '../../resources'));
const vocabulary = { encode: (text: string) => [...text].map((letter) => letter.charCodeAt(0)) };

describe.each([['EMFILE', 'machine.exhausted'], ['EIO', 'disk.silent'], ['ESTALE', 'disk.silent']])('%s', (code, ours) => {
  it.each([['a file', 'unet/diffusion_pytorch_model.safetensors', 'stat'], ['a folder', 'vae', 'readdir'], ['the model itself', 'a model', 'stat']] as const)('at %s of a model gives no stamp of the rest', async (_, ending, call) => {
    const path = join(await tempFolder(), 'a model');
    await rename(await folderOf(await randomCheckpoint()), path);
    const whole = await stampOf(path), recover = failing(code, call, ending);
    await expect(stampOf(path)).rejects.toMatchObject({ code: ours });
    recover();
    expect(await stampOf(path)).toEqual(whole);
  });

  it('at the list of a model\'s shards does not make it a model without it', async () => {
    const path = await folderOf(await randomCheckpoint()), index = 'diffusion_pytorch_model.safetensors.index.json';
    await writeFile(join(path, 'unet', index), JSON.stringify({ weight_map: { a: 'diffusion_pytorch_model.safetensors' } }));
    failing(code, 'open', index);
    await expect(openModelFolder(path)).rejects.toMatchObject({ code: ours });
  });

  it('at a trained word keeps its meaning', async () => {
    const folder = await tempFolder();
    await copyFile(writeWeights({ emb_params: { dims: [1, 768], values: Array.from({ length: 768 }, () => 1) } }), join(folder, 'word.safetensors'));
    const recover = failing(code, 'stat', 'word.safetensors');
    await expect(openEmbeddings(folder, vocabulary)).rejects.toMatchObject({ code: ours });
    recover();
    expect(await openEmbeddings(folder, vocabulary)).toBeDefined();
  });

  it('at a file of wildcards keeps it from being taken for an empty one', async () => {
    const root = await tempFolder(), prompts = openPromptFiles(root), asked = job({ prompt: 'a __colour__ house' });
    await mkdir(join(root, 'wildcards'));
    await writeFile(join(root, 'wildcards/all.yaml'), 'colour: [red]');
    const recover = failing(code, 'stat', 'all.yaml');
    await expect(prompts.prepare(asked)).rejects.toMatchObject({ code: ours });
    recover();
    expect((await prompts.prepare(asked)).job.prompt).toContain('red');
  });

  it('at a folder that is added does not make a model a folder of models', async () => {
    const { models, settings, path } = await modelsWithOne();
    failing(code, 'readdir', basename(path));
    await expect(models.add(path)).rejects.toMatchObject({ code: ours });
    expect(settings().modelFolders).toEqual([]);
  });

  it('at the place of what is added is not said to be nothing', async () => {
    const { models, path } = await modelsWithOne();
    failing(code, 'realpath', basename(path));
    await expect(models.add(path)).rejects.toMatchObject({ code: ours });
  });

  it('at a model keeps it in the list, with the reason', async () => {
    const { models, folder } = await modelsWithOne();
    await copyFile(builtIn, join(folder, 'own.safetensors'));
    failing(code, 'stat', 'own.safetensors');
    expect(await models.refresh()).toMatchObject([{ builtIn: true }, { name: 'own.safetensors', runnable: false, error: { code: ours } }]);
    await expect(models.runnable({ model: 'any other' })).rejects.toMatchObject({ code: ours });
  });

  it('at a picture that was moved keeps its record', async () => {
    const { open, record, moved } = await movedPicture();
    const recover = failing(code, 'open', moved);
    await open.library.recover();
    expect((await open.library.get(record.id)).id).toBe(record.id);
    recover();
    expect(await open.library.recover()).toMatchObject({ moved: 1, dropped: 0 });
  });

  it('at a folder of pictures keeps the records of those that may lie there, and finds the others', async () => {
    const { open, record, moved } = await movedPicture();
    const recover = failing(code, 'readdir', dirname(moved));
    await writeFile(join(open.folder.pictures, 'other.png'), 'no picture');
    expect(await open.library.recover()).toMatchObject({ dropped: 0, foreign: ['other.png'] });
    recover();
    expect(await open.library.recover()).toMatchObject({ moved: 1, dropped: 0 });
    expect((await open.library.get(record.id)).id).toBe(record.id);
  });
});

describe('a right that is lacking for a while (EACCES)', () => {
  it('at a model is told as that, not as a model that is gone', async () => {
    const { models, folder } = await modelsWithOne(), path = join(folder, 'own.safetensors');
    await copyFile(builtIn, path);
    failing('EACCES', 'stat', 'own.safetensors');
    await expect(stampOf(path)).rejects.toMatchObject({ code: 'file.unreadable', data: { why: 'permission' } });
    expect((await models.refresh()).at(-1)).toMatchObject({ name: 'own.safetensors', error: { code: 'file.unreadable' } });
  });

  it('at a trained word is not remembered', async () => {
    const folder = await tempFolder();
    await copyFile(writeWeights({ a: { dims: [1, 768], values: Array.from({ length: 768 }, () => 1) }, b: { dims: [2, 768], values: Array.from({ length: 1536 }, () => 1) } }), join(folder, 'pair.safetensors'));
    const whole = await openEmbeddings(folder, vocabulary);
    await utimes(join(folder, 'pair.safetensors'), 1, 1);
    const recover = failing('EACCES', 'stat', 'pair.safetensors');
    expect(await openEmbeddings(folder, vocabulary)).toBeDefined();
    recover();
    expect((await openEmbeddings(folder, vocabulary))?.words).toEqual(whole?.words);
  });

  it('at a file of wildcards is not remembered', async () => {
    const root = await tempFolder(), prompts = openPromptFiles(root), asked = job({ prompt: 'a __colour__ house' });
    await mkdir(join(root, 'wildcards'));
    await writeFile(join(root, 'wildcards/all.yaml'), 'colour: [red]');
    const recover = failing('EACCES', 'open', 'all.yaml');
    expect((await prompts.prepare(asked)).notices.map(({ code }) => code)).toContain('wildcard.refused');
    recover();
    expect((await prompts.prepare(asked)).job.prompt).toContain('red');
  });

  it('at a picture that was moved keeps its record', async () => {
    const { open, record, moved } = await movedPicture();
    failing('EACCES', 'open', moved);
    await open.library.recover();
    expect((await open.library.get(record.id)).id).toBe(record.id);
  });
});

describe('a folder of pictures whose drive is away', () => {
  it.each([
    ['by a link', async (folder: string, drive: string) => { await rename(folder, drive); await symlink(drive, folder); }, (_: string, drive: string) => rename(drive, `${drive}-away`), (_: string, drive: string) => rename(`${drive}-away`, drive)],
    ['by a mount', async () => {}, unmount, async (folder: string, drive: string) => { await rm(folder, { recursive: true }); await rename(drive, folder); }],
  ] as const)('%s keeps its records, and those that are deleted by hand go', async (_, putThere, takeAway, bringBack) => {
    const root = await tempFolder(), open = await openLibrary(root), drive = join(await tempFolder(), 'drive');
    const record = await open.library.save(noise(), job({ seed: 1 }), 1), folder = dirname(record.path);
    const other = join(open.folder.pictures, 'others');
    await mkdir(other);
    for (const seed of [2, 3]) {
      const { path } = await open.library.save(noise(8, 8, seed), job({ seed }), 1);
      await rename(path, join(other, `${seed}.png`));
    }
    await putThere(folder, drive);
    await open.library.recover();
    await takeAway(folder, drive);
    await rm(join(other, '3.png'));
    expect(await open.library.recover()).toMatchObject({ dropped: 1 });
    expect((await open.library.page({ before: null, limit: 9 })).pictures.map((picture) => painted(picture.job).seed).sort()).toEqual([1, 2]);
    await bringBack(folder, drive);
    expect(await open.library.recover()).toMatchObject({ adopted: 0, moved: 0, dropped: 0 });
    await rm((await open.library.get(record.id)).path);
    expect(await open.library.recover()).toMatchObject({ dropped: 1 });
  });

  /** What stays in the place of a drive: an empty folder, made before anything was put on it. */
  async function unmount(folder: string, drive: string): Promise<void> {
    await rename(folder, drive);
    await mkdir(folder);
    await utimes(folder, new Date(2020, 1), new Date(2020, 1));
  }
});

async function modelsWithOne() {
  const root = await tempFolder(), folder = join(root, 'models'), path = join(root, 'a model');
  await mkdir(folder);
  await rename(await folderOf(await randomCheckpoint()), path);
  let settings = Settings.parse({});
  const models = new Models({ folder, builtIn, settings: { get: async () => settings, change: async (patch) => (settings = { ...settings, ...patch(settings) }) }, hashCache: { get: () => null, set: () => {} } });
  onTestFinished(() => models.close());
  return { models, folder, path, settings: () => settings };
}

/** One picture whose file lies somewhere else now, and another, so that the library is not empty. */
async function movedPicture() {
  const open = await openLibrary(await tempFolder()), record = await open.library.save(noise(), job({ seed: 1 }), 1);
  await open.library.save(noise(8, 8, 2), job({ seed: 2 }), 1);
  await mkdir(join(open.folder.pictures, 'best of'));
  await rename(record.path, join(open.folder.pictures, 'best of/house.png'));
  return { open, record, moved: 'best of/house.png' };
}
