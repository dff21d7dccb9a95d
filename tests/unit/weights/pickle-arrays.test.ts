// Tensors that a pickle holds in other ways than as a row of a storage: numpy arrays of devices without storages, and views; and forms that hold no values.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate } from '../../../main/cli/golden/networks';
import { identify } from '../../../main/engine/identify/identify';
import { Graph } from '../../../main/engine/graph/graph';
import { linear } from '../../../main/engine/nn/layers';
import { Weights } from '../../../main/engine/nn/weights';
import { float32, sizeOf, type Dims } from '../../../main/engine/tensor';
import { openWeightFile, scanNotFinite } from '../../../main/files/weight-file';
import { convertModel } from '../../../main/services/model-tools/convert';
import { readEmbedding } from '../../../main/worker/embeddings/file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { scratchFolder } from '../../support/checkpoints';
import { fuzzRuns } from '../../support/fuzz';
import { bytesOf, countingStorage, deviceTensor, elementsOf, numpyArray, op, Raw, TestTensor, torchLegacy, torchZip, Tuple, type Value } from '../../support/pickles';
import { readWeights } from '../../support/weights';

const write = (value: Value, to: (value: Value) => Uint8Array = torchZip): string => { const path = join(scratchFolder(), 'lilac.pt'); writeFileSync(path, to(value)); return path; };
const bytes = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
/** As float32, through the tools. */
const valuesOf = async (path: string): Promise<Record<string, number[]>> => {
  const out = join(scratchFolder(), 'out.safetensors');
  await convertModel({ in: path, out });
  return Object.fromEntries(Object.entries((await readWeights(out)).tensors).map(([name, { values }]) => [name, values]));
};

