// Jobs that take over the look of a reference picture, on the worker's side, with small random checkpoints.
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, expect, test } from 'vitest';
import { JobSpec } from '../../../preload/contract/job';
import { referenceModes } from '../../../preload/contract/vocabulary';
import { readReference, referenceSites, writeReference } from '../../../main/engine/families/control/reference';
import { buildUnet, timestepEmbedding, unetConfig, unetConfigOf } from '../../../main/engine/families/unet';
import { sd15 } from '../../../main/engine/families/known-sizes';
import type { Hooks } from '../../../main/engine/graph/hooks';
import { float32, type Tensor } from '../../../main/engine/tensor';
import { openWeightFile } from '../../../main/files/weight-file';
import { ModelCache } from '../../../main/worker/model-cache';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { runJob } from '../../../main/worker/run-job';
import { randomFamilyCheckpoint, scratchFolder, tinyFamilies, withInputs } from '../../support/checkpoints';
import { runPaths } from '../../support/run-message';
import { randomValues } from '../../support/weights';

const side = 64, hash = 'a'.repeat(64), models = new ModelCache(ortRuntime({ threads: 1 }));
let model: string, red: string, dots: string;
const picture = async (value: (x: number, y: number) => readonly number[]): Promise<string> => {
  const path = join(scratchFolder(), 'picture.png');
  await sharp(Uint8Array.from({ length: 3 * side * side }, (_, i) => value(Math.floor(i / 3) % side, Math.floor(i / 3 / side))[i % 3]!), { raw: { width: side, height: side, channels: 3 } }).png().toFile(path);
  return path;
};
beforeAll(async () => {
  model = await randomFamilyCheckpoint(tinyFamilies.sd1);
  [red, dots] = await Promise.all([picture((x) => [200, 3 * x, 30]), picture((x, y) => ((x ^ y) & 8 ? [20, 220, 90] : [250, 10, 200]))]);
});

async function paint(reference?: object, { path = model, shown = red, sparing = false, changes = {}, pictures = {} }: { path?: string; shown?: string; sparing?: boolean; changes?: object; pictures?: object } = {}): Promise<Uint8Array> {
  const job = JobSpec.parse({
    kind: 'txt2img', prompt: 'a house', seed: 7, steps: 3, sampler: 'euler', schedule: 'normal', cfg: 4, width: side, height: side, ...changes,
    files: { model: { name: 'tiny', hash: null } }, ...(reference && { reference: { image: hash, ...reference } }),
  });
  return (await runJob({ type: 'run', id: 'test', job, ...runPaths({ modelPath: path, ...(reference && { referencePath: shown }), ...pictures }), sparing }, models, new AbortController().signal, () => undefined)).pixels.rgb;
}
const furthest = (a: Uint8Array, b: Uint8Array): number => a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);

test.each(referenceModes)('%s: the picture, the fidelity and the share of the steps change what is made, the same each time', async (mode) => {
  const all = [await paint(), await paint({ mode }), await paint({ mode }, { shown: dots }), await paint({ mode, fidelity: 0 }), await paint({ mode, fidelity: 1 }), await paint({ mode, end: 0.4 })];
  for (const [i, one] of all.entries()) for (const other of all.slice(0, i)) expect(furthest(one, other)).toBeGreaterThan(0);
  expect(await paint({ mode })).toEqual(all[1]);
  expect(furthest(await paint({ mode }, { sparing: true }), all[1]!)).toBeLessThanOrEqual(1);
});

test('the modes differ, and where nothing of it counts the picture is the one without it, to the bit', async () => {
  const plain = await paint(), each = [];
  for (const mode of referenceModes) {
    for (const none of [{ weight: 0 }, { start: 0.9 }, { start: 0.1, end: 0.2 }]) expect(await paint({ mode, ...none })).toEqual(plain);
    each.push(String(await paint({ mode })));
  }
  expect(new Set(each).size).toBe(3);
});

test('SDXL and models for inpainting take one too, and hires fix', async () => {
  const xl = await randomFamilyCheckpoint(tinyFamilies.sdxl), inpaint = await randomFamilyCheckpoint(withInputs(tinyFamilies.sd1, 9));
  expect(furthest(await paint({}, { path: xl }), await paint(undefined, { path: xl }))).toBeGreaterThan(0);
  const masked = { changes: { kind: 'img2img', init: hash, mask: hash, strength: 0.8 }, pictures: { initPath: dots, maskPath: dots } };
  expect(furthest(await paint({}, { path: inpaint, ...masked }), await paint(undefined, { path: inpaint, ...masked }))).toBeGreaterThan(0);
  const larger = { changes: { hires: { scale: 1.5, strength: 0.7 } } };
  expect(furthest(await paint({ mode: 'reference_adain+attn' }, larger), await paint(undefined, larger))).toBeGreaterThan(0);
});

test('a reference that is the picture itself changes nothing', async () => {
  const file = await openWeightFile(model), unet = unetConfig(file)!, sites = referenceSites(unet, { attn: true, adain: true, weight: 2 }), size = { batch: 1, height: 8, width: 8, tokens: 77 }, runtime = ortRuntime({ threads: 1 });
  const random = (dims: readonly number[], seed: number) => float32(dims, Float32Array.from(randomValues(dims.reduce((a, b) => a * b, 1), seed)));
  const feeds = { x: random([1, 4, 8, 8], 1), t: timestepEmbedding(Float32Array.of(300), unet.modelChannels), context: random([1, 77, unet.contextDim], 2) };
  const run = async (hooks: Hooks, more: Readonly<Record<string, Tensor>> = {}) => {
    const session = await runtime.open(buildUnet(file, unet, size, hooks)), out = await session.run({ ...feeds, ...more });
    await session.close();
    return out;
  };
  expect(sites.attentions.length * sites.blocks.length).toBeGreaterThan(0);
  const { out: plain, ...written } = await run(writeReference(sites)), read = (more: object) => run(readReference(sites, size), { ...written, 'reference.own': float32([1, 1, 1]), ...more });
  const { out: same } = await read({}), { out: other } = await read(Object.fromEntries(Object.entries(written).map(([name, { dims }], i) => [name, random(dims, 10 + i)])));
  const apart = (a: Tensor): number => a.data.reduce((most, value, i) => Math.max(most, Math.abs(value - plain!.data[i]!)), 0);
  expect(apart(same!)).toBeLessThan(1e-4);
  expect(apart(other!)).toBeGreaterThan(0.01);
});

test('at weight 1 all self-attentions of SD 1.5 take part, the widest first, and the inner blocks', () => {
  const unet = unetConfigOf(sd15.unet, 'model.diffusion_model'), of = (weight: number) => referenceSites(unet, { attn: true, adain: true, weight });
  const short = (paths: readonly { path: string }[]) => paths.map(({ path }) => path.replace('model.diffusion_model.', '').replace('.1.transformer_blocks.0.attn1', ''));
  expect(of(1).attentions).toHaveLength(16);
  expect(short(of(0.2).attentions)).toEqual(['input_blocks.7', 'input_blocks.8', 'middle_block', 'output_blocks.3']);
  expect(short(of(1).blocks)).toEqual(['input_blocks.10', 'input_blocks.11', 'middle_block', 'output_blocks.0', 'output_blocks.1', 'output_blocks.2', 'output_blocks.3']);
  expect(of(0)).toEqual({ attentions: [], blocks: [] });
});
