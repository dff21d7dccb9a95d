// Jobs that are steered by ControlNets and T2I-Adapters, on the worker's side: small random networks beside a small random checkpoint.
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { Control } from '../../../preload/contract/control';
import { JobSpec } from '../../../preload/contract/job';
import { controlNetTensors } from '../../../main/engine/families/network-tensors';
import { preprocess } from '../../../main/engine/vision/preprocessors';
import { Vision } from '../../../main/engine/vision/vision';
import { decodePicture } from '../../../main/files/decode-picture';
import { openEmbedded } from '../../../main/files/embedded-models';
import { ModelCache } from '../../../main/worker/model-cache';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { runJob } from '../../../main/worker/run-job';
import { randomFamilyCheckpoint, scratchFolder, tinyFamilies } from '../../support/checkpoints';
import { photographPath } from '../../support/photographs';
import { runPaths } from '../../support/run-message';
import { writeRandomNetwork } from '../../support/weights';

const side = 64, hash = 'a'.repeat(64), network = writeRandomNetwork, models = new ModelCache(ortRuntime({ threads: 1 }));
const picture = async (value: (x: number, y: number) => number): Promise<string> => {
  const path = join(scratchFolder(), 'picture.png');
  await sharp(Uint8Array.from({ length: side * side }, (_, i) => value(i % side, Math.floor(i / side))), { raw: { width: side, height: side, channels: 1 } }).png().toFile(path);
  return path;
};

let model: string, net: string, lines: string, dots: string, white: string, black: string;
beforeAll(async () => {
  [model, net] = [await randomFamilyCheckpoint(tinyFamilies.sd1), network(controlNetTensors(tinyFamilies.sd1.unet), 1)];
  [lines, dots, white, black] = await Promise.all([picture((x) => (x % 8 < 4 ? 255 : 0)), picture((x, y) => ((x ^ y) & 8 ? 255 : 0)), picture(() => 255), picture(() => 0)]);
});

type Steered = Partial<Omit<Control, 'mask'>> & { path?: string; picture?: string; mask?: string };
async function paint(controls: readonly Steered[] = [], changes: object = {}, pictures: { initPath?: string; maskPath?: string } = {}): Promise<Uint8Array> {
  const named = { name: 'tiny', hash: null };
  const job = JobSpec.parse({
    kind: 'txt2img', prompt: 'a house', seed: 7, steps: 3, sampler: 'euler', schedule: 'normal', cfg: 4, width: side, height: side, ...changes,
    files: { model: named, ...(controls.length > 0 && { controls: controls.map(() => named) }) },
    ...(controls.length > 0 && { controls: controls.map(({ path: _path, picture: _picture, mask, ...settings }) => ({ image: hash, ...settings, ...(mask && { mask: hash }) })) }),
  });
  const paths = controls.length === 0 ? {} : { controls: controls.map(({ path = net, picture: image = lines, mask }) => ({ path, image, ...(mask && { mask }) })) };
  return (await runJob({ type: 'run', id: 'test', job, ...runPaths({ modelPath: model, ...paths, ...pictures }) }, models, new AbortController().signal, () => undefined)).pixels.rgb;
}
const furthest = (a: Uint8Array, b: Uint8Array): number => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

test('the picture that it reads changes what is made, and so do its weight, its mode and its mask', async () => {
  const all = [await paint(), await paint([{}]), await paint([{ picture: dots }]), await paint([{ weight: 0.5 }]), await paint([{ mode: 'prompt' }]), await paint([{ mode: 'control' }]), await paint([{ mask: dots }])];
  for (const [i, one] of all.entries()) for (const other of all.slice(0, i)) expect(furthest(one, other)).toBeGreaterThan(0);
  expect(await paint([{}])).toEqual(all[1]);
});

test('where nothing of it counts, the picture is the one without it, to the bit', async () => {
  const plain = await paint();
  for (const control of [{ weight: 0 }, { start: 0.9 }, { start: 0.1, end: 0.2 }, { mask: black }]) expect(await paint([control])).toEqual(plain);
  expect(await paint([{ mask: white }])).toEqual(await paint([{}]));
});

test('several are added up, each by its own network, picture and weight', async () => {
  expect(furthest(await paint([{ weight: 0.25 }, { weight: 0.75 }]), await paint([{}]))).toBeLessThanOrEqual(1);
  const other = network(controlNetTensors(tinyFamilies.sd1.unet), 2), both = await paint([{}, { path: other, picture: dots }]);
  expect(furthest(both, await paint([{ path: other, picture: dots }, {}]))).toBeLessThanOrEqual(1);
  expect(furthest(both, await paint([{}]))).toBeGreaterThan(2);
});

test('it counts while its share of the steps lasts', async () => {
  const [whole, early, late] = [await paint([{}]), await paint([{ end: 0.4 }]), await paint([{ start: 0.5 }])];
  expect(new Set([whole, early, late, await paint()].map(String)).size).toBe(4);
  expect(await paint([{ end: 0.34 }])).toEqual(early);
});

test('one after the other in the halves of guidance comes to the same', async () => {
  const named = { name: 'tiny', hash: null }, job = JobSpec.parse({
    kind: 'txt2img', prompt: 'a house', seed: 7, steps: 3, sampler: 'euler', schedule: 'normal', cfg: 4, width: side, height: side, files: { model: named, controls: [named] }, controls: [{ image: hash, mode: 'control' }],
  });
  const { pixels } = await runJob({ type: 'run', id: 'test', job, ...runPaths({ modelPath: model, controls: [{ path: net, image: lines }] }), sparing: true }, models, new AbortController().signal, () => undefined);
  expect(furthest(pixels.rgb, await paint([{ mode: 'control' }]))).toBeLessThanOrEqual(1);
});

