// fp8 weights with a factor beside each: every use of a weight takes the product, and what the tools write is plain.
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { identify, whyNotRunnable } from '../../../main/engine/identify/identify';
import type { Dims } from '../../../main/engine/tensor';
import { bakeLoras } from '../../../main/services/model-tools/bake';
import { convertModel } from '../../../main/services/model-tools/convert';
import { extractLora } from '../../../main/services/model-tools/extract';
import { mergeModels } from '../../../main/services/model-tools/merge';
import { openWeightFile, scanNotFinite } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { scratchFolder } from '../../support/checkpoints';
import { fuzzRuns } from '../../support/fuzz';
import { floats, perBlock, perChannel, perTensor, raw, readRaw, scaled, text, writeRaw, type RawTensor, type Scaling } from '../../support/scaled';
import { randomValues, readWeights, writeWeights } from '../../support/weights';

const out = (): string => join(scratchFolder(), 'out.safetensors');
const name = 'model.diffusion_model.middle_block.1.proj_in';
/** As one layer of ComfyUI's and one of diffusers'. */
const comfy = [floats(`${name}.weight`, [2, 4], [448, -224, 0.5, 1, 2, -3.5, 96, -0.001953125], 'F8_E4M3'), floats(`${name}.scale_weight`, [], [2 ** -10]), floats(`${name}.bias`, [2], [0.5, -1], 'F16'), raw('scaled_fp8', 'F8_E4M3', [0])];
const diffusers = [floats(`${name}.weight`, [2, 4], [416, -208, 13, 26, 52, -104, 3.25, -6.5], 'F8_E4M3'), floats(`${name}.weight_scale`, [1], [2 ** -9]), floats(`${name}.bias`, [2], [0.5, -1], 'F16')];
const valuesIn = async (path: string): Promise<Record<string, number[]>> => Object.fromEntries(Object.entries((await readWeights(path)).tensors).map(([key, { values }]) => [key, values]));
const converted = async (tensors: readonly RawTensor[], precision?: 'F32' | 'F16' | 'BF16' | 'F8_E4M3', prune = false): Promise<Record<string, number[]>> => {
  const to = out();
  await convertModel({ in: writeRaw(tensors), out: to, precision, prune });
  return valuesIn(to);
};

