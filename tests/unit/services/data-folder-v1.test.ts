// A data folder that version 1 left behind: its pictures, settings and prompt files are there, and what it had not finished is taken up and done.
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../../main/services/database/database';
import { createStudio, type LocalStudio } from '../../../main/services/studio';
import { dataFolderV1, modelIdV1, type DataFolderV1 } from '../../support/data-folder-v1';
import { fakeWorker } from '../../support/queue';
import { painted } from '../../support/painted';

async function open(folder: DataFolderV1, resume = false): Promise<LocalStudio> {
  const studio = await createStudio({ dataDir: folder.root, workerEntry: fakeWorker, resume });
  onTestFinished(() => studio.close().catch(() => {}));      // it may be closed already
  return studio;
}

test('pictures: records, files and thumbnails', async () => {
  const { library, thumbnailPath } = await open(await dataFolderV1({ withModels: false }));
  const { pictures, total } = await library.page({ before: null, limit: 10 });
  expect(total).toBe(3);
  const hash = 'cd306d6f0a2538118963ecc66bbb595cb16afd0ef1c7f6b6aedc9b98ca3295ba';
  expect(pictures.map(({ job }) => job)).toMatchObject([
    { kind: 'txt2img', prompt: 'a (boat:1.2) on the sea', seed: 42, rng: 'nv', compat: 'a1111', clipSkip: 2, variation: { seed: 99, strength: 0.2 }, ensd: 31337, emphasis: 'no_norm', files: { model: { hash } } },
    { kind: 'img2img', prompt: 'a blue house on grass', strength: 0.7, sampler: 'euler_a', init: expect.stringMatching(/^9a7d2f81/), mask: expect.stringMatching(/^6e445d59/) },
    { prompt: 'film, a green house on grass', negative: 'night, blurry', template: { prompt: 'a __colour__ house on grass', negative: 'night' }, steps: 12, cfg: 4 },
  ]);
  for (const { id, path, width, height, sizeBytes, parameters } of pictures) {
    expect(await sharp(path).metadata()).toMatchObject({ format: 'png', width, height });
    expect((await readFile(path)).length).toBe(sizeBytes);
    expect(parameters).toMatch(/Model hash: cd306d6f0a, Model: Atelier Mini.*Version: atelier 0\.1\.0/);
    expect((await readFile(await thumbnailPath(id))).length).toBeGreaterThan(0);
  }
});

test('pictures that are moved keep their ids, though their files have none', async () => {
  const folder = await dataFolderV1({ withModels: false }), before = await open(folder);
  const { pictures: [first, ...others] } = await before.library.page({ before: null, limit: 10 });
  await before.close();
  const path = join(folder.root, 'pictures/kept.png');
  await rename(first!.path, path);
  const studio = await open(folder, true);
  await expect.poll(async () => (await studio.library.page({ before: null, limit: 10 })).pictures, { timeout: 30_000 }).toEqual([{ ...first!, path }, ...others]);
});

test('settings, styles, input pictures, and what was measured', async () => {
  const folder = await dataFolderV1(), studio = await open(folder);
  expect(await studio.settings.get()).toEqual({
    version: 1, theme: 'dark', language: 'en', modelCacheBytes: 3e9, modelFolders: ['/atelier/more-models'], modelFiles: ['/atelier/elsewhere/single.safetensors'],
    modelSettings: { [modelIdV1(folder.model('tiny-sd2'))]: { prediction: 'v', vae: modelIdV1(folder.model('tiny-vae')) } },
  });
  expect((await studio.styles.list()).map(({ name }) => name)).toEqual(['Film', 'Night']);
  const models = await studio.models.list();
  expect(models.filter(({ runnable }) => runnable).map(({ id, hash }) => [id, hash?.slice(0, 8)]).sort()).toEqual([
    [modelIdV1(folder.builtIn), 'cd306d6f'], [modelIdV1(folder.model('tiny-sd2')), 'd20efbe8'], [modelIdV1(folder.model('tiny-xl')), '5eed10dd'], [modelIdV1(folder.model('tiny-xl-refiner')), '27657631'],
  ].sort());
  expect(await studio.estimate({ model: modelIdV1(folder.builtIn), width: 64, height: 64, steps: 20, cfg: 4, sampler: 'euler' })).toMatchObject({ basis: 'measured' });
  const { pictures: [, fromPicture] } = await studio.library.page({ before: null, limit: 10 });
  for (const blob of [fromPicture!.job.init!, painted(fromPicture!.job).mask!]) expect(await sharp((await studio.blobs.open(blob)).path).metadata()).toMatchObject({ width: 64, height: 64 });
});

test('jobs: how they ended, with the reason', async () => {
  const database = openDatabase(join((await dataFolderV1({ withModels: false })).root, 'atelier.db'));
  onTestFinished(() => database.close());
  expect(database.jobs.recent(20).toReversed().map(({ state, spec, pictureId, error }) => [state, painted(spec).prompt, pictureId?.slice(0, 4) ?? error?.code])).toEqual([
    ['done', 'film, a green house on grass', '3a4c'], ['done', 'a blue house on grass', 'ee0a'], ['done', 'a (boat:1.2) on the sea', 'fadd'], ['done', 'a (boat:1.2) on the sea', '3f6d'],
    ['failed', 'a lost model', 'job.earlier'], ['failed', 'behind it', 'job.earlier'], ['cancelled', 'not wanted', undefined], ['loading', 'cut off', undefined],
    ...['a green house on grass', 'a blue boat', 'a castle', 'a lake', 'a lake'].map((prompt) => ['queued', prompt, undefined]),
  ]);
});

test('what was cut off and what waited is done, each with its own files', async () => {
  const folder = await dataFolderV1(), studio = await open(folder, true), prompts = ['cut off', 'a green house on grass', 'a blue boat', 'a castle', 'a lake', 'a lake'];
  const jobs = studio.queue.list();
  expect(jobs.map(({ title }) => title)).toEqual(prompts);
  const waiting = new Set(jobs.map(({ id }) => id)), stop = new AbortController();
  for await (const event of studio.queue.events(stop.signal)) {
    for (const job of event.type === 'snapshot' ? event.jobs : event.type === 'job' ? [event.job] : []) if (job.endedAt !== null) waiting.delete(job.id);
    if (waiting.size === 0) break;
  }
  expect(studio.queue.list().map(({ state, error }) => [state, error])).toEqual(prompts.map(() => ['done', null]));
  const { pictures, total } = await studio.library.page({ before: null, limit: 20 });
  expect(total).toBe(3 + prompts.length);
  const jobOf = (prompt: string) => pictures.find(({ job }) => painted(job).prompt === prompt)!.job;
  expect(jobOf('a castle')).toMatchObject({
    version: 4, refiner: { switchAt: 0.6 }, files: {
      model: { name: 'tiny-xl', hash: expect.stringMatching(/^5eed10dd/) }, vae: { name: 'tiny-vae.safetensors', hash: expect.any(String) }, textEncoders: [{ name: 'tiny-clip', hash: expect.any(String) }],
      refiner: { name: 'tiny-xl-refiner', hash: expect.stringMatching(/^27657631/) },
    },
  });
  expect(jobOf('a lake')).toMatchObject({ prediction: 'v', files: { vae: { name: 'tiny-vae.safetensors' } } });
  expect(jobOf('a blue boat')).toMatchObject({ kind: 'img2img', strength: 0.5, init: expect.stringMatching(/^9a7d2f81/) });
});
