// Jobs on the worker's side, on small random checkpoints: models in every form that they come in, the pictures that a job brings, refiners, and broken weights.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { Inpaint } from '../../../preload/contract/editing';
import { JobSpec } from '../../../preload/contract/job';
import { ModelCache } from '../../../main/worker/model-cache';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import type { Pixels } from '../../../main/worker/protocol';
import { runJob } from '../../../main/worker/run-job';
import { folderOf, randomFamilyCheckpoint, scratchFolder, tinyFamilies, withInputs } from '../../support/checkpoints';
import { stateDictFrom, torchZip } from '../../support/pickles';
import { runPaths, type JobPaths } from '../../support/run-message';
import { refusalOf } from '../../support/words';

const side = 64;
const hash = 'a'.repeat(64);
const models = new ModelCache(ortRuntime({ threads: 1 }));

const paint = async (paths: JobPaths, changes: Partial<JobSpec> = {}): Promise<Uint8Array> => (await make(paths, changes)).rgb;

async function make(paths: JobPaths, changes: Partial<JobSpec>): Promise<Pixels> {
  const job = JobSpec.parse({
    kind: 'txt2img', prompt: 'a red (house:1.3)', seed: 7, steps: 3, sampler: 'euler_a', schedule: 'normal', cfg: 4, width: side, height: side, files: { model: { name: 'tiny', hash: null } }, ...changes,
  });
  const { pixels } = await runJob({ type: 'run', id: 'test', job, ...runPaths(paths) }, models, new AbortController().signal, () => undefined);
  return pixels;
}

const file = async (name: string, picture: Sharp): Promise<string> => {
  const path = join(scratchFolder(), name);
  await picture.png().toFile(path);
  return path;
};
/** Every pixel another colour, in the size of the job. */
const noisy = (width = side, height = side, channels: 3 | 4 = 3): Promise<string> => file('init.png', sharp(Uint8Array.from({ length: channels * width * height }, (_, i) => (i * 37) % 256), { raw: { width, height, channels } }));
const grey = (white: (x: number, y: number) => number, width = side, height = side): Promise<string> =>
  file('grey.png', sharp(Uint8Array.from({ length: width * height }, (_, i) => white(i % width, Math.floor(i / width))), { raw: { width, height, channels: 1 } }));

const refined = { files: { model: { name: 'tiny', hash: null }, refiner: { name: 'refiner', hash: null } }, refiner: { switchAt: 0.5 } };
let sd1: string;
beforeAll(async () => { sd1 = await randomFamilyCheckpoint(tinyFamilies.sd1); });

describe('one model makes one picture, whatever it lies in', () => {
  test('a safetensors file, a diffusers folder and a pickled checkpoint, twice each', async () => {
    const ckpt = join(scratchFolder(), 'tiny.ckpt');
    writeFileSync(ckpt, torchZip(stateDictFrom(await openWeightFile(sd1), readFileSync(sd1))));
    const expected = await paint({ modelPath: sd1 });
    for (const modelPath of [sd1, await folderOf(sd1), ckpt]) {
      expect(await paint({ modelPath })).toEqual(expected);
      expect(await paint({ modelPath })).toEqual(expected);
    }
  });
  test.each(['sd2', 'sdxl', 'sdxl-refiner'] as const)('%s: the same job gives the same bytes', async (family) => {
    const modelPath = await randomFamilyCheckpoint(tinyFamilies[family]);
    const first = await paint({ modelPath });
    expect(await paint({ modelPath })).toEqual(first);
    await models.releaseAll();
    expect(await paint({ modelPath })).toEqual(first);
    expect(await paint({ modelPath }, { seed: 8 })).not.toEqual(first);
  });
  test('SD 2 predicts velocity unless the job says otherwise', async () => {
    const modelPath = await randomFamilyCheckpoint(tinyFamilies.sd2);
    const usual = await paint({ modelPath });
    expect(await paint({ modelPath }, { prediction: 'v' })).toEqual(usual);
    expect(await paint({ modelPath }, { prediction: 'eps' })).not.toEqual(usual);
  });
});

describe('the noise', () => {
  test('goes over to that of another seed with a variation', async () => {
    const [own, other] = [await paint({ modelPath: sd1 }, { sampler: 'euler' }), await paint({ modelPath: sd1 }, { sampler: 'euler', seed: 8 })];
    const at = (strength: number) => paint({ modelPath: sd1 }, { sampler: 'euler', variation: { seed: 8, strength } });
    expect(await at(0)).toEqual(own);
    expect(await at(0.1)).not.toEqual(own);
    expect(await at(1)).toEqual(other);
  });
  test('of the steps comes from another generator with ENSD; that of the start stays', async () => {
    const [usual, delta] = [await paint({ modelPath: sd1 }), await paint({ modelPath: sd1 }, { ensd: 31337 })];
    expect(delta).not.toEqual(usual);
    expect(await paint({ modelPath: sd1 }, { sampler: 'euler', ensd: 31337 })).toEqual(await paint({ modelPath: sd1 }, { sampler: 'euler' }));
  });
});

