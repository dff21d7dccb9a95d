// Networks of fp8 weights with factors answer as the same values do plain: every family, dialect, layout of names, part and file.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CheckpointSizes } from '../../../main/engine/families/known-sizes';
import { whyNotRunnable } from '../../../main/engine/identify/identify';
import { cpuDialect, primitiveDialect } from '../../../main/engine/graph/dialect';
import { Graph } from '../../../main/engine/graph/graph';
import { Weights } from '../../../main/engine/nn/weights';
import { composeModel, type Model } from '../../../main/engine/pipeline/model';
import { float32, int64, type Dims, type Tensor } from '../../../main/engine/tensor';
import { pairFactors } from '../../../main/engine/weights/quantized/factors';
import type { WeightFile } from '../../../main/engine/weights/source';
import { openModel } from '../../../main/files/model-folder';
import { openWeightFile } from '../../../main/files/weight-file';
import { ModelCache } from '../../../main/worker/model-cache';
import { openParts } from '../../../main/worker/model-parts';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { randomFamilyCheckpoint, scratchFolder, tinyFamilies } from '../../support/checkpoints';
import { floats, perBlock, perChannel, perTensor, raw, readRaw, scaled, writeRaw, type RawTensor, type Scaling } from '../../support/scaled';
import { randomValues } from '../../support/weights';

const runtime = ortRuntime({ threads: 1 });
const open = (file: WeightFile): Model => composeModel({ unet: file, text: file, vae: file }, runtime);
const values = (dims: Dims, seed: number): Tensor => float32(dims, Float32Array.from(randomValues(dims.reduce((a, b) => a * b, 1), seed)));

const row = [49406, 320, 736, ...Array<number>(74).fill(49407)];

/** What text encoders, U-Net and autoencoder say. */
async function answers(model: Model): Promise<Float32Array[]> {
  const { states, pooled } = await model.encodeText([row], 1);
  const { contextDim, vectorDim, inChannels } = model.unet;
  const told = { context: values([1, 77, contextDim], 1), ...(vectorDim > 0 && { y: values([1, vectorDim], 2) }) };
  const noise = await model.predict(values([1, inChannels, 8, 8], 3), float32([1], Float32Array.of(500)), told, { rows: ['cond'], sigma: 1, progress: 0 });
  const image = await model.autoencoder.decode(values([1, 4, 4, 4], 4));
  const made = [...states, ...(pooled ? [pooled] : []), noise, image].map(({ data }) => Float32Array.from(data));
  await model.close();
  return made;
}
const furthest = (a: readonly Float32Array[], b: readonly Float32Array[]): number => Math.max(...a.map((each, i) => each.reduce((most, value, at) => Math.max(most, Math.abs(value - b[i]![at]!)), 0)));

const forms: Record<string, Scaling> = {
  'ComfyUI, one factor a weight': { factorName: 'scale_weight', shapeOf: perTensor, extra: [raw('model.diffusion_model.scaled_fp8', 'F8_E4M3', [0])], beside: (module) => [floats(`${module}scale_input`, [], [0.5])] },
  'e5m2, one for each output': { factorName: 'weight_scale', dtype: 'F8_E5M2', shapeOf: perChannel },
  'blocks of 32': { factorName: 'weight_scale_inv', shapeOf: perBlock(32) },
};

const cases = Object.entries(tinyFamilies).flatMap(([family, sizes], i) => Object.entries(forms).filter((_, at) => i === 0 || at === i - 1).map(([name, form]) => [family, name, sizes as CheckpointSizes, form] as const));
test.each(cases)('%s: %s', async (_, _name, sizes, form) => {
  const tensors = await readRaw(await randomFamilyCheckpoint(sizes));
  const both = scaled(tensors, form), [file, plain] = [await openWeightFile(writeRaw(both.scaled)), await openWeightFile(writeRaw(both.plain))];
  expect(whyNotRunnable(file)).toBeNull();
  const [got, want] = [await answers(open(file)), await answers(open(plain))];
  expect(furthest(got, want)).toBeLessThan(2e-5);
});

describe('in files of their own', () => {
  let both: { scaled: RawTensor[]; plain: RawTensor[] };
  let want: Float32Array[];
  beforeAll(async () => {
    both = scaled(await readRaw(await randomFamilyCheckpoint(tinyFamilies.sd1)), { factorName: 'weight_scale', shapeOf: perChannel });
    want = await answers(open(await openWeightFile(writeRaw(both.plain))));
  });
  const named = (tensors: readonly RawTensor[], prefix: string, as = ''): RawTensor[] => tensors.filter(({ name }) => name.startsWith(prefix)).map((tensor) => ({ ...tensor, name: as + tensor.name.slice(prefix.length) }));

  test('U-Net, text encoder and VAE', async () => {
    const paths = {
      model: writeRaw(named(both.scaled, 'model.diffusion_model.')), vae: writeRaw(named(both.scaled, 'first_stage_model.')), textEncoders: [writeRaw(named(both.scaled, 'cond_stage_model.transformer.'))],
    };
    expect(furthest(await answers(open((await openParts(paths)).file)), want)).toBeLessThan(2e-5);
    const cache = new ModelCache(runtime), [model] = await cache.get(paths);
    expect((await model!.encodeText([row], 1)).states[0]!.data.every(Number.isFinite)).toBe(true);
    await cache.releaseAll();
  });
  test('a folder, with the weights in one shard and their factors in another', async () => {
    const folder = scratchFolder();
    const parts = { unet: ['diffusion_pytorch_model', 'model.diffusion_model.'], vae: ['diffusion_pytorch_model', 'first_stage_model.'], text_encoder: ['model', 'cond_stage_model.transformer.'] };
    for (const [part, [name, prefix]] of Object.entries(parts)) {
      mkdirSync(join(folder, part));
      const own = named(both.scaled, prefix!), isFactor = ({ name: key }: RawTensor): boolean => key.endsWith('weight_scale');
      for (const [i, shard] of [own.filter((tensor) => !isFactor(tensor)), own.filter(isFactor)].entries()) writeRaw(shard, { path: join(folder, part, `${name}-0000${i + 1}-of-00002.safetensors`) });
    }
    writeFileSync(join(folder, 'model_index.json'), '{}');
    const file = await openModel(folder);
    expect(whyNotRunnable(file)).toBeNull();
    expect(furthest(await answers(open(file)), want)).toBeLessThan(2e-5);
  });
});

