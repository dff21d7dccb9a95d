// Weights by their place in a checkpoint: what they point at, in which shape, and what is said where they lack or do not fit.
import { describe, expect, test } from 'vitest';
import { primitiveDialect } from '../../../main/engine/graph/dialect';
import { Graph, type Value, type WeightRef } from '../../../main/engine/graph/graph';
import { linear } from '../../../main/engine/nn/layers';
import { WeightRecord, Weights } from '../../../main/engine/nn/weights';
import { int64 } from '../../../main/engine/tensor';
import type { TensorEntry, WeightFile } from '../../../main/engine/weights/source';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { weightFile } from '../../support/checkpoints';
import { writeWeights } from '../../support/weights';

const file = weightFile([['net.a.weight', [6, 4]], ['net.a.bias', [6]], ['net.conv.weight', [5, 3, 1, 1]], ['net.list.0.weight', [2], 'F32'], ['net.list.1.weight', [2], 'F32'], ['alone', [3]]]);
const at = (path = ''): Weights => new Weights(new Graph('test'), file, path);
const refOf = ({ from }: Value): WeightRef => { if (from.kind !== 'weight') throw new Error(`not a weight: ${from.kind}`); return from.weight; };
const entryOf = (name: string): TensorEntry => file.tensors.get(name)!;

describe('places', () => {
  test('a path, in one piece or in several, with a dot behind it or not', () => {
    expect([at('net').at('list').at(1), at('net.list.').at(1), at().at('net.list.1'), at('elsewhere').elsewhere('net.list.1')].map(({ path }) => path)).toEqual(Array(4).fill('net.list.1'));
    expect(at('net').at('list').at(1).tensor('weight', [2]).from).toMatchObject({ weight: { name: 'net.list.1.weight' } });
  });

  test('what a file may leave out is asked for, and refused in another shape', () => {
    expect([at('net').optional('b.bias', [6]), refOf(at('net').optional('a.bias', [6])!).name]).toEqual([undefined, 'net.a.bias']);
    expect(() => at('net').optional('a.bias', [7])).toThrow(expect.objectContaining({ code: 'weights.shapeMismatch' }));
  });

  test('a record has whatever is asked for, one behind the other, once, and nothing that may be left out', () => {
    const record = new WeightRecord(), w = new Weights(new Graph('test'), record, 'net');
    w.tensor('weight', [5, 3, 1, 1], [5, 3]);
    w.rows('packed', [6, 4], 2, 2);
    w.tensor('weight', [5, 3, 1, 1]);
    expect(w.optional('bias', [5])).toBeUndefined();
    expect([...record.tensors.values()].map(({ name, shape, offset }) => [name, shape, offset])).toEqual([['net.weight', [5, 3, 1, 1], 0], ['net.packed', [6, 4], 60]]);
  });
});

describe('tensors', () => {
  test('point at their bytes and stay as they are stored; one value however often they are asked for', () => {
    const w = at('net.a'), value = w.tensor('weight', [6, 4]), { offset, byteLength } = entryOf('net.a.weight');
    expect(value).toMatchObject({ dtype: 'float32', dims: [6, 4] });
    expect(refOf(value)).toEqual({ name: 'net.a.weight', file: file.path, offset, byteLength, stored: 'F16' });
    expect(w.optional('weight', [6, 4])).toBe(value);
    expect(w.tensor('weight', [6, 4])).toBe(value);
  });

  test('read in another shape of the same size, as a 1×1 convolution is a matrix', () => {
    const g = new Graph('test'), w = new Weights(g, file, 'net.conv');
    expect(w.tensor('weight', [5, 3, 1, 1], [5, 3])).toMatchObject({ dims: [5, 3] });
    expect(linear(g, w, g.input('x', 'float32', [7, 3]), 5, { as1x1: true, bias: false }).dims).toEqual([7, 5]);
  });

  test('of a model in several files lie in their own', () => {
    const parts: WeightFile = { ...file, tensors: new Map([...file.tensors].map(([name, entry]) => [name, name.startsWith('net') ? { ...entry, file: '/models/unet.safetensors' } : entry])) };
    const w = new Weights(new Graph('test'), parts);
    expect([refOf(w.tensor('net.a.bias', [6])).file, refOf(w.tensor('alone', [3])).file]).toEqual(['/models/unet.safetensors', file.path]);
  });

  test('one that lacks is named with its file', () => {
    expect(() => at('net').tensor('b.weight', [1])).toThrow(expect.objectContaining({ code: 'weights.missingTensor', data: { file: file.path, key: 'net.b.weight' } }));
    expect(() => at('net').rows('b.weight', [1], 0, 1)).toThrow(expect.objectContaining({ code: 'weights.missingTensor', data: { file: file.path, key: 'net.b.weight' } }));
  });

  test('one of another size is refused with both shapes', () => {
    expect(() => at('net').tensor('a.weight', [6, 5])).toThrow(expect.objectContaining({
      code: 'weights.shapeMismatch', data: { file: file.path, key: 'net.a.weight', got: [6, 4], want: [6, 5] },
    }));
  });
});