describe('convert', () => {
  test('writes weight × factor, and nothing of the factors', async () => {
    expect(await converted(comfy, 'F32')).toEqual({ [`${name}.weight`]: [0.4375, -0.21875, 0.00048828125, 2 ** -10, 2 ** -9, -3.5 * 2 ** -10, 0.09375, -(2 ** -19)], [`${name}.bias`]: [0.5, -1] });
    expect(await converted(diffusers, 'F32')).toEqual({ [`${name}.weight`]: [416, -208, 13, 26, 52, -104, 3.25, -6.5].map((value) => value * 2 ** -9), [`${name}.bias`]: [0.5, -1] });
  });
  test('without a precision the products are fp16, which holds them; to fp8 they are plain fp8', async () => {
    const to = out();
    await convertModel({ in: writeRaw(diffusers), out: to });
    expect((await readRaw(to)).map((tensor) => [tensor.name, tensor.dtype]).sort()).toEqual([[`${name}.bias`, 'F16'], [`${name}.weight`, 'F16']]);
    expect((await converted(diffusers, 'F8_E4M3'))[`${name}.weight`]).toEqual([0.8125, -0.40625, 0.025390625, 0.05078125, 0.1015625, -0.203125, 0.005859375, -0.01171875]);
    expect((await converted(diffusers, undefined, true))[`${name}.weight`]![0]).toBe(0.8125);
  });

  const shapes: [string, Dims, (weight: Dims) => { shape: Dims; blocks: readonly [number, number] }][] = [
    ['one for all, [1]', [6, 4], () => ({ shape: [1], blocks: [1, 1] })], ['one for all, [1, 1]', [6, 4], () => ({ shape: [1, 1], blocks: [1, 1] })],
    ['one for each output, [out]', [6, 4], ([rows]) => ({ shape: [rows!], blocks: [rows!, 1] })], ['one for each output, [out, 1]', [6, 4], perChannel],
    ['of a square, [out]', [4, 4], ([rows]) => ({ shape: [rows!], blocks: [rows!, 1] })], ['one for each input, [1, in]', [6, 4], (dims) => ({ shape: [1, dims[1]!], blocks: [1, dims[1]!] })],
    ['of a convolution, [out, 1, 1, 1]', [6, 4, 3, 3], perChannel], ['of a convolution, [out, 1]', [6, 4, 3, 3], ([rows]) => ({ shape: [rows!, 1], blocks: [rows!, 1] })], ['of a convolution, []', [6, 4, 3, 3], perTensor],
    ['blocks of 2×2', [6, 4], perBlock(2)], ['blocks of one axis', [6, 8], () => ({ shape: [6, 2], blocks: [6, 2] })], ['blocks with an axis of their own', [6, 8], () => ({ shape: [6, 2, 1], blocks: [6, 2] })],
  ];
  describe.each(shapes)('%s', (_, shape, shapeOf) => {
    test.each<[Scaling['factorName'], Scaling['dtype']]>([['scale_weight', 'F8_E4M3'], ['weight_scale', 'F8_E5M2'], ['weight_scale_inv', 'F8_E4M3']])('%s of %s', async (factorName, dtype) => {
      const { scaled: tensors, plain } = scaled([floats('layer.weight', shape, randomValues(shape.reduce((a, b) => a * b), 7))], { factorName, dtype, shapeOf });
      expect(await converted(tensors, 'F32')).toEqual(await valuesIn(writeRaw(plain)));
    });
  });

  test('a factor of half precision counts as well, and an fp8 weight without one is as it is', async () => {
    const two = (factor: RawTensor): RawTensor[] => [floats('a.weight', [1, 2], [1, 2], 'F8_E4M3'), factor, floats('b.weight', [1, 2], [1, 2], 'F8_E4M3')];
    for (const dtype of ['F16', 'BF16'] as const) expect(await converted(two(floats('a.weight_scale', [], [0.25], dtype)), 'F32')).toEqual({ 'a.weight': [0.25, 0.5], 'b.weight': [1, 2] });
  });

  test('in pieces of any size it is the same as whole (property)', async () => {
    const dims = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 3 }));
    await fc.assert(fc.asyncProperty(dims, fc.constantFrom(perTensor, perChannel, perBlock(2)), fc.nat(1000), async ([rows, columns, each], shapeOf, seed) => {
      const shape = each > 1 ? [rows, columns, each, 1] : [rows, columns];
      const { scaled: tensors, plain } = scaled([floats('layer.weight', shape, randomValues(rows * columns * each, seed))], { factorName: 'weight_scale', shapeOf });
      expect(await converted(tensors, 'F32')).toEqual(await valuesIn(writeRaw(plain)));
    }), { numRuns: Math.min(fuzzRuns(100), 500) });
  });
});