describe('one weight', () => {
  const shape = [12, 8];
  const whole = (list: RawTensor[]): Promise<WeightFile> => openWeightFile(writeRaw(list));
  const evaluate = async (take: (w: Weights) => ReturnType<Weights['tensor']>, file: WeightFile, dialect = cpuDialect): Promise<number[]> => {
    const g = new Graph('test'), value = take(new Weights(g, file)), flat = g.apply('Reshape', [value], { dims: [value.dims[0]!, value.dims.slice(1).reduce((a, b) => a * b, 1)] });
    g.output('out', g.apply('Gather', [flat, g.input('ids', 'int64', [value.dims[0]!])]));
    const session = await ortRuntime({ dialect, threads: 1 }).open(g), { out } = await session.run({ ids: int64([value.dims[0]!], Array.from({ length: value.dims[0]! }, (_, i) => i)) });
    await session.close();
    return [...out!.data];
  };
  test.each<[string, (weight: Dims) => { shape: Dims; blocks: readonly [number, number] }]>([['one for all', perTensor], ['each output', perChannel], ['blocks of 4', perBlock(4)], ['each input', (dims) => ({ shape: [1, dims[1]!], blocks: [1, dims[1]!] })]])('%s: whole, rows, as a 1×1 convolution', async (_, shapeOf) => {
    const matrix = scaled([floats('w.weight', shape, randomValues(96, 1))], { factorName: 'weight_scale', shapeOf }), conv = scaled([floats('w.weight', [...shape, 1, 1], randomValues(96, 1))], { factorName: 'scale_weight', shapeOf });
    for (const dialect of [cpuDialect, primitiveDialect]) {
      expect(await evaluate((w) => w.tensor('w.weight', shape), await whole(matrix.scaled), dialect)).toEqual(await evaluate((w) => w.tensor('w.weight', shape), await whole(matrix.plain), dialect));
      expect(await evaluate((w) => w.rows('w.weight', shape, 6, 6), await whole(matrix.scaled), dialect)).toEqual(await evaluate((w) => w.rows('w.weight', shape, 6, 6), await whole(matrix.plain), dialect));
      expect(await evaluate((w) => w.rows('w.weight', shape, 3, 2), await whole(matrix.scaled), dialect)).toEqual(await evaluate((w) => w.rows('w.weight', shape, 3, 2), await whole(matrix.plain), dialect));
      expect(await evaluate((w) => w.tensor('w.weight', [...shape, 1, 1], shape), await whole(conv.scaled), dialect)).toEqual(await evaluate((w) => w.tensor('w.weight', [...shape, 1, 1], shape), await whole(conv.plain), dialect));
    }
  });
  test('with its axes in another order', async () => {
    const turned = Array.from({ length: 96 }, (_, i) => (i % 8) + Math.floor(i / 8) - 8);
    for (const factor of [floats('w.weight_scale', [], [0.5]), floats('w.weight_scale', [8, 1], [1, 2, 3, 4, 5, 6, 7, 8]), floats('w.weight_scale', [1, 12], Array.from({ length: 12 }, (_, i) => i + 1)), floats('w.weight_scale', [2, 1], [1, 2])]) {
      const file = await openWeightFile(writeRaw([floats('w', shape, turned, 'F8_E4M3'), { ...factor, name: 'x' }]));
      const entry = { ...file.tensors.get('w')!, name: 'w.weight', shape: [8, 12], layout: { shape, perm: [1, 0] } };
      const paired = pairFactors({ ...file, tensors: new Map([['w.weight', entry], ['w.weight_scale', { ...file.tensors.get('x')!, name: 'w.weight_scale' }]]) });
      const [rows = 1, columns = 1] = factor.shape, by = new Float32Array(factor.bytes.buffer);
      const want = Array.from({ length: 96 }, (_, i) => { const [row, column] = [Math.floor(i / 12), i % 12]; return turned[column * 8 + row]! * by[Math.floor(row / (8 / rows)) * columns + Math.floor(column / (12 / columns))]!; });
      expect(await evaluate((w) => w.tensor('w.weight', [8, 12]), paired)).toEqual(want);
      expect(await evaluate((w) => w.rows('w.weight', [8, 12], 2, 3), paired)).toEqual(want.slice(24, 60));
    }
  });
  test('fp8 without infinities', async () => {
    const codes = Uint8Array.from({ length: 96 }, (_, i) => i * 2 + 1);
    for (const dtype of ['F8_E4M3FNUZ', 'F8_E5M2FNUZ'] as const) {
      const file = await whole([raw('w.weight', dtype, shape, codes), floats('w.weight_scale', [1], [0.5])]);
      const { toFloat32 } = await import('../../../main/engine/weights/half');
      expect(await evaluate((w) => w.tensor('w.weight', shape), file)).toEqual([...toFloat32(dtype, codes)].map((value) => value / 2));
    }
  });
});
