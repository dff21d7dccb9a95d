// Pictures that are made larger go through the queue, the worker and the library as painted ones do.
import { afterEach, expect, describe, test } from 'vitest';
import sharp from 'sharp';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { AnyJob, type UpscaleJob } from '../../../preload/contract/job';
import { jobVersion } from '../../../preload/contract/job-versions';
import { encodePng } from '../../../main/services/pictures/encode';
import { pictureTexts, readPicture } from '../../../main/services/pictures/metadata';
import { parametersText } from '../../../main/services/pictures/parameters';
import { reportOnBytes } from '../../../main/services/pictures/report';
import { fileName } from '../../../main/services/library/files';
import { upscaleJob } from '../../../main/services/queue/make-jobs';
import { ModelCache } from '../../../main/worker/model-cache';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import type { FromWorker } from '../../../main/worker/protocol';
import { upscale } from '../../../main/worker/upscale';
import { scratchFolder } from '../../support/checkpoints';
import { missingBlob, openBench, type Bench } from '../../support/queue';

const blob = '1'.repeat(64);
const job: UpscaleJob = { version: jobVersion, kind: 'upscale', files: { upscaler: { name: '4x, large', hash: 'f'.repeat(64) } }, init: blob, scale: 4, width: 240, height: 160, tile: 256 };

describe('in the queue', () => {
  let bench: Bench;
  afterEach(() => bench.close());

  test('a worker gets the paths, its tiles are the steps, and the picture is saved with the file\'s hash', async () => {
    bench = openBench();
    const { id, settings, title, steps } = await bench.queue.upscale({ upscaler: 'clip_l', init: blob, tile: 128 });
    expect([title, steps, settings]).toMatchObject(['', 0, { kind: 'upscale', scale: 4, width: 400, height: 240, tile: 128, init: blob }]);
    const done = await bench.until(id, 'done');
    expect([done.step, done.steps]).toEqual([4, 4]);
    expect(bench.states(id)).toEqual(['queued', 'loading', 'running', 'saving', 'done']);
    expect(bench.upscales()).toMatchObject([{ type: 'upscale', id, upscaler: '/models/clip_l', picture: `/blobs/${blob}`, job: { kind: 'upscale', scale: 4 } }]);
    expect(bench.saved).toMatchObject([{ job: { kind: 'upscale', files: { upscaler: { name: 'clip_l', hash: 'e'.repeat(64) } } }, bytes: 3 * 400 * 240 }]);
    expect(bench.queue.get(id).spec).toMatchObject({ kind: 'upscale', files: { upscaler: { hash: 'e'.repeat(64) } } });
  });

  test('it waits behind others, and is cancelled between two tiles', async () => {
    bench = openBench();
    const [painting] = await bench.ask('slow'), { id } = await bench.queue.upscale({ upscaler: 'slow', init: blob, scale: 2, tile: 256 });
    expect(bench.view(id).state).toBe('queued');
    await bench.until(painting!.id, 'done');
    await bench.until(id, ({ step }) => step === 1);
    await bench.queue.cancel([id]);
    expect((await bench.until(id, 'cancelled')).step).toBeLessThan(4);
    expect(bench.saved.length).toBe(1);
  });

  test('what cannot be done is said before it waits', async () => {
    bench = openBench();
    await expect(bench.queue.upscale({ upscaler: 'a', init: missingBlob, tile: 256 })).rejects.toMatchObject({ info: { code: 'picture.notFound' } });
    expect(bench.queue.list()).toEqual([]);
  });
});

test('a picture that would be too large is refused with its size', () => {
  const ask = (width: number, height: number) => upscaleJob({ init: blob, upscaler: 'x', tile: 256 }, { name: 'x', hash: null, scale: 4 }, { width, height });
  expect(ask(2048, 1024)).toMatchObject({ scale: 4, width: 8192, height: 4096 });
  expect(() => ask(2048, 1025)).toThrow(expect.objectContaining({ info: { code: 'upscale.tooLarge', data: { width: 8192, height: 4100, most: 33 } } }));
  expect(() => ask(5000, 10)).toThrow(expect.objectContaining({ code: 'upscale.tooLarge' }));
});

