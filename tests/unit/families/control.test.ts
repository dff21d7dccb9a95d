// ControlNets in every layout that they are published in are one network; those that mean changes of a base are that base with the changes in it.
import { describe, expect, test } from 'vitest';
import { buildControlHint, buildControlNet, controlNetConfig, KIND_WIDTH } from '../../../main/engine/families/control/controlnet';
import { controlNetFile, needsBase } from '../../../main/engine/families/control/controlnet-file';
import { featurePlaces, t2iAdapterConfig } from '../../../main/engine/families/control/t2i-adapter';
import { controlNetTensors, unetTensors } from '../../../main/engine/families/network-tensors';
import { timestepEmbedding } from '../../../main/engine/families/unet';
import { float32, int64, sizeOf, type Dims, type Tensor } from '../../../main/engine/tensor';
import type { WeightFile } from '../../../main/engine/weights/source';
import { openWeightFile } from '../../../main/files/weight-file';
import { evaluate } from '../../../main/cli/golden/networks';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { tinyFamilies, tinySizes, weightFile } from '../../support/checkpoints';
import { compileIn, dialects, t2iAdapterShapes } from '../../support/networks';
import { randomValues, writeWeights, type WeightsByName } from '../../support/weights';

const size = { batch: 1, height: 8, width: 8, tokens: 77 }, sizes = tinySizes.unet;
const values = (dims: Dims, seed: number): Tensor => float32(dims, Float32Array.from(randomValues(sizeOf(dims), seed)));

/** Values small enough that sums of two stay of the size that a network's weights have. */
const weights = (shapes: Iterable<readonly [string, Dims]>, seed: number): WeightsByName => Object.fromEntries([...shapes].map(([name, dims], i) => {
  const scale = dims.length > 1 ? 1 / Math.sqrt(sizeOf(dims.slice(1))) : 0.1;
  return [name, { dims, values: randomValues(sizeOf(dims), 1000 * seed + i).map((value) => Math.fround(value * scale) + (dims.length === 1 && name.endsWith('weight') ? 1 : 0)) }];
}));
const open = (all: WeightsByName): Promise<WeightFile> => openWeightFile(writeWeights(all));
const renamed = (all: WeightsByName, to: (name: string) => string): WeightsByName => Object.fromEntries(Object.entries(all).map(([name, value]) => [to(name), value]));

async function answer(file: WeightFile, { kind, kinds }: { kind?: number; kinds?: number } = {}): Promise<Record<string, Tensor>> {
  const config = controlNetConfig(file)!, runtime = ortRuntime({ threads: 1 });
  const { features } = await evaluate(runtime, buildControlHint(file, config, size, kind !== undefined), { hint: values([1, 3, 64, 64], 1), ...(kind !== undefined && { kind: int64([1], [kind]) }) });
  const told: Record<string, Tensor> = kinds === undefined ? {} : { kinds: float32([1, KIND_WIDTH * kinds], timestepEmbedding(Array.from({ length: kinds }, (_, i) => (i === kind ? 1 : 0)), KIND_WIDTH).data) };
  return evaluate(runtime, buildControlNet(file, config, size), { x: values([1, 4, 8, 8], 2), t: timestepEmbedding([500], sizes.modelChannels), context: values([1, 77, sizes.contextDim], 3), features: features!, ...told });
}
const furthest = (a: Record<string, Tensor>, b: Record<string, Tensor>): number => Math.max(...Object.keys(a).flatMap((name) => [...a[name]!.data].map((value, i) => Math.abs(value - b[name]!.data[i]!))));

const own = weights(controlNetTensors(sizes), 1), base = weights(unetTensors(sizes), 2);
const unetName = (name: string): string => name.replace('control_model.', 'model.diffusion_model.');