test('rows: so many bytes from so far on, of matrices and of vectors', () => {
  const w = at('net.a'), weight = entryOf('net.a.weight'), bias = entryOf('net.a.bias');
  expect(refOf(w.rows('weight', [6, 4], 2, 3))).toMatchObject({ offset: weight.offset + 2 * 8, byteLength: 3 * 8 });
  expect(w.rows('weight', [6, 4], 2, 3).dims).toEqual([3, 4]);
  expect(refOf(w.rows('bias', [6], 4, 2))).toMatchObject({ offset: bias.offset + 8, byteLength: 4 });
  expect(w.rows('weight', [6, 4], 2, 3)).toBe(w.rows('weight', [6, 4], 2, 3));
  expect(w.rows('weight', [6, 4], 0, 3)).not.toBe(w.rows('weight', [6, 4], 3, 3));
});

describe('axes in another order', () => {
  const turn = (entry: TensorEntry, shape: readonly number[], perm: readonly number[]): WeightFile => ({ ...file, tensors: new Map([[entry.name, { ...entry, layout: { shape, perm } }]]) });

  test('the graph turns the bytes as they lie, then reads them in the shape that is asked for', () => {
    const g = new Graph('test'), w = new Weights(g, turn(entryOf('net.conv.weight'), [5, 1, 1, 3], [0, 3, 1, 2]), 'net.conv');
    expect(w.tensor('weight', [5, 3, 1, 1]).dims).toEqual([5, 3, 1, 1]);
    expect(w.tensor('weight', [5, 3, 1, 1], [5, 3]).dims).toEqual([5, 3]);
    expect(g.nodes.map(({ op, in: [input], attributes }) => [op, input!.dims, attributes])).toEqual([
      ['Transpose', [5, 1, 1, 3], { perm: [0, 3, 1, 2] }], ['Transpose', [5, 1, 1, 3], { perm: [0, 3, 1, 2] }], ['Reshape', [5, 3, 1, 1], { dims: [5, 3] }],
    ]);
    g.output('out', w.tensor('weight', [5, 3, 1, 1]));
    expect([...g.weightRefs()]).toMatchObject([{ name: 'net.conv.weight', byteLength: 30 }]);
  });

  test('the values are the tensor\'s: whole, its rows, in float16 and float32', async () => {
    const values = Array.from({ length: 24 }, (_, i) => i), columns = Array.from({ length: 24 }, (_, i) => (i % 6) * 4 + Math.floor(i / 6));   // [6, 4] kept as [4, 6]
    for (const dtype of ['F16', 'F32'] as const) {
      const stored = await openWeightFile(writeWeights({ w: { dims: [4, 6], values: columns, dtype } }));
      const w = { ...stored.tensors.get('w')!, shape: [6, 4], layout: { shape: [4, 6], perm: [1, 0] } };
      expect(await rowsOf({ ...stored, tensors: new Map([['w', w]]) }, (g) => g.tensor('w', [6, 4]))).toEqual(values);
      expect(await rowsOf({ ...stored, tensors: new Map([['w', w]]) }, (g) => g.rows('w', [6, 4], 2, 3))).toEqual(values.slice(8, 20));
    }
  });
});

/** The value as onnxruntime has it. */
async function rowsOf(weights: WeightFile, take: (w: Weights) => Value): Promise<number[]> {
  const g = new Graph('test'), value = take(new Weights(g, weights)), rows = value.dims[0]!;
  g.output('out', g.apply('Gather', [value, g.input('ids', 'int64', [rows])]));
  const session = await ortRuntime({ dialect: primitiveDialect, threads: 1 }).open(g);
  const { out } = await session.run({ ids: int64([rows], Array.from({ length: rows }, (_, i) => i)) });
  await session.close();
  return [...out!.data];
}