describe('what stands beside', () => {
  const beside = (...more: RawTensor[]): RawTensor[] => [...diffusers, ...more];
  test('scales of the inputs and marks are no part of the weights', async () => {
    const path = writeRaw(beside(floats(`${name}.input_scale`, [], [0.02]), floats(`${name}.scale_input`, [1], [3]), raw('model.diffusion_model.scaled_fp8', 'F8_E4M3', [2], new Uint8Array(2))));
    expect(Object.keys(await valuesIn(path)).length).toBe(6);
    expect(Object.keys(await converted(beside(floats(`${name}.input_scale`, [], [0.02])), 'F16')).sort()).toEqual([`${name}.bias`, `${name}.weight`]);
    expect(identify(await openWeightFile(path))).toMatchObject({ tensors: 6 });
  });
  test.each(['{"format": "float8_e4m3fn"}', '{"format":"float8_e4m3fn","full_precision_matrix_mult":true}'])('ComfyUI\'s note %s says what is so', async (note) => {
    expect((await converted(beside(text(`${name}.comfy_quant`, note)), 'F32'))[`${name}.weight`]![0]).toBe(0.8125);
  });
  test.each(['{"format": "nvfp4"}', '{"format": "float8_e4m3fn", "convrot": true}', '{"format": "int8_tensorwise"}', '{}', 'no JSON', ''])('its note %j does not', async (note) => {
    await expect(converted(beside(text(`${name}.comfy_quant`, note)), 'F32')).rejects.toMatchObject({ code: 'weights.foreignForm', data: { form: 'comfyui', key: `${name}.comfy_quant` } });
  });
  test('the same of all layers in the metadata, which is not carried on', async () => {
    const says = (config: object) => ({ _quantization_metadata: JSON.stringify({ format_version: '1.0', layers: { [name]: config } }) });
    const path = writeRaw(diffusers, { metadata: says({ format: 'float8_e4m3fn' }) }), to = out();
    await convertModel({ in: path, out: to, precision: 'F16' });
    expect((await readWeights(to)).metadata).toEqual({ format: 'pt' });
    for (const config of [{ format: 'mxfp8' }, { format: 'float8_e4m3fn', convrot: true }]) {
      await expect(convertModel({ in: writeRaw(diffusers, { metadata: says(config) }), out: out() })).rejects.toMatchObject({ code: 'weights.foreignForm', data: { form: 'comfyui' } });
    }
  });
  test.each<[string, RawTensor]>([
    ['of another width', floats(`${name}.weight_scale`, [3], [1, 1, 1])], ['with blocks of no even length', floats(`${name}.weight_scale`, [2, 3], [1, 1, 1, 1, 1, 1])],
    ['of exponents alone', raw(`${name}.weight_scale`, 'F8_E8M0', [2, 1], new Uint8Array(2))], ['as whole numbers', raw(`${name}.weight_scale`, 'U8', [2, 1], new Uint8Array(2))],
  ])('a factor %s is refused by name', async (_, factor) => {
    const tensors = [diffusers[0]!, factor, diffusers[2]!], data = { form: 'fp8', key: `${name}.weight_scale` };
    await expect(converted(tensors, 'F32')).rejects.toMatchObject({ code: 'weights.foreignForm', data });
    expect(identify(await openWeightFile(writeRaw(tensors))).problems[0]).toEqual({ code: 'weights.form', data });
  });
  test('of a weight without values, a factor without values is no factor', async () => {
    const list = [raw(`${name}.weight`, 'F8_E4M3', [0, 2], new Uint8Array(0)), raw(`${name}.weight_scale`, 'F32', [0, 1], new Uint8Array(0))];
    await expect(converted(list, 'F32')).rejects.toMatchObject({ code: 'weights.foreignForm', data: { form: 'fp8', key: `${name}.weight_scale` } });
  });
  test('a factor beside a weight that is no fp8, beside none, or a second one is refused', async () => {
    const factor = floats(`${name}.weight_scale`, [], [0.5]);
    for (const [weight, form] of [[floats(`${name}.weight`, [2, 2], [1, 2, 3, 4], 'F16'), 'unknown'], [raw(`${name}.weight`, 'I8', [2, 2], new Uint8Array(4)), 'integers'], [floats('other.weight', [1, 1], [1]), 'scaled']] as const) {
      await expect(converted([weight, factor], 'F32')).rejects.toMatchObject({ code: 'weights.foreignForm', data: { form } });
    }
    await expect(converted(beside(floats(`${name}.scale_weight`, [], [2])), 'F32')).rejects.toMatchObject({ code: 'weights.foreignForm', data: { form: 'fp8', key: `${name}.scale_weight` } });
  });
  test('a factor that is no number is found', async () => {
    expect(await scanNotFinite(await openWeightFile(writeRaw([diffusers[0]!, floats(`${name}.weight_scale`, [], [NaN])])))).toMatchObject([{ tensor: `${name}.weight_scale`, index: 0 }]);
  });
});

