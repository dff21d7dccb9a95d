// Every algorithm of the LoRA family baked into a small checkpoint, against its formula written out in plain loops over float64, on linear and
// convolution layers. Rotations are checked twice: by a power series, and by what they must keep.
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DoraRule } from '../../../main/engine/adapters/change';
import { changed } from '../../../main/engine/adapters/evaluate';
import { AppError } from '../../../main/engine/errors';
import { float32, sizeOf, type Dims, type Tensor } from '../../../main/engine/tensor';
import type { LoraModule } from '../../../main/engine/weights/lora/modules';
import { bakeLoras } from '../../../main/services/model-tools/bake';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { scratchFolder } from '../../support/checkpoints';
import { at, loraForms, number, random, sum, type Parts } from '../../support/lora-forms';
import { randomValues, randomWeights, readWeights, writeWeights, type StoredWeights, type WeightsByName } from '../../support/weights';

const unet = 'model.diffusion_model.';
interface Layer { readonly key: string; readonly name: string; readonly dims: Dims }
const layers = {
  linear: { key: `${unet}middle_block.1.transformer_blocks.0.attn2.to_k.weight`, name: 'lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k', dims: [8, 12] },
  square: { key: `${unet}middle_block.1.transformer_blocks.0.attn1.to_q.weight`, name: 'lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q', dims: [8, 8] },
  conv: { key: `${unet}middle_block.0.in_layers.2.weight`, name: 'lora_unet_mid_block_resnets_0_conv1', dims: [8, 6, 3, 3] },
} satisfies Record<string, Layer>;
const base = randomWeights({
  [`${unet}input_blocks.0.0.weight`]: [8, 9, 3, 3], [`${unet}middle_block.0.in_layers.2.bias`]: [8],
  'cond_stage_model.model.text_projection': [6, 4], 'cond_stage_model.model.ln_final.weight': [6], ...Object.fromEntries(Object.values(layers).map(({ key, dims }) => [key, dims])),
}, 1);

async function bake(weights: WeightsByName, weight: number, model: WeightsByName = base, dora?: DoraRule) {
  const out = join(scratchFolder(), 'baked.safetensors');
  const report = await bakeLoras(ortRuntime(), { model: writeWeights(model), loras: [{ path: writeWeights(weights), weight }], out, precision: 'F32', ...(dora && { dora }) });
  return { report: report.loras[0]!, tensors: (await readWeights(out)).tensors };
}

const named = (name: string, parts: Parts): WeightsByName => Object.fromEntries(Object.entries(parts).map(([part, tensor]) => [`${name}.${part}`, tensor]));
describe.each(Object.entries(layers))('a %s layer', (_, { key, name, dims }) => {
  const [out, input, ...kernel] = dims as [number, number, ...number[]], each = sizeOf(kernel), before = base[key]!;
  const old = (o: number, i: number, k: number): number => before.values[(o * input + i) * each + k]!;
  const makers = Object.entries(loraForms);

  test.each(makers)('%s', async (_, make) => {
    const { parts, formula } = make(out, input, kernel);
    for (const m of [1, 0.7, -0.5]) {
      const { tensors, report } = await bake(named(name, parts), m);
      expect(report).toMatchObject({ applied: 1, unmatched: [], incomplete: [] });
      tensors[key]!.values.forEach((value, n) => expect(value).toBeCloseTo(formula(m)(old, Math.floor(n / (input * each)), Math.floor(n / each) % input, n % each), 5));
      for (const [other, { values }] of Object.entries(base)) if (other !== key) expect(tensors[other]!.values).toEqual(values);
    }
  });

  test.each(makers)('%s at strength 0 leaves all as it is', async (_, make) => {
    expect((await bake(named(name, make(out, input, kernel).parts), 0)).tensors[key]!.values).toEqual(before.values);
  });
});

test('a LoCon\'s core, on a 3×3 convolution', async () => {
  const { key, name } = layers.conv, up = random([8, 2, 1, 1], 80), mid = random([2, 3, 3, 3], 81), down = random([3, 6, 1, 1], 82);
  const { tensors } = await bake(named(name, { 'lora_up.weight': up, 'lora_mid.weight': mid, 'lora_down.weight': down }), 1);
  tensors[key]!.values.forEach((value, n) => {
    const [o, i, y, x] = [Math.floor(n / 54), Math.floor(n / 9) % 6, Math.floor((n % 9) / 3), n % 3];
    expect(value).toBeCloseTo(base[key]!.values[n]! + sum(2, (a) => sum(3, (b) => at(up, o, a, 0, 0) * at(mid, a, b, y, x) * at(down, b, i, 0, 0))), 5);
  });
});