test('jobs of both kinds are read, and of an unknown one neither', () => {
  expect(AnyJob.parse(job)).toEqual(job);
  expect(AnyJob.safeParse({ ...job, kind: 'paint' }).success).toBe(false);
  expect(AnyJob.safeParse({ ...job, version: jobVersion + 1 }).success).toBe(false);
  for (const wrong of [{ scale: 9 }, { scale: 0.5 }, { tile: 60 }, { tile: 100 }, { width: 20_000 }, { init: 'x' }, { files: {} }]) expect(AnyJob.safeParse({ ...job, ...wrong }).success).toBe(false);
});

test('its picture says how it was made, in A1111\'s words and in ours', async () => {
  expect(parametersText(job, { version: '0.1.0' })).toBe('Postprocess upscale by: 4, Postprocess upscaler: "4x, large", Version: atelier 0.1.0');
  const png = await encodePng({ width: 2, height: 1, rgb: Uint8Array.of(1, 2, 3, 4, 5, 6) }, pictureTexts(job, { version: '0.1.0' }));
  expect(readPicture(png).job).toEqual(job);
  expect(await reportOnBytes(png)).toMatchObject({ source: 'atelier', job: { kind: 'upscale', scale: 4, prompt: '', extra: { 'Postprocess upscaler': '4x, large' } }, missing: [{ kind: 'upscaler', name: '4x, large' }] });
  expect(fileName(job, new Date(2026, 0, 2, 3, 4, 5), 1)).toBe('2026/01/2026-01-02_03-04-05_x4_4x-large.png');
});

test('a picture with transparency keeps it', async () => {
  const png = await encodePng({ width: 2, height: 1, rgb: Uint8Array.of(1, 2, 3, 4, 5, 6), alpha: Uint8Array.of(0, 128) }, []);
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect([info.channels, ...data]).toEqual([4, 1, 2, 3, 0, 4, 5, 6, 128]);
});

describe('on the worker', () => {
  const path = join(import.meta.dirname, '../../golden/cases/esrgan_tiny/srvgg_x4.safetensors'), models = new ModelCache(ortRuntime({ threads: 1 }), () => 0.5);
  async function run(png: Buffer, own: Partial<UpscaleJob>, signal = new AbortController().signal) {
    const picture = join(scratchFolder(), 'picture.png'), said: FromWorker[] = [];
    writeFileSync(picture, png);
    return { said, ...await upscale({ type: 'upscale', id: 'u', job: { ...job, ...own }, upscaler: path, picture }, models, signal, (message) => said.push(message)) };
  }
  const plain = (width: number, height: number, alpha?: number): Promise<Buffer> =>
    sharp({ create: { width, height, channels: alpha === undefined ? 3 : 4, background: { r: 200, g: 100, b: 50, alpha } } }).png().toBuffer();

  test('it is as large as asked, tells its tiles, and has no transparency where the picture has none', async () => {
    const { pixels, said } = await run(await plain(100, 70, 1), { width: 300, height: 210, tile: 64 });
    expect([pixels.width, pixels.height, pixels.rgb.length, pixels.alpha]).toEqual([300, 210, 3 * 300 * 210, undefined]);
    expect(said.map((message) => ('step' in message ? `${message.step}/${message.steps}` : message.type === 'phase' ? message.phase : message.type)))
      .toEqual(['loading', '0/6', 'running', '1/6', '2/6', '3/6', '4/6', '5/6', '6/6']);
  });

  test('transparency is made larger, too', async () => {
    const { pixels, said } = await run(await plain(20, 10, 0.5), { width: 80, height: 40 });
    expect(pixels.alpha?.length).toBe(80 * 40);
    expect(said.at(-1)).toMatchObject({ step: 2, steps: 2 });
  });

  test('the same job gives the same pixels', async () => {
    const png = await plain(70, 70), [a, b] = [await run(png, { width: 280, height: 280, tile: 64 }), await run(png, { width: 280, height: 280, tile: 64 })];
    expect(a.pixels.rgb).toEqual(b.pixels.rgb);
  });

  test('a file that is no picture is named', async () => {
    await expect(run(Buffer.from('none'), {})).rejects.toMatchObject({ info: { code: 'picture.unreadable' } });
  });
});
