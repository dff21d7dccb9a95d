// Jobs on the worker's side, on small random checkpoints: models in every form that they come in, the pictures that a job brings, refiners, and broken weights.
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { JobSpec } from '../../../preload/contract/job';
import { ModelCache } from '../../../main/worker/model-cache';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { runJob } from '../../../main/worker/run-job';
import { folderOf, randomFamilyCheckpoint, scratchFolder, tinyFamilies, withInputs } from '../../support/checkpoints';
import { stateDictFrom, torchZip } from '../../support/pickles';
import { runPaths, type JobPaths } from '../../support/run-message';

const side = 64;
const hash = 'a'.repeat(64);
const models = new ModelCache(ortRuntime({ threads: 1 }));

async function paint(paths: JobPaths, changes: Partial<JobSpec> = {}): Promise<Uint8Array> {
  const job = JobSpec.parse({
    kind: 'txt2img', prompt: 'a red (house:1.3)', seed: 7, steps: 3, sampler: 'euler_a', schedule: 'normal', cfg: 4, width: side, height: side, files: { model: { name: 'tiny', hash: null } }, ...changes,
  });
  const { pixels } = await runJob({ type: 'run', id: 'test', job, attempt: 1, ...runPaths(paths) }, models, new AbortController().signal, () => undefined);
  return pixels.rgb;
}

const file = async (name: string, picture: Sharp): Promise<string> => {
  const path = join(scratchFolder(), name);
  await picture.png().toFile(path);
  return path;
};
/** Every pixel another colour, in the size of the job. */
const noisy = (): Promise<string> => file('init.png', sharp(Uint8Array.from({ length: 3 * side * side }, (_, i) => (i * 37) % 256), { raw: { width: side, height: side, channels: 3 } }));
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
    await expect(paint({ modelPath })).rejects.toMatchObject({ code: 'job.invalid', message: expect.stringContaining('depth map') as string });
  });
  test('one that is no picture is named', async () => {
    const path = join(scratchFolder(), 'mask.png');
    writeFileSync(path, 'not a picture');
    await expect(paint({ modelPath: sd1, initPath: await noisy(), maskPath: path }, img2img)).rejects.toMatchObject({ code: 'picture.unreadable', message: expect.stringContaining('mask.png') as string });
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
    await expect(paint({ modelPath, refinerPath }, refined)).rejects.toMatchObject({
      code: 'weights.notFinite', message: expect.stringMatching(/^broken-refiner\.safetensors holds .*out\.2\.bias/) as string, data: { file: refinerPath },
    });
  });
  test('in a folder, by the file in it', async () => {
    const folder = await folderOf(sd1), path = join(folder, 'unet/diffusion_pytorch_model.safetensors');
    await spoil(path, 'model.diffusion_model.out.2.bias');
    await expect(paint({ modelPath: folder })).rejects.toMatchObject({
      code: 'weights.notFinite', message: expect.stringContaining(join('random', 'unet', 'diffusion_pytorch_model.safetensors')) as string, data: { file: path },
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