test('emphasis without its mean restored is another picture', async () => {
  expect(await paint({ modelPath: sd1 }, { emphasis: 'no_norm' })).not.toEqual(await paint({ modelPath: sd1 }));
  expect(await paint({ modelPath: sd1 }, { emphasis: 'original' })).toEqual(await paint({ modelPath: sd1 }));
});

describe('pictures that a job brings', () => {
  const img2img = { kind: 'img2img', init: hash, mask: hash, strength: 1 } as const;
  const pixelsOf = (rgb: Uint8Array, keep: (x: number, y: number) => boolean): Uint8Array => rgb.filter((_, i) => keep(Math.floor(i / 3) % side, Math.floor(i / 3 / side)));

  test.each([['an ordinary model', 4], ['an inpainting model', 9]])('outside the mask, %s leaves the picture as it was, bit for bit', async (_, channels) => {
    const modelPath = await randomFamilyCheckpoint(withInputs(tinyFamilies.sd1, channels));
    const initPath = await noisy(), original = new Uint8Array(await sharp(initPath).raw().toBuffer());
    // Not along the latents' grid of 8 pixels.
    const white = (x: number, y: number): boolean => x > 13 && x < 43 && y > 21;
    const painted = await paint({ modelPath, initPath, maskPath: await grey((x, y) => (white(x, y) ? 255 : 0)) }, img2img);
    expect(pixelsOf(painted, (x, y) => !white(x, y))).toEqual(pixelsOf(original, (x, y) => !white(x, y)));
    const changed = pixelsOf(painted, white).filter((value, i) => value !== pixelsOf(original, white)[i]).length;
    expect(changed).toBeGreaterThan(0.9 * pixelsOf(original, white).length);
  });
  describe.each([['an ordinary model', 4], ['an inpainting model', 9], ['a model that edits', 8], ['a depth model', 5]])('%s', (_, channels) => {
    const wide = { width: 150, height: 90 };
    const inpaint = (settings: object) => Inpaint.parse(settings);
    test.each([
      ['blurred and grown', { blur: 3, grow: 2 }, 10], ['turned round', { invert: true }, 0], ['with the colours around it', { fill: 'fill' }, 0], ['from noise', { fill: 'latent_noise' }, 0],
      ['from nothing', { fill: 'latent_nothing' }, 0], ['softly', { soft: {}, blur: 4 }, 10], ['only the masked part', { area: 'masked', padding: 8 }, 0], ['that part softly', { area: 'masked', soft: {}, blur: 2 }, 5],
    ] as const)('%s, leaves what is not masked as it was', async (_how, settings, around) => {
      const modelPath = await randomFamilyCheckpoint(withInputs(channels === 5 ? tinyFamilies.sd2 : tinyFamilies.sd1, channels));
      const [width, height] = 'area' in settings ? [wide.width, wide.height] : [side, side], initPath = await noisy(width, height, 4);
      const white = (x: number, y: number): boolean => x > 17 && x < 47 && y > 15 && y < 50;
      const maskPath = await grey((x, y) => (white(x, y) ? 255 : 0), width, height), depthPath = channels === 5 ? await grey((x) => x, width, height) : undefined;
      const made = await make({ modelPath, initPath, maskPath, depthPath }, { ...img2img, strength: 0.8, inpaint: inpaint(settings), ...(depthPath && { depth: hash }) });
      expect([made.width, made.height]).toEqual([width, height]);
      const original = await sharp(initPath).raw().toBuffer();
      const near = (x: number, y: number): boolean => [-around, 0, around].some((dx) => [-around, 0, around].some((dy) => white(x + dx, y + dy)));
      const isMasked = 'invert' in settings ? (x: number, y: number) => !white(x, y) : near;
      let kept = 0, repainted = 0;
      for (let i = 0; i < width * height; i++) {
        const same = [0, 1, 2].every((c) => made.rgb[3 * i + c] === original[4 * i + c]) && (made.alpha?.[i] ?? 255) === original[4 * i + 3];
        if (!isMasked(i % width, Math.floor(i / width))) { expect(same, `${i % width}, ${Math.floor(i / width)}`).toBe(true); kept++; } else if (!same) repainted++;
      }
      expect(kept).toBeGreaterThan(500);
      expect(repainted).toBeGreaterThan(500);
    });
  });
  test('with the conventions of ComfyUI, soft is differential diffusion', async () => {
    const initPath = await noisy(), maskPath = await grey((x) => 4 * x), job = { ...img2img, inpaint: Inpaint.parse({ soft: {} }) };
    const [ours, theirs] = [await paint({ modelPath: sd1, initPath, maskPath }, job), await paint({ modelPath: sd1, initPath, maskPath }, { ...job, compat: 'comfy' })];
    expect(theirs).not.toEqual(ours);
    expect(pixelsOf(theirs, (x) => x < 1)).toEqual(pixelsOf(new Uint8Array(await sharp(initPath).raw().toBuffer()), (x) => x < 1));
  });
  test('settings that change nothing of how a mask is read are those of none, but for the latents at its edge', async () => {
    const initPath = await noisy(), maskPath = await grey((x) => (x < 32 ? 255 : 0)), paths = { modelPath: sd1, initPath, maskPath };
    expect(await paint(paths, { ...img2img, inpaint: Inpaint.parse({}) })).toEqual(await paint(paths, img2img));
  });
  test('a mask of another size is stretched over the picture, and black stays black beside an edge', async () => {
    const initPath = await noisy(), original = new Uint8Array(await sharp(initPath).raw().toBuffer());
    const painted = await paint({ modelPath: sd1, initPath, maskPath: await grey((x) => (x < 50 ? 0 : 255), 100, 100) }, img2img);
    expect(pixelsOf(painted, (x) => x < 30)).toEqual(pixelsOf(original, (x) => x < 30));
    expect(pixelsOf(painted, (x) => x > 34)).not.toEqual(pixelsOf(original, (x) => x > 34));
  });
  test('a depth map leads a depth model, which asks for one', async () => {
    const modelPath = await randomFamilyCheckpoint(withInputs(tinyFamilies.sd2, 5));
    const across = await paint({ modelPath, depthPath: await grey((x) => 4 * x) }, { depth: hash });
    expect(await paint({ modelPath, depthPath: await grey((_, y) => 4 * y) }, { depth: hash })).not.toEqual(across);
    expect(await refusalOf(paint({ modelPath }))).toMatchObject({ code: 'job.noDepth', message: expect.stringContaining('depth map') as string });
  });
  test('one that is no picture is named', async () => {
    const path = join(scratchFolder(), 'mask.png');
    writeFileSync(path, 'not a picture');
    expect(await refusalOf(paint({ modelPath: sd1, initPath: await noisy(), maskPath: path }, img2img))).toMatchObject({ code: 'picture.unreadable', message: expect.stringContaining('mask.png') as string });
  });
});

