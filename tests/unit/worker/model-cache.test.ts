// Models stay ready between jobs, and are let go when there are too many of them or memory gets scarce.
import { copyFile, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Model } from '../../../main/engine/pipeline/model';
import { float32 } from '../../../main/engine/tensor';
import { ModelCache } from '../../../main/worker/model-cache';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { below, partOf, randomFamilyCheckpoint, scratchFolder, tinyFamilies } from '../../support/checkpoints';
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
  const whole = cache.list()[1]!.bytes;                         // each has 34 MB
  await cache.limit(whole + 1);
  expect(cache.list()).toEqual([{ path: one, bytes: whole }]);
  await cache.limit(1);
  expect(cache.list(), 'the last is kept, whatever its size').toEqual([{ path: one, bytes: whole }]);
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

it('keeps an upscaler as it keeps models, and says of a file that is none what it has', async () => {
  const folder = join(import.meta.dirname, '../../golden/cases/esrgan_tiny'), path = join(folder, 'srvgg_x4.safetensors');
  const cache = new ModelCache(ortRuntime({ threads: 1 }), () => 0.5), upscaler = await cache.upscaler(path);
  expect(upscaler.scale).toBe(4);
  expect((await upscaler.run(float32([1, 3, 5, 7]))).dims).toEqual([1, 3, 20, 28]);
  expect(await cache.upscaler(path)).toBe(upscaler);
  expect(pathsOf(cache)).toEqual([path]);
  await expect(cache.upscaler(demoPath)).rejects.toMatchObject({ info: { code: 'model.unsupported', data: { why: 'upscaler' } } });
  await cache.releaseAll();
  expect(pathsOf(cache)).toEqual([]);
});

describe('networks are kept by themselves', () => {
  const size = { batch: 1, height: 8, width: 8, tokens: 77 }, side = 8;
  const taesd = join(import.meta.dirname, '../../golden/cases/taesd_tiny/taesd_decoder.safetensors');
  /** A cache that notes what it opens, by the names of the graphs, and what it closes. */
  function counting() {
    const ort = ortRuntime({ threads: 1 }), opened: string[] = [], closed: string[] = [];
    const cache = new ModelCache({ async open(graph) {
      opened.push(graph.name);
      const session = await ort.open(graph);
      return { run: (feeds) => session.run(feeds), close: async () => { closed.push(graph.name); await session.close(); } };
    } }, () => 0.5);
    return { cache, opened, closed };
  }
  const latents = float32([1, 4, side, side], new Float32Array(4 * side * side).fill(0.1)), row = [Array<number>(77).fill(49407)];
  /** What a job asks of a model. */
  async function use(model: Model): Promise<Float32Array> {
    await model.encodeText(row, 1);
    await model.prepare(size);
    return (await model.autoencoder.decode(latents)).data;
  }
  let model: string, other: string, vae: string, text: string;
  beforeAll(async () => {
    [model, other] = [await randomFamilyCheckpoint(tinyFamilies.sd1), await randomFamilyCheckpoint(tinyFamilies.sd1, { seed: 2 })];
    vae = await partOf(other, 'other.vae.safetensors', below('first_stage_model.'));
    text = await partOf(other, 'clip_l.safetensors', below('cond_stage_model.transformer.'));
  });

  it('a second job with the same files opens nothing anew', async () => {
    const { cache, opened, closed } = counting(), files = { model, vae, textEncoders: [text] };
    for (const again of [false, true]) {
      const [whole] = await cache.get(files), preview = await cache.previewDecoder(taesd);
      await use(whole);
      await preview.decode(latents, 'preview');
      if (again) break;
      expect(opened.splice(0)).toHaveLength(4);
      expect(closed.splice(0), 'texts are read once, and their encoders let go').toHaveLength(1);
    }
    expect([opened, closed]).toEqual([[], []]);
  });

  it('another VAE leaves U-Net and texts open, and the first is there when it comes back', async () => {
    const { cache, opened } = counting();
    const own = await use((await cache.get({ model }))[0]);
    opened.length = 0;
    const [switched] = await cache.get({ model, vae }), seen = await use(switched);
    expect(seen).not.toEqual(own);
    expect(opened.splice(0)).toEqual(['vae_decoder']);
    expect(await use((await cache.get({ model }))[0])).toEqual(own);
    expect(opened).toEqual([]);
    const [fast] = await cache.get({ model, vae: taesd });
    await use(fast);
    await (await cache.previewDecoder(taesd)).decode(latents);
    expect(opened, 'a TAESD that decodes and shows steps is one').toEqual(['taesd_decoder']);
  });

  it('text encoders in a file of their own serve two models', async () => {
    const { cache, opened } = counting();
    await use((await cache.get({ model, textEncoders: [text] }))[0]);
    opened.length = 0;
    await use((await cache.get({ model: other, textEncoders: [text] }))[0]);
    expect(opened.toSorted()).toEqual(['unet', 'vae_decoder']);
  });

  it('a file that changed is another, and what was open of it is closed', async () => {
    const { cache, opened, closed } = counting(), changing = join(scratchFolder(), 'changing.vae.safetensors');
    await copyFile(vae, changing);
    await use((await cache.get({ model, vae: changing }))[0]);
    const bytes = cache.list().reduce((sum, each) => sum + each.bytes, 0);
    opened.length = 0;
    closed.length = 0;
    await utimes(changing, new Date(), new Date(Date.now() + 5000));
    await use((await cache.get({ model, vae: changing }))[0]);
    expect([opened, closed]).toEqual([['vae_decoder'], ['vae_decoder']]);
    expect(cache.list().reduce((sum, each) => sum + each.bytes, 0)).toBe(bytes);
  });

  it('lets go the longest unused first, and never what the job uses', async () => {
    const { cache, closed } = counting();
    await use((await cache.get({ model }))[0]);
    await use((await cache.get({ model, vae }))[0]);
    closed.length = 0;
    await cache.limit(1);
    expect(closed, 'the VAE inside the model alone').toEqual(['vae_decoder']);
    expect(await cache.previewDecoder(taesd)).toBeDefined();
    await cache.limit(1);
    expect(cache.list().map(({ path }) => path)).toEqual([model, vae, taesd]);
  });
});