test('a preprocessor makes what the network reads at the job\'s size, as `preprocess` would', async () => {
  const wide = join(scratchFolder(), 'wide.png'), made = join(scratchFolder(), 'made.png');
  await sharp(Uint8Array.from({ length: 3 * 200 * 100 }, (_, i) => (i * i * 7919) % 251), { raw: { width: 200, height: 100, channels: 3 } }).blur(4).normalise().png().toFile(wide);
  const source = await decodePicture(wide), { width, height, rgb } = preprocess(source, { name: 'canny', low: 20, high: 60, resolution: 64 });
  await sharp(rgb, { raw: { width, height, channels: 3 } }).png().toFile(made);
  const canny = { name: 'canny', low: 20, high: 60 } as const, whole = await paint([{ picture: made }]);
  expect(await paint([{ picture: wide, preprocessor: canny }])).toEqual(whole);
  for (const other of [{}, { preprocessor: { name: 'invert' } as const }, { preprocessor: { ...canny, low: 90, high: 400 } }, { preprocessor: canny, resize: 'fill' as const }, { preprocessor: canny, resize: 'stretch' as const }]) {
    expect(furthest(await paint([{ picture: wide, ...other }]), whole)).toBeGreaterThan(0);
  }
});

test('a pose is taken from a photograph, and a picture without a person is refused by what it lacks', async () => {
  const made = join(scratchFolder(), 'pose.png'), photo = photographPath('astronaut'), vision = new Vision(ortRuntime({ threads: 1 }), openEmbedded), picture = await decodePicture(photo);
  const { width, height, rgb } = preprocess(picture, { name: 'openpose', resolution: 64 }, undefined, await vision.seenFor('openpose', picture));
  await vision.close();
  await sharp(rgb, { raw: { width, height, channels: 3 } }).png().toFile(made);
  expect(rgb.some((value) => value > 0)).toBe(true);
  expect(await paint([{ picture: photo, preprocessor: { name: 'openpose' } }])).toEqual(await paint([{ picture: made }]));
  await expect(paint([{ picture: photographPath('chelsea'), preprocessor: { name: 'openpose' } }])).rejects.toMatchObject({ code: 'picture.noPerson' });
});

test('settings that a preprocessor does not have, or beyond their range, are refused by name', () => {
  const fields = (preprocessor: object) => Control.safeParse({ image: hash, preprocessor }).error?.issues.map(({ path, code }) => [path.join('.'), code]);
  expect(fields({ name: 'canny', low: 5, resolution: 512 })).toBeUndefined();
  expect(fields({ name: 'cany' })).toEqual([['preprocessor.name', 'invalid_union']]);
  expect(fields({ name: 'canny', low: 3000 })).toEqual([['preprocessor.low', 'too_big']]);
  expect(fields({ name: 'invert', low: 3 })).toEqual([['preprocessor', 'unrecognized_keys']]);
});

test('where only a masked part is repainted, of the control that part counts, and no other', async () => {
  const large = 2 * side, canvas = async (value: (x: number, y: number) => number) => {
    const path = join(scratchFolder(), 'canvas.png');
    await sharp(Uint8Array.from({ length: large * large }, (_, i) => value(i % large, Math.floor(i / large))), { raw: { width: large, height: large, channels: 1 } }).png().toFile(path);
    return path;
  };
  const isMasked = (x: number, y: number): boolean => Math.min(x, y) >= 8 && Math.max(x, y) < 60, stripes = (x: number): number => (x % 8 < 4 ? 255 : 0);
  const [init, mask, all, inside, without] = await Promise.all([canvas((x, y) => x + y), canvas((x, y) => (isMasked(x, y) ? 255 : 0)), canvas(stripes), canvas((x, y) => (x < 90 && y < 90 ? stripes(x) : 0)), canvas((x, y) => (x < 90 && y < 90 ? 0 : stripes(x)))]);
  const edit = (controls: readonly Steered[]) => paint(controls, { kind: 'img2img', init: hash, mask: hash, strength: 0.8, inpaint: { area: 'masked', padding: 8, blur: 2 } }, { initPath: init, maskPath: mask });
  const plain = await edit([]), whole = await edit([{ picture: all, weight: 2 }]);
  expect(await edit([{ picture: inside, weight: 2 }])).toEqual(whole);
  expect(furthest(await edit([{ picture: without, weight: 2 }]), whole)).toBeGreaterThan(0);
  expect(furthest(plain, whole)).toBeGreaterThan(0);
  expect(await edit([{ picture: all, weight: 0 }])).toEqual(plain);
  expect(await edit([{ picture: all, mask: without }])).toEqual(plain);
});

test('what is made for another base, and what is no control, is refused by name', async () => {
  const xl = network(controlNetTensors(tinyFamilies.sdxl.unet), 3);
  await expect(paint([{ path: xl }])).rejects.toMatchObject({ code: 'control.otherBase', data: { file: xl } });
  await expect(paint([{ path: model }])).rejects.toMatchObject({ code: 'control.notRead', data: { file: model } });
});

test('each control has its file, and none is for a part that is shown alone', () => {
  const job = { kind: 'txt2img', prompt: '', seed: 1, steps: 3, sampler: 'euler', schedule: 'normal', cfg: 1, width: 64, height: 64, files: { model: { name: 'x', hash: null } } };
  expect(JobSpec.safeParse({ ...job, controls: [{ image: hash }] }).error?.issues[0]?.path).toEqual(['controls']);
  expect(JobSpec.safeParse({ ...job, files: { ...job.files, controls: [{ name: 'y', hash: null }] } }).error?.issues[0]?.path).toEqual(['controls']);
});