describe('a refiner', () => {
  const job = { steps: 4, ...refined };
  test('finishes what the model began, and both stay open, however little may be kept', async () => {
    const [modelPath, refinerPath] = [await randomFamilyCheckpoint(tinyFamilies.sdxl), await randomFamilyCheckpoint(tinyFamilies['sdxl-refiner'], { seed: 2 })];
    await models.limit(1);
    const alone = await paint({ modelPath }, { steps: 4 });
    const finished = await paint({ modelPath, refinerPath }, job);
    expect(finished).not.toEqual(alone);
    expect(models.list().map(({ path }) => path)).toEqual([modelPath, refinerPath]);
    expect(await paint({ modelPath, refinerPath }, job)).toEqual(finished);
    expect(await paint({ modelPath, refinerPath }, { ...job, refiner: { switchAt: 1 } })).toEqual(alone);
    await paint({ modelPath: sd1 });
    expect(models.list().map(({ path }) => path)).toEqual([sd1]);
    await models.limit(Infinity);
  });
});

describe('weights that are not numbers are found', () => {
  /** A half-precision NaN, little-endian. */
  const spoil = async (path: string, tensor: string): Promise<void> => {
    const bytes = readFileSync(path);
    bytes.set([0x00, 0x7e], (await openWeightFile(path)).tensors.get(tensor)!.offset);
    writeFileSync(path, bytes);
  };
  test('in the refiner, which is named', async () => {
    const modelPath = await randomFamilyCheckpoint(tinyFamilies.sdxl), refinerPath = join(scratchFolder(), 'broken-refiner.safetensors');
    copyFileSync(await randomFamilyCheckpoint(tinyFamilies['sdxl-refiner']), refinerPath);
    await spoil(refinerPath, 'model.diffusion_model.out.2.bias');
    expect(await refusalOf(paint({ modelPath, refinerPath }, refined))).toMatchObject({
      code: 'weights.notFinite', message: expect.stringMatching(/^broken-refiner\.safetensors holds .*out\.2\.bias/) as string, data: { file: refinerPath },
    });
  });
  test('in a folder, by the file in it', async () => {
    const folder = await folderOf(sd1), path = join(folder, 'unet/diffusion_pytorch_model.safetensors');
    await spoil(path, 'model.diffusion_model.out.2.bias');
    expect(await refusalOf(paint({ modelPath: folder }))).toMatchObject({
      code: 'weights.notFinite', message: expect.stringContaining('diffusion_pytorch_model.safetensors') as string, data: { file: path },
    });
  });
});

test('a folder in which a file was replaced is another model', async () => {
  const folder = await folderOf(sd1), other = await folderOf(await randomFamilyCheckpoint(tinyFamilies.sd1, { seed: 2 }));
  const first = await paint({ modelPath: folder });
  const name = 'unet/diffusion_pytorch_model.safetensors';
  copyFileSync(join(other, name), join(folder, name));
  expect(await paint({ modelPath: folder })).not.toEqual(first);
});