describe('numpy arrays', () => {
  test('an embedding from DirectML, and one from XLA in halves', async () => {
    const vectors = Array.from({ length: 2 * 128 }, (_, i) => i / 256 - 0.5);
    const path = write({ string_to_token: { '*': 265 }, string_to_param: { '*': deviceTensor(numpyArray('f4', [2, 128], bytes(...vectors))) }, name: 'lilac', step: 100 });
    const file = await openWeightFile(path);
    expect([...file.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([['string_to_param.*', 'F32', [2, 128]]]);
    expect(identify(file)).toMatchObject({ kind: 'embedding', parameters: 256, metadata: { name: 'lilac', step: '100' } });
    expect([...(await readEmbedding(path)).vectors.get(128)!.data]).toEqual(vectors.map(Math.fround));
    expect(await valuesOf(write({ w: deviceTensor(numpyArray('f2', [2], Uint8Array.of(0, 0x3c, 0, 0xc0), { module: 'numpy._core' }), 'float16', 'xla:0') }))).toEqual({ w: [1, -2] });
  });
  test('from XLA as older torch wrote it', async () => {
    const old = new Raw(op.global('torch._utils', '_rebuild_xla_tensor'), '(', numpyArray('f4', [2], bytes(0.25, -7)), op.global('torch', 'float32'), op.unicode('xla:1'), op.false, 't', op.reduce);
    expect(await valuesOf(write({ w: old }))).toEqual({ w: [0.25, -7] });
  });
  test('bfloat16 comes as float32, a parameter in its own wrapping', async () => {
    const array = deviceTensor(numpyArray('f4', [2], bytes(0.5, -3)), 'bfloat16', 'xla:0');
    const parameter = new Raw(op.global('torch._utils', '_rebuild_parameter'), '(', array, op.true, op.none, 't', op.reduce);
    const withState = new Raw(op.global('torch._utils', '_rebuild_parameter_with_state'), '(', array, op.true, op.none, '}', 't', op.reduce);
    const fromCpu = new Raw(op.global('torch._utils', '_rebuild_device_tensor_from_cpu_tensor'), '(', new TestTensor({ dtype: 'F32', data: bytes(7) }, [1]), op.global('torch', 'float32'), op.unicode('privateuseone:0'), op.false, 't', op.reduce);
    expect(await valuesOf(write({ a: array, b: parameter, c: withState, d: fromCpu }))).toEqual({ a: [0.5, -3], b: [0.5, -3], c: [0.5, -3], d: [7] });
  });
  test.each<[string, Raw, number[]]>([
    ['in Fortran\'s order', numpyArray('f4', [2, 3], bytes(1, 4, 2, 5, 3, 6), { isFortran: true }), [1, 2, 3, 4, 5, 6]], ['of another byte order', numpyArray('f4', [2], bytes(1, -2).reverse(), { order: '>' }), [-2, 1]],
    ['of whole numbers', numpyArray('i8', [2], new Uint8Array(BigInt64Array.of(3n, -4n).buffer)), [3, -4]], ['with bytes as bytes', numpyArray('<f4', [1], bytes(2.5), { asText: false }), [2.5]], ['without axes', numpyArray('f4', [], bytes(9)), [9]], ['of nothing', numpyArray('f4', [0, 3], bytes()), []],
    ['of doubles', numpyArray('float64', [1], new Uint8Array(Float64Array.of(0.1).buffer)), [Math.fround(0.1)]],
  ])('an array %s', async (_, array, values) => {
    for (const to of [torchZip, torchLegacy]) expect(await valuesOf(write({ w: deviceTensor(array) }, to))).toEqual({ w: values });
  });
  test('arrays that are no tensors count where there is none', async () => {
    const array = numpyArray('f4', [2], bytes(1, 2)), buffer = new Raw(op.global('numpy._core.numeric', '_frombuffer'), '(', op.bytes(bytes(3, 4)), op.global('numpy', 'dtype'), op.unicode('f4'), op.tuple1, op.reduce, op.int(2), op.tuple1, op.unicode('C'), 't', op.reduce);
    expect(await valuesOf(write({ a: array, b: buffer }))).toEqual({ a: [1, 2], b: [3, 4] });
    expect(await valuesOf(write({ a: new TestTensor({ dtype: 'F32', data: bytes(5) }, [1]), random_state: new Tuple('MT19937', array) }))).toEqual({ a: [5] });
  });
  test('a broken value in one is found', async () => {
    expect(await scanNotFinite(await openWeightFile(write({ w: deviceTensor(numpyArray('f4', [3], bytes(1, NaN, 2))) })))).toMatchObject([{ tensor: 'w', index: 1 }]);
  });
  test.each<[string, Raw]>([
    ['more than its bytes', numpyArray('f4', [2], bytes(1, 2), { claims: [3] })], ['fewer', numpyArray('f4', [2], bytes(1, 2), { claims: [1] })], ['without end', numpyArray('f4', [2], bytes(1, 2), { claims: [2 ** 30, 2 ** 30] })], ['less than nothing', numpyArray('f4', [2], bytes(1, 2), { claims: [-2] })],
    ['characters that are no bytes', new Raw(numpyArray('f4', [1], bytes(1)), '(', op.int(1), op.int(1), op.tuple1, op.global('numpy', 'dtype'), op.unicode('f4'), op.tuple1, op.reduce, op.false, op.unicode('€€€€'), 't', op.build)],
  ])('an array that claims %s is refused', async (_, array) => {
    await expect(openWeightFile(write({ w: deviceTensor(array) }))).rejects.toMatchObject({ code: 'weights.badHeader', data: { why: 'pickle' } });
  });
  test.each<[string, Raw]>([['texts', numpyArray('U1', [2], new Uint8Array(8))], ['objects', numpyArray('O8', [1], new Uint8Array(8))], ['records', numpyArray('V8', [1], new Uint8Array(8))]])('an array of %s is no tensor', async (_, array) => {
    await expect(openWeightFile(write({ w: deviceTensor(array) }))).rejects.toMatchObject({ code: 'weights.badHeader' });
  });
  test('a whole layer of them computes', async () => {
    const weight = Array.from({ length: 12 }, (_, i) => i - 6), path = write({ 'l.weight': deviceTensor(numpyArray('f4', [3, 4], bytes(...weight))), 'l.bias': deviceTensor(numpyArray('f2', [3], Uint8Array.of(0, 0x3c, 0, 0x40, 0, 0x42))) });
    const file = await openWeightFile(path), g = new Graph('test');
    g.output('out', linear(g, new Weights(g, file, 'l'), g.input('x', 'float32', [1, 4]), 3));
    expect([...(await evaluate(ortRuntime({ threads: 1 }), g, { x: float32([1, 4], Float32Array.of(1, 2, 3, 4)) })).out!.data]).toEqual([0, 1, 2].map((row) => [1, 2, 3, 4].reduce((sum, x, i) => sum + x * weight[row * 4 + i]!, row + 1)));
  });
});

describe('views', () => {
  /** [rows, columns] out of something wider, every `step`-th of each. */
  const sliced = (dtype: 'F32' | 'F16' | 'F8_E4M3', shape: Dims, strides: Dims, offset = 0): TestTensor => new TestTensor(countingStorage(dtype, offset + shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis]!, 1) + 3), shape, { strides, offset });
  test.each<[string, TestTensor]>([
    ['columns', sliced('F32', [3, 2], [4, 1], 1)], ['every second row', sliced('F16', [3, 4], [8, 1])], ['every second column', sliced('F16', [3, 4], [8, 2])], ['turned columns', sliced('F32', [2, 3], [1, 4])],
    ['channels of a convolution', sliced('F16', [4, 2, 3, 3], [81, 9, 3, 1], 5)], ['channels last, of more', sliced('F32', [2, 3, 2, 2], [48, 1, 12, 6])], ['a diagonal', sliced('F32', [4], [5])], ['a factorization\'s first columns', sliced('F32', [16, 4], [16, 1])], ['fp8', sliced('F8_E4M3', [3, 2], [5, 1])],
  ])('%s', async (_, tensor) => {
    for (const to of [torchZip, torchLegacy]) {
      const path = write({ w: tensor }, to), file = await openWeightFile(path), elements = elementsOf(readFileSync(path), file.tensors.get('w')!);
      const storage = tensor.storage.data, size = storage.length / (storage.length / (elements.length / sizeOf(tensor.shape)));
      const want: number[] = [];
      const walk = (axis: number, at: number): void => { if (axis === tensor.shape.length) want.push(...storage.subarray(at * size, (at + 1) * size)); else for (let i = 0; i < tensor.shape[axis]!; i++) walk(axis + 1, at + i * tensor.strides[axis]!); };
      walk(0, tensor.offset);
      expect([...elements]).toEqual(want);
    }
  });
  test('its values: through the tools, in a layer, as an embedding, its rows', async () => {
    const storage = { dtype: 'F32' as const, data: bytes(...Array.from({ length: 40 }, (_, i) => i)) };
    const view = new TestTensor(storage, [3, 4], { strides: [10, 2], offset: 3 }), values = [0, 1, 2].flatMap((row) => [0, 1, 2, 3].map((column) => 3 + 10 * row + 2 * column));
    const path = write({ 'l.weight': view });
    expect(await valuesOf(path)).toEqual({ 'l.weight': values });
    const file = await openWeightFile(path);
    for (const [take, want] of [[(w: Weights) => w.tensor('weight', [3, 4]), values], [(w: Weights) => w.rows('weight', [3, 4], 1, 2), values.slice(4)]] as const) {
      const g = new Graph('test'), value = take(new Weights(g, file, 'l'));
      g.output('out', g.apply('Add', [value, g.input('zero', 'float32', [1])]));
      expect([...(await evaluate(ortRuntime({ threads: 1 }), g, { zero: float32([1]) })).out!.data]).toEqual(want);
    }
    expect([...(await readEmbedding(write({ emb_params: view }))).vectors.get(4)!.data]).toEqual(values);
    storage.data.set(bytes(NaN), 4 * 4);          // between what the view sees
    expect(await scanNotFinite(await openWeightFile(write({ w: view })))).toEqual([]);
  });
  test('any view within its storage is what it shows (property)', async () => {
    const axes = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 12 })), { minLength: 1, maxLength: 4 });
    await fc.assert(fc.asyncProperty(axes, fc.nat(5), async (sizes, offset) => {
      const shape = sizes.map(([size]) => size), strides = sizes.map(([, stride]) => stride), last = shape.reduce((sum, n, axis) => sum + (n - 1) * strides[axis]!, offset);
      const tensor = new TestTensor({ dtype: 'U8', data: Uint8Array.from({ length: last + 1 }, (_, i) => i) }, shape, { strides, offset });
      const seen: number[] = [];
      const walk = (axis: number, at: number): void => { if (axis === shape.length) seen.push(at & 0xff); else for (let i = 0; i < shape[axis]!; i++) walk(axis + 1, at + i * strides[axis]!); };
      walk(0, offset);
      const path = write({ w: tensor }), file = await openWeightFile(path).catch((error: unknown) => error as { code: string });
      if ('code' in file) expect([file.code, new Set(seen).size < seen.length || seen.length > 1]).toEqual(['weights.unsupportedLayout', true]);
      else expect([...elementsOf(readFileSync(path), file.tensors.get('w')!)]).toEqual(seen);
    }), { numRuns: Math.min(fuzzRuns(200), 2000) });
  });
});