test('GLoRA of early LyCORIS, with its pairs the other way round', async () => {
  for (const { key, name, dims } of [layers.linear, layers.square]) {
    const [out, input] = dims as [number, number], a1 = random([2, input], 90), a2 = random([input, 2], 91), b1 = random([2, input], 92), b2 = random([out, 2], 93);
    const { tensors } = await bake(named(name, { 'a1.weight': a1, 'a2.weight': a2, 'b1.weight': b1, 'b2.weight': b2, alpha: number(2) }), 1);
    tensors[key]!.values.forEach((value, n) => {
      const [o, i] = [Math.floor(n / input), n % input], w = (x: number): number => base[key]!.values[o * input + x]!;
      expect(value).toBeCloseTo(w(i) + sum(2, (r) => at(b2, o, r) * at(b1, r, i)) + sum(input, (x) => w(x) * sum(2, (r) => at(a2, x, r) * at(a1, r, i))), 5);
    });
  }
});

describe('rotations', () => {
  const module = (oft_blocks: StoredWeights): LoraModule<Tensor> => ({
    layer: 'l', algorithm: oft_blocks.dims.length === 4 ? 'boft' : 'oft', parts: { oft_blocks: { dtype: 'float32', dims: oft_blocks.dims, data: Float32Array.from(oft_blocks.values) } },
  });
  const turned = async (weight: readonly number[], dims: Dims, blocks: StoredWeights): Promise<number[]> =>
    [...(await changed(ortRuntime({ threads: 1 }), float32(dims, Float32Array.from(weight)), module(blocks), { field: 'weight', strength: 1 })).data];
  const gram = (values: readonly number[], [rows = 1, columns = 1]: Dims): number[] =>
    Array.from({ length: columns * columns }, (_, n) => sum(rows, (r) => values[r * columns + Math.floor(n / columns)]! * values[r * columns + (n % columns)]!));

  test('zero blocks change nothing', async () => {
    const weight = randomValues(32, 1);
    for (const dims of [[2, 4, 4], [2, 2, 4, 4]]) expect(await turned(weight, [8, 4], { dims, values: Array<number>(sizeOf(dims)).fill(0) })).toEqual(weight);
  });

  test('Q of a unit quarter-turns a pair of rows', async () => {
    expect(await turned([1, 2, 3, 4], [2, 2], { dims: [1, 2, 2], values: [0, 0, 1, 0] })).toEqual([3, 4, -1, -2]);
    expect(await turned([1, 2, 3, 4], [2, 2], { dims: [1, 1, 2, 2], values: [0, 0, 1, 0] })).toEqual([-3, -4, 1, 2]);
  });

  test('one factor of BOFT in pairs is OFT with its blocks transposed', async () => {
    const weight = randomValues(24, 2), blocks = random([4, 2, 2], 3);
    const flipped = blocks.values.map((_, n) => blocks.values[n - (n % 4) + [0, 2, 1, 3][n % 4]!]!);
    const want = await turned(weight, [8, 3], { dims: [4, 2, 2], values: flipped });
    (await turned(weight, [8, 3], { dims: [1, 4, 2, 2], values: blocks.values })).forEach((value, n) => expect(value).toBeCloseTo(want[n]!, 5));
  });

  test('keep lengths and angles of the columns, however large the blocks are', async () => {
    await fc.assert(fc.asyncProperty(fc.constantFrom([1, 24, 24], [3, 8, 8], [6, 4, 4], [24, 1, 1], [2, 4, 6, 6], [3, 4, 6, 6], [3, 12, 2, 2]), fc.constantFrom(0.01, 1, 30, 1000), fc.integer({ min: 1, max: 1e6 }), async (dims, size, seed) => {
      const weight = randomValues(24 * 5, seed), after = await turned(weight, [24, 5], random(dims, seed + 1, size));
      gram(after, [24, 5]).forEach((value, n) => expect(value).toBeCloseTo(gram(weight, [24, 5])[n]!, 4));
    }), { numRuns: 60 });
  });
});

