// Jobs that are steered by IP-Adapters, on the worker's side: small random adapters and image towers beside a small random checkpoint.
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import type { Control } from '../../../preload/contract/control';
import { JobSpec } from '../../../preload/contract/job';
import { buildClipVision, type ClipVisionConfig } from '../../../main/engine/families/control/clip-vision';
import { attendToPicture, buildImageTokens, type IpAdapterConfig } from '../../../main/engine/families/control/ip-adapter';
import { controlNetTensors, type Shapes } from '../../../main/engine/families/network-tensors';
import type { UnetSizes } from '../../../main/engine/families/sizes';
import { buildUnet, unetConfigOf } from '../../../main/engine/families/unet';
import { WeightRecord } from '../../../main/engine/nn/weights';
import { ModelCache } from '../../../main/worker/model-cache';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { runJob } from '../../../main/worker/run-job';
import { randomFamilyCheckpoint, scratchFolder, tinyFamilies } from '../../support/checkpoints';
import { runPaths } from '../../support/run-message';
import { writeRandomNetwork } from '../../support/weights';

const side = 64, hash = 'a'.repeat(64), models = new ModelCache(ortRuntime({ threads: 1 }));
const shapesOf = ({ tensors }: WeightRecord): Shapes => new Map([...tensors.values()].map(({ name, shape }) => [name, shape]));

const vision: ClipVisionConfig = { prefix: '', layout: 'transformers', width: 32, layers: 2, mlp: 64, heads: 16, patch: 8, side: 32, embedding: 24, activation: 'quick_gelu' };
function tower(changes: Partial<ClipVisionConfig> = {}): string {
  const record = new WeightRecord();
  buildClipVision(record, { ...vision, ...changes }, 1);
  return writeRandomNetwork(shapesOf(record), 7);
}
const forms: Readonly<Record<IpAdapterConfig['form'], IpAdapterConfig>> = {
  plain: { form: 'plain', inputs: 24, contextDim: 32, tokens: 4 }, full: { form: 'full', inputs: 32, contextDim: 32, tokens: null },
  plus: { form: 'plus', inputs: 32, contextDim: 32, tokens: 6, resampler: { layers: 2, width: 48, inner: 64, mlp: 96, heads: 1 } },
};
function adapter(config: IpAdapterConfig, unet: UnetSizes = tinyFamilies.sd1.unet, seed = 1): string {
  const record = new WeightRecord(), base = unetConfigOf(unet, 'model.diffusion_model');
  buildImageTokens(record, config, 1, 17);
  buildUnet(new WeightRecord(), base, { batch: 1, height: 8, width: 8, tokens: 77 }, attendToPicture(record, config, base, { batch: 1, tokens: config.tokens ?? 17 }));
  return writeRandomNetwork(shapesOf(record), seed);
}
const picture = async (value: (x: number, y: number) => readonly number[], width = side): Promise<string> => {
  const path = join(scratchFolder(), 'picture.png'), rgb = Uint8Array.from({ length: 3 * width * side }, (_, i) => value(Math.floor(i / 3) % width, Math.floor(i / 3 / width))[i % 3]!);
  await sharp(rgb, { raw: { width, height: side, channels: 3 } }).png().toFile(path);
  return path;
};

let model: string, encoder: string, plain: string, red: string, dots: string, white: string, black: string, left: string;
beforeAll(async () => {
  model = await randomFamilyCheckpoint(tinyFamilies.sd1);
  [encoder, plain] = [tower(), adapter(forms.plain)];
  [red, dots, white, black, left] = await Promise.all([
    picture((x) => [200, x, 30], 100), picture((x, y) => ((x ^ y) & 8 ? [20, 220, 90] : [250, 10, 200])), picture(() => [255, 255, 255]), picture(() => [0, 0, 0]), picture((x) => Array<number>(3).fill(x < side / 2 ? 255 : 0)),
  ]);
});