test.each<[string, string, Value[]]>([
  ['meta', '_rebuild_meta_tensor_no_storage', []], ['sparse', '_rebuild_sparse_tensor', [new Tuple()]], ['quantized', '_rebuild_qtensor', []], ['nested', '_rebuild_nested_tensor', []], ['wrapped', '_rebuild_wrapper_subclass', []],
])('tensors of the form "%s" are refused by it', async (why, name, args) => {
  const call = new Raw(op.global('torch._utils', name), '(', ...args.map(() => op.none), 't', op.reduce);
  await expect(openWeightFile(write({ w: call }))).rejects.toMatchObject({ code: 'weights.tensorForm', data: { why } });
  await expect(openWeightFile(write(bytesOf(op.proto(2), op.global('numpy.core.multiarray', 'fromfile'), op.stop) as never))).rejects.toMatchObject({ code: 'weights.forbiddenGlobal' });
});

test('sizes, devices and layouts are words', async () => {
  const size = new Raw(op.global('torch', 'Size'), '(', op.int(2), op.int(3), 't', op.tuple1, op.reduce), device = new Raw(op.global('torch', 'device'), op.unicode('mps'), op.int(0), op.tuple2, op.reduce), layout = new Raw(op.global('torch.serialization', '_get_layout'), op.unicode('torch.strided'), op.tuple1, op.reduce);
  expect(await valuesOf(write({ w: new TestTensor({ dtype: 'F32', data: bytes(5) }, [1]), size, device, layout }))).toEqual({ w: [5] });
});