describe('ControlNet', () => {
  test('without its prefix it is the same graph', () => {
    const shapes = [...controlNetTensors(sizes)], bare = shapes.map(([name, dims]) => [name.slice('control_model.'.length), dims] as const);
    const compiled = [shapes, bare].map((list) => { const file = controlNetFile(weightFile(list)); return compileIn(dialects['cpu']!, buildControlNet(file, controlNetConfig(file)!, size)); });
    expect(Buffer.compare(compiled[0]!, compiled[1]!)).toBe(0);
  });

  test('a difference is added to the weights of the U-Net that it controls', async () => {
    const isShared = (name: string): boolean => unetName(name) in base;
    const difference = Object.fromEntries(Object.entries(own).map(([name, { dims, values: all }]) =>
      [name, { dims, values: isShared(name) ? all.map((value, i) => Math.fround(value - base[unetName(name)]!.values[i]!)) : all }]));
    const file = await open({ ...difference, difference: { dims: [], values: [1] } });
    expect(needsBase(file)).toBe(true);
    const [whole, added] = [await answer(controlNetFile(await open(own))), await answer(controlNetFile(file, await open(base)))];
    expect(furthest(whole, added)).toBeLessThan(1e-5);
    expect(furthest(whole, await answer(controlNetFile(file)))).toBeGreaterThan(1e-2);
  });

  test('a Control-LoRA is the base with its products in it, and its own zero convolutions and biases', async () => {
    const rank = 2, lora: Record<string, WeightsByName[string]> = { lora_controlnet: { dims: [0], values: [] } }, merged: Record<string, WeightsByName[string]> = {};
    for (const [name, { dims, values: all }] of Object.entries(own)) {
      const bare = name.slice('control_model.'.length), of = base[unetName(name)];
      if (!of || dims.length < 2) { lora[bare] = merged[name] = { dims, values: all }; continue; }
      const inner = sizeOf(dims.slice(1)), up = randomValues(dims[0]! * rank, 7).map((value) => value / 10), down = randomValues(rank * inner, 8).map((value) => value / 10);
      const layer = bare.replace(/\.weight$/, ''), isConv = dims.length === 4;
      lora[`${layer}.up`] = { dims: isConv ? [dims[0]!, rank, 1, 1] : [dims[0]!, rank], values: up };
      lora[`${layer}.down`] = { dims: isConv ? [rank, ...dims.slice(1)] : [rank, inner], values: down };
      merged[name] = { dims, values: of.values.map((value, i) => { const [o, r] = [Math.floor(i / inner), i % inner]; let sum = value; for (let k = 0; k < rank; k++) sum += up[o * rank + k]! * down[k * inner + r]!; return Math.fround(sum); }) };
    }
    const [whole, products] = [await answer(controlNetFile(await open(merged))), await answer(controlNetFile(await open(lora), await open(base)))];
    expect(furthest(whole, products)).toBeLessThan(1e-5);
  });

  test('a union says another thing for each kind of control, and none for none', async () => {
    const kinds = 6, file = controlNetFile(await open(renamed(weights(controlNetTensors(sizes, kinds), 3), (name) => name.slice('control_model.'.length))));
    expect(controlNetConfig(file)).toMatchObject({ kinds, hintChannels: 3 });
    const [pose, canny, none] = [await answer(file, { kind: 0, kinds }), await answer(file, { kind: 3, kinds }), await answer(file, { kinds })];
    for (const [a, b] of [[pose, canny], [pose, none], [canny, none]] as const) expect(furthest(a, b)).toBeGreaterThan(1e-4);
  });

  test('SDXL\'s has a residual for each of its nine input blocks', () => {
    const file = controlNetFile(weightFile(controlNetTensors({ ...tinyFamilies.sdxl.unet, channels: [64, 64, 128], depths: [0, 1, 1], resBlocks: 2 })));
    const g = buildControlNet(file, controlNetConfig(file)!, size);
    expect(g.outputs.map(({ name }) => name)).toEqual([...Array.from({ length: 9 }, (_, i) => `residual.${i}`), 'residual.middle']);
    expect(g.inputs.map(({ name }) => name)).toEqual(['x', 'context', 't', 'y', 'features']);
  });
});

describe('T2I-Adapter', () => {
  test.each([['full', 8, 3], ['light', 8, 1], ['sdxl', 16, 3], ['diffusers', 8, 3], ['diffusers sdxl', 16, 3]] as const)('%s: its sizes are read off its tensors', (form, unshuffle, hintChannels) => {
    const config = t2iAdapterConfig(weightFile(t2iAdapterShapes(form)))!;
    expect(config).toMatchObject({ unshuffle, hintChannels });
    expect(config.blocks.filter(({ isLast }) => isLast).map(({ channels }) => channels)).toEqual([320, 640, 1280, 1280]);
    expect(config.blocks.filter(({ down }) => down)).toHaveLength(unshuffle === 16 ? 1 : 3);
    expect(featurePlaces(config).at(-1)).toBe(unshuffle === 16 ? 'output.middle_block' : 'output.input_blocks.11');
  });
});