type Shown = Partial<Omit<Control, 'mask'>> & { path?: string; picture?: string; mask?: string };
async function paint(shown: readonly Shown[] = [], { encoders = [encoder], changes = {}, sparing = false }: { encoders?: readonly string[]; changes?: object; sparing?: boolean } = {}): Promise<Uint8Array> {
  const named = { name: 'tiny', hash: null };
  const job = JobSpec.parse({
    kind: 'txt2img', prompt: 'a house', seed: 7, steps: 3, sampler: 'euler', schedule: 'normal', cfg: 4, width: side, height: side, ...changes,
    files: { model: named, ...(shown.length > 0 && { controls: shown.map(() => named) }) },
    ...(shown.length > 0 && { controls: shown.map(({ path: _path, picture: _picture, mask, ...settings }) => ({ image: hash, ...settings, ...(mask && { mask: hash }) })) }),
  });
  const paths = shown.length === 0 ? {} : { controls: shown.map(({ path = plain, picture: image = red, mask }) => ({ path, image, ...(mask && { mask }) })) };
  return (await runJob({ type: 'run', id: 'test', job, ...runPaths({ modelPath: model, ...paths }), imageEncoders: encoders, sparing }, models, new AbortController().signal, () => undefined)).pixels.rgb;
}
const furthest = (a: Uint8Array, b: Uint8Array): number => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

test.each(Object.keys(forms) as IpAdapterConfig['form'][])('%s: the picture changes what is made, and so do its weight, its mask and its share of the steps', async (form) => {
  const path = adapter(forms[form]), all = [await paint()];
  for (const shown of [{}, { picture: dots }, { weight: 0.5 }, { mask: left }, { end: 0.4 }]) all.push(await paint([{ path, ...shown }]));
  for (const [i, one] of all.entries()) for (const other of all.slice(0, i)) expect(furthest(one, other)).toBeGreaterThan(0);
  expect(await paint([{ path }])).toEqual(all[1]);
});

test('where nothing of it counts, the picture is the one without it, to the bit', async () => {
  const none = await paint();
  for (const shown of [{ weight: 0 }, { start: 0.9 }, { mask: black }]) expect(await paint([shown])).toEqual(none);
  expect(furthest(await paint([{ mask: white }]), await paint([{}]))).toBeLessThanOrEqual(1);
});

test('several are added up, and beside a ControlNet; the halves of guidance one after the other come to the same', async () => {
  expect(furthest(await paint([{ weight: 0.25 }, { weight: 0.75 }]), await paint([{}]))).toBeLessThanOrEqual(1);
  const other = adapter(forms.plus, undefined, 2), both = await paint([{}, { path: other, picture: dots }]);
  expect(furthest(both, await paint([{ path: other, picture: dots }, {}]))).toBeLessThanOrEqual(1);
  expect(furthest(both, await paint([{}]))).toBeGreaterThan(2);
  expect(furthest(both, await paint([{}, { path: other, picture: dots }], { sparing: true }))).toBeLessThanOrEqual(1);
  const net = writeRandomNetwork(controlNetTensors(tinyFamilies.sd1.unet), 3), withNet = await paint([{ path: net, picture: dots }, {}]);
  expect(furthest(withNet, await paint([{}]))).toBeGreaterThan(0);
  expect(furthest(withNet, await paint([{ path: net, picture: dots }]))).toBeGreaterThan(0);
});

test('of the image encoders the one of its width reads for it', async () => {
  const others = [tower({ width: 48, embedding: 40 }), encoder];
  expect(await paint([{}], { encoders: others })).toEqual(await paint([{}]));
});

test('another base, another image encoder or none, and FaceID are refused by name', async () => {
  const xl = adapter({ ...forms.plain, contextDim: 64 }, tinyFamilies.sdxl.unet), wide = tower({ embedding: 40 });
  await expect(paint([{ path: xl }])).rejects.toMatchObject({ code: 'control.otherBase', data: { file: xl } });
  await expect(paint([{}], { encoders: [wide] })).rejects.toMatchObject({ code: 'control.tower', data: { why: 'other', file: plain, tower: wide } });
  await expect(paint([{}], { encoders: [] })).rejects.toMatchObject({ code: 'control.tower', data: { why: 'missing', file: plain } });
  const face = writeRandomNetwork([['image_proj.proj.0.weight', [64, 512]], ['image_proj.proj.2.weight', [128, 64]], ['image_proj.norm.weight', [32]], ['ip_adapter.0.to_q_lora.down.weight', [4, 32]]], 5);
  await expect(paint([{ path: face }])).rejects.toMatchObject({ code: 'control.faceId', data: { file: face } });
});