describe('what goes with the algorithms', () => {
  test.each(['comfyui', 'blend'] as const)('DoRA weighs any of them, by the norm of the weight (%s) or of the changed one', async (rule) => {
    const { key, name } = layers.linear, make = loraForms['glora']!(8, 12, []), dora = random([8, 1], 100);
    const { tensors } = await bake(named(name, { ...make.parts, dora_scale: dora }), 0.6, base, rule);
    const w = (o: number, i: number): number => base[key]!.values[o * 12 + i]!, changed = (o: number, i: number): number => make.formula(1)(w, o, i, 0), measured = rule === 'comfyui' ? w : changed;
    tensors[key]!.values.forEach((value, n) => {
      const [o, i] = [Math.floor(n / 12), n % 12];
      expect(value).toBeCloseTo(w(o, i) + 0.6 * (changed(o, i) * dora.values[o]! / Math.sqrt(sum(12, (x) => measured(o, x) ** 2)) - w(o, i)), 5);
    });
  });

  test('biases: differences as they are, PEFT\'s scaled as the factors are; those of layers without one are named', async () => {
    const pair = { 'lora_down.weight': random([2, 54], 110), 'lora_up.weight': random([8, 2], 111), alpha: number(1) }, bias = `${unet}middle_block.0.in_layers.2.bias`;
    const { tensors } = await bake(named(layers.conv.name, { ...pair, diff_b: random([8], 112), 'lora_B.bias': random([8], 113) }), 0.5);
    tensors[bias]!.values.forEach((value, i) => expect(value).toBeCloseTo(base[bias]!.values[i]! + 0.5 * randomValues(8, 112)[i]! + 0.5 * 0.5 * randomValues(8, 113)[i]!, 6));
    const bare = await bake(named(layers.square.name, { diff: random([8, 8], 114), diff_b: random([8], 115) }), 1);
    expect(bare.report).toMatchObject({ applied: 1, unmatched: [`${layers.square.name} bias`] });
    expect(bare.tensors[layers.square.key]!.values).not.toEqual(base[layers.square.key]!.values);
  });

  test('OpenCLIP\'s projection, which is kept transposed', async () => {
    const projection = 'cond_stage_model.model.text_projection', diff = random([4, 6], 120);
    const { tensors } = await bake(named('lora_te1_text_projection', { diff }), 1);
    tensors[projection]!.values.forEach((value, n) => expect(value).toBeCloseTo(base[projection]!.values[n]! + at(diff, n % 4, Math.floor(n / 4)), 6));
  });

  test('the first convolution of an inpainting model takes a plain LoRA in its first channels', async () => {
    const first = `${unet}input_blocks.0.0.weight`, diff = random([8, 4, 3, 3], 130);
    const { tensors } = await bake(named('lora_unet_conv_in', { diff }), 1);
    tensors[first]!.values.forEach((value, n) => {
      const [o, i, k] = [Math.floor(n / 81), Math.floor(n / 9) % 9, n % 9];
      expect(value).toBeCloseTo(base[first]!.values[n]! + (i < 4 ? diff.values[(o * 4 + i) * 9 + k]! : 0), 6);
    });
  });

  test('reshape_weight widens the layer with zeros first', async () => {
    const { key, name } = layers.linear, up = random([10, 2], 140), down = random([2, 14], 141);
    const { tensors } = await bake(named(name, { 'lora_up.weight': up, 'lora_down.weight': down, reshape_weight: { dims: [2], values: [10, 14], dtype: 'I64' } }), 1);
    expect(tensors[key]!.dims).toEqual([10, 14]);
    tensors[key]!.values.forEach((value, n) => {
      const [o, i] = [Math.floor(n / 14), n % 14], old = o < 8 && i < 12 ? base[key]!.values[o * 12 + i]! : 0;
      expect(value).toBeCloseTo(old + sum(2, (r) => at(up, o, r) * at(down, r, i)), 5);
    });
  });
});

describe('a shape that does not fit is refused by the layer\'s name', () => {
  const pair = (up: Dims, down: Dims, more: Parts = {}): Parts => ({ 'lora_up.weight': random(up, 1), 'lora_down.weight': random(down, 2), ...more });
  const cases: [string, Parts][] = [
    ['inputs', pair([8, 2], [2, 16])], ['outputs and inputs swapped', pair([12, 2], [2, 8])], ['ranks', pair([8, 2], [3, 12])], ['core', pair([8, 2], [2, 12], { 'lora_mid.weight': random([3, 2, 1, 1], 3) })],
    ['sparse rest', pair([8, 2], [2, 12], { bias_indices: random([2, 1], 3), bias_values: random([1], 4), bias_size: { dims: [2], values: [8, 99], dtype: 'I64' } })],
    ['loha', { hada_w1_a: random([8, 2], 1), hada_w1_b: random([2, 12], 2), hada_w2_a: random([8, 2], 3), hada_w2_b: random([2, 10], 4) }],
    ['lokr', { lokr_w1: random([2, 2], 1), lokr_w2: random([4, 5], 2) }],
    ['glora', { 'a1.weight': random([12, 2], 1), 'a2.weight': random([2, 10], 2), 'b1.weight': random([8, 2], 3), 'b2.weight': random([2, 12], 4) }],
    ['ia3', { weight: random([12], 1), on_input: number(0) }], ['oft', { oft_blocks: random([3, 4, 4], 1) }], ['oft, not square', { oft_blocks: random([2, 4, 3], 1) }],
    ['boft, too many factors', { oft_blocks: random([4, 4, 2, 2], 1) }], ['boft, odd blocks', { oft_blocks: random([1, 8, 1, 1], 1) }], ['rescale', { oft_blocks: random([2, 4, 4], 1), rescale: random([12, 1], 2) }],
    ['full', { diff: random([8, 11], 1) }], ['a new weight', { set_weight: random([12, 12], 1) }], ['DoRA', pair([8, 2], [2, 12], { dora_scale: random([1, 8], 3) })], ['reshape', pair([8, 2], [2, 12], { reshape_weight: { dims: [2], values: [4, 4], dtype: 'I64' } })],
  ];
  test.each(cases)('%s', async (_, parts) => {
    const error: unknown = await bake(named(layers.linear.name, parts), 1).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(AppError);
    expect(error).toMatchObject({ code: 'lora.misfit', data: { layer: layers.linear.name } });
  });
});
