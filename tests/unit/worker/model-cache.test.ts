// Models stay ready between jobs, and are let go when there are too many of them or memory gets scarce.
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ModelCache } from '../../../main/worker/model-cache';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { scratchFolder } from '../../support/checkpoints';
import { demoPath } from '../../support/demo';

async function twoModels(): Promise<[string, string]> {
  const folder = scratchFolder();
  const paths: [string, string] = [join(folder, 'one.safetensors'), join(folder, 'two.safetensors')];
  for (const path of paths) await copyFile(demoPath, path);
  return paths;
}
const pathsOf = (cache: ModelCache) => cache.list().map(({ path }) => path);

it('keeps a model between jobs, and lets the longest unused go when there are too many bytes', async () => {
  const [one, two] = await twoModels();
  const cache = new ModelCache(ortRuntime(), () => 0.5);
  const [first] = await cache.get({ model: one });
  await cache.get({ model: two });
  expect((await cache.get({ model: one }))[0]).toBe(first);
  expect(pathsOf(cache)).toEqual([two, one]);
  await cache.limit(40e6);                                     // each has 34 MB
  expect(pathsOf(cache)).toEqual([one]);
});

it('lets all go when memory gets scarce while nothing runs, and opens them again when they are asked for', async () => {
  const [one] = await twoModels();
  let free = 0.5;
  const cache = new ModelCache(ortRuntime(), () => free);
  const [model] = await cache.get({ model: one });
  await model.encodeText([Array<number>(77).fill(49407)], 1);
  await cache.releaseIfScarce();
  expect(pathsOf(cache)).toEqual([one]);
  free = 0.03;
  await cache.releaseIfScarce();
  expect(pathsOf(cache)).toEqual([]);
  const [again] = await cache.get({ model: one });
  expect(again).not.toBe(model);
  expect((await again.encodeText([Array<number>(77).fill(49407)], 1)).states[0]!.dims).toEqual([1, 77, 128]);
});

it('of two models, keeps only the newest while memory is scarce', async () => {
  const [one, two] = await twoModels();
  const cache = new ModelCache(ortRuntime(), () => 0.03);
  await cache.get({ model: one });
  await cache.get({ model: two });
  expect(pathsOf(cache)).toEqual([two]);
});