describe('merge, extract, bake', () => {
  const layer = 'model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight', first = 'model.diffusion_model.input_blocks.0.0.weight';
  const base = [floats(first, [8, 4, 1, 1], randomValues(32, 1)), floats(layer, [8, 6], randomValues(48, 2))];
  const other = [floats(first, [8, 4, 1, 1], randomValues(32, 3)), floats(layer, [8, 6], randomValues(48, 4))];
  const both = scaled(other, { factorName: 'scale_weight', shapeOf: perChannel, extra: [raw('scaled_fp8', 'F8_E4M3', [0])] });
  const paths = { base: writeRaw(base), scaled: writeRaw(both.scaled), plain: writeRaw(both.plain) };

  test('a merge mixes products', async () => {
    for (const multiplier of [0.3, 1]) {
      const [a, b] = [out(), out()];
      await mergeModels({ a: paths.base, b: paths.scaled, out: a, mode: 'weighted-sum', multiplier, precision: 'F32' });
      await mergeModels({ a: paths.base, b: paths.plain, out: b, mode: 'weighted-sum', multiplier, precision: 'F32' });
      expect(await valuesIn(a)).toEqual(await valuesIn(b));
      const report = await mergeModels({ a: paths.scaled, b: paths.base, out: out(), mode: 'weighted-sum', multiplier: 0.5 });
      expect([report.onlyA, report.onlyB]).toEqual([[], []]);
    }
    const [a, b] = [out(), out()];
    await mergeModels({ a: paths.scaled, b: paths.base, c: paths.scaled, out: a, mode: 'add-difference', multiplier: 1, precision: 'F32' });
    await mergeModels({ a: paths.plain, b: paths.base, c: paths.plain, out: b, mode: 'add-difference', multiplier: 1, precision: 'F32' });
    expect(await valuesIn(a)).toEqual(await valuesIn(b));
  });
  test('a LoRA is the difference of products, and none between the scaled and the plain', async () => {
    const [a, b] = [out(), out()];
    await extractLora({ tuned: paths.scaled, base: paths.base, out: a, rank: 4, precision: 'F32' });
    await extractLora({ tuned: paths.plain, base: paths.base, out: b, rank: 4, precision: 'F32' });
    expect(await valuesIn(a)).toEqual(await valuesIn(b));
    await expect(extractLora({ tuned: paths.scaled, base: paths.plain, out: out(), rank: 4 })).rejects.toMatchObject({ code: 'extract.equal' });
  });
  test('a LoRA is baked into products, and may be scaled itself', async () => {
    const toK = 'lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_k';
    const lora = [floats(`${toK}.lora_down.weight`, [2, 6], randomValues(12, 5)), floats(`${toK}.lora_up.weight`, [8, 2], randomValues(16, 6)), floats(`${toK}.alpha`, [], [2])];
    const packed = scaled(lora, { factorName: 'weight_scale' });
    const bake = async (model: string, file: string): Promise<Record<string, number[]>> => {
      const to = out();
      await bakeLoras(ortRuntime(), { model, loras: [{ path: file, weight: 0.5 }], out: to, precision: 'F32' });
      return valuesIn(to);
    };
    const want = await bake(paths.plain, writeRaw(packed.plain));
    expect(await bake(paths.scaled, writeRaw(packed.scaled))).toEqual(want);
    expect(want[layer]).not.toEqual((await valuesIn(paths.plain))[layer]);
  });
});

test('fp8 without infinities and −0 is read by its own rules', async () => {
  const codes = [0x00, 0x01, 0x08, 0x40, 0x7f, 0xc0], e4m3 = [0, 2 ** -10, 2 ** -7, 1, 240, -1], e5m2 = [0, 2 ** -17, 2 ** -14, 1, 57344, -1];
  for (const [dtype, values] of [['F8_E4M3FNUZ', e4m3], ['F8_E5M2FNUZ', e5m2]] as const) {
    const path = writeWeights({ w: { dims: [6], values: codes, dtype } });
    expect(await converted(await readRaw(path), 'F32')).toEqual({ w: values });
    expect(await scanNotFinite(await openWeightFile(path))).toEqual([]);
    expect(await scanNotFinite(await openWeightFile(writeWeights({ w: { dims: [2], values: [1, 0x80], dtype } })))).toMatchObject([{ index: 1 }]);
  }
});

test('a file that is whole but for its form is refused as that', async () => {
  const { AppError } = await import('../../../main/engine/errors');
  const refused = whyNotRunnable(await openWeightFile(writeRaw([...diffusers, floats(`${name}.weight_scale_2`, [], [1])])));
  expect(refused).toBeInstanceOf(AppError);
  expect(refused!.info).toMatchObject({ code: 'weights.foreignForm', data: { form: 'modelopt', key: `${name}.weight_scale_2` } });
});
