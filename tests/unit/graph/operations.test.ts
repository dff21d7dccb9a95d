// Shape rules refuse what does not fit, naming the operation; ONNX emission gives what the formulas say.
import { describe, expect, it } from 'vitest';
import { cpuDialect, primitiveDialect, type Dialect } from '../../../main/engine/graph/dialect';
import { Graph, type Value } from '../../../main/engine/graph/graph';
import type { OperationName } from '../../../main/engine/graph/operations';
import type { Pads } from '../../../main/engine/graph/primitives';
import { float32, int64, sizeOf, type AnyTensor, type Dims, type Tensor } from '../../../main/engine/tensor';
import { ortRuntime } from '../../../main/worker/ort-runtime';

/** Values that differ everywhere, seeded by their length. */
const ramp = (dims: Dims): Tensor => float32(dims, Float32Array.from({ length: sizeOf(dims) }, (_, i) => Math.sin(i * 12.9898 + sizeOf(dims)) * 2));

/** With attributes that the type of the operation does not vouch for. */
const apply = (g: Graph, op: OperationName, inputs: readonly Value[], attributes: object): Value =>
  (g.apply as (op: OperationName, inputs: readonly Value[], attributes: object) => Value).call(g, op, inputs, attributes);

async function evaluate(op: OperationName, inputs: readonly AnyTensor[], attributes: object = {}, dialect: Dialect = cpuDialect): Promise<Tensor> {
  const g = new Graph('test');
  const values: Value[] = inputs.map((tensor, i) => g.input(`i${i}`, tensor.dtype, tensor.dims));
  g.output('out', apply(g, op, values, attributes));
  const session = await ortRuntime({ dialect, threads: 1 }).open(g);
  try {
    return (await session.run(Object.fromEntries(inputs.map((tensor, i) => [`i${i}`, tensor]))))['out']!;
  } finally {
    await session.close();
  }
}

function expectClose(got: Tensor, want: ArrayLike<number>, dims?: Dims): void {
  if (dims) expect(got.dims).toEqual(dims);
  expect(got.data.length).toBe(want.length);
  for (let i = 0; i < want.length; i++) expect(got.data[i]).toBeCloseTo(want[i]!, 4);
}

/** One input, element by element. */
const erf = (x: number): number => {
  let sum = 0;                                                              // Simpson's rule over 2/√π·e^(−t²)
  const n = 200;
  for (let i = 0; i <= n; i++) sum += (i === 0 || i === n ? 1 : i % 2 ? 4 : 2) * Math.exp(-(((x * i) / n) ** 2));
  return (2 / Math.sqrt(Math.PI)) * (x / n / 3) * sum;
};
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const elementwise: readonly [OperationName, (x: number) => number][] = [
  ['Silu', (x) => x * sigmoid(x)],
  ['QuickGelu', (x) => x * sigmoid(1.702 * x)],
  ['Gelu', (x) => 0.5 * x * (1 + erf(x / Math.SQRT2))],
  ['Erf', erf], ['Sigmoid', sigmoid], ['Tanh', Math.tanh], ['Relu', (x) => Math.max(0, x)],
];

describe.each([['cpu', cpuDialect], ['primitive', primitiveDialect]] as const)('in the %s dialect', (_, dialect) => {
  it.each(elementwise)('%s follows its formula', async (op, formula) => {
    const x = ramp([2, 3, 5]);
    expectClose(await evaluate(op, [x], {}, dialect), x.data.map(formula), [2, 3, 5]);
  });

  it('LeakyRelu and Prelu let a share of what is below 0 through, the second by channel', async () => {
    const x = ramp([2, 3, 2, 5]), slope = float32([3], Float32Array.of(0.25, -0.5, 1.5));
    expectClose(await evaluate('LeakyRelu', [x], { alpha: 0.2 }, dialect), x.data.map((v) => (v < 0 ? 0.2 * v : v)), x.dims);
    expectClose(await evaluate('Prelu', [x, slope], {}, dialect), x.data.map((v, i) => (v < 0 ? slope.data[Math.floor(i / 10) % 3]! * v : v)), x.dims);
  });

  it('Linear is x·Wᵀ + b over the last dimension, whatever stands before it', async () => {
    const [x, w, b] = [ramp([2, 3, 4]), ramp([5, 4]), ramp([5])];
    const want = Array.from({ length: 30 }, (_, i) => {
      const [row, out] = [Math.floor(i / 5), i % 5];
      return b.data[out]! + [0, 1, 2, 3].reduce((sum, k) => sum + x.data[row * 4 + k]! * w.data[out * 4 + k]!, 0);
    });
    expectClose(await evaluate('Linear', [x, w, b], {}, dialect), want, [2, 3, 5]);
  });

  it('Attention is softmax(q·kᵀ/√d + bias)·v, head by head', async () => {
    const [heads, d, queries, keys] = [2, 8, 3, 4];
    const [q, k, v, bias] = [ramp([1, queries, heads * d]), ramp([1, keys, heads * d]), ramp([1, keys, heads * d]), ramp([1, 1, queries, keys])];
    const want = new Float32Array(queries * heads * d);
    for (let h = 0; h < heads; h++) {
      for (let i = 0; i < queries; i++) {
        const scores = Array.from({ length: keys }, (_, j) => {
          let dot = 0;
          for (let c = 0; c < d; c++) dot += q.data[i * heads * d + h * d + c]! * k.data[j * heads * d + h * d + c]!;
          return Math.exp(dot / Math.sqrt(d) + bias.data[i * keys + j]!);
        });
        const total = scores.reduce((a, b) => a + b);
        for (let c = 0; c < d; c++) want[i * heads * d + h * d + c] = scores.reduce((sum, s, j) => sum + (s / total) * v.data[j * heads * d + h * d + c]!, 0);
      }
    }
    expectClose(await evaluate('Attention', [q, k, v, bias], { heads }, dialect), want, [1, queries, heads * d]);
  });

  it('GroupNorm normalises each group, then scales each channel', async () => {
    const [x, scale, bias] = [ramp([2, 4, 3, 2]), ramp([4]), ramp([4])];
    const want = new Float32Array(x.data.length);
    const group = 2 * 3 * 2;
    for (let g = 0; g < 4; g++) {
      const part = x.data.subarray(g * group, (g + 1) * group);
      const mean = part.reduce((a, b) => a + b) / group;
      const variance = part.reduce((sum, value) => sum + (value - mean) ** 2, 0) / group;
      part.forEach((value, i) => {
        const channel = (g % 2) * 2 + Math.floor(i / 6);
        want[g * group + i] = ((value - mean) / Math.sqrt(variance + 1e-5)) * scale.data[channel]! + bias.data[channel]!;
      });
    }
    expectClose(await evaluate('GroupNorm', [x, scale, bias], { groups: 2, epsilon: 1e-5 }, dialect), want, [2, 4, 3, 2]);
  });
});

it('Upsample repeats the nearest value, also to sizes that are no multiple', async () => {
  const x = float32([1, 1, 2, 2], Float32Array.of(1, 2, 3, 4));
  expectClose(await evaluate('Upsample', [x], { height: 3, width: 4 }), [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4], [1, 1, 3, 4]);
});

it('Conv in groups reads for each group of outputs its own inputs', async () => {
  const [x, w, b] = [ramp([1, 4, 3, 3]), ramp([4, 2, 1, 1]), ramp([4])], weight = (o: number, i: number): number => w.data[o * 2 + i]!;
  const want = Array.from({ length: 36 }, (_, i) => {
    const [o, at] = [Math.floor(i / 9), i % 9], first = o < 2 ? 0 : 2;
    return weight(o, 0) * x.data[first * 9 + at]! + weight(o, 1) * x.data[(first + 1) * 9 + at]! + b.data[o]!;
  });
  expectClose(await evaluate('Conv', [x, w, b], { stride: 1, pads: [0, 0, 0, 0], groups: 2 }), want, [1, 4, 3, 3]);
});

it('MaxPool takes the largest of each window, and nothing of the padding', async () => {
  const x = float32([1, 1, 3, 3], Float32Array.of(-9, -8, -7, -6, -5, -4, -3, -2, -1));
  expectClose(await evaluate('MaxPool', [x], { kernel: 2, stride: 2, pads: [0, 0, 1, 1] }), [-5, -4, -2, -1], [1, 1, 2, 2]);
});

it('Clip holds values within its bounds', async () => {
  expectClose(await evaluate('Clip', [float32([5], Float32Array.of(-9, -1, 0.5, 6, 7))], { min: -1, max: 6 }), [-1, -1, 0.5, 6, 6]);
});

it('ResizeBilinear blends around the centres of the new pixels', async () => {
  const x = float32([1, 1, 1, 2], Float32Array.of(0, 4));
  expectClose(await evaluate('ResizeBilinear', [x], { height: 2, width: 4 }), [0, 1, 3, 4, 0, 1, 3, 4], [1, 1, 2, 4]);
});

it('Slice, Concat and Gather pick and join', async () => {
  const x = ramp([2, 6]);
  expectClose(await evaluate('Slice', [x], { axis: 1, start: 2, end: 5 }), [2, 3, 4, 8, 9, 10].map((i) => x.data[i]!), [2, 3]);
  expectClose(await evaluate('Concat', [x, x], { axis: 0 }), [...x.data, ...x.data], [4, 6]);
  expectClose(await evaluate('Gather', [x, int64([3], [1, 0, 1])]), [...x.data.slice(6), ...x.data.slice(0, 6), ...x.data.slice(6)], [3, 6]);
});

it('Conv pads and strides as asked, each side by itself', () => {
  const g = new Graph('test');
  const x = g.input('x', 'float32', [1, 3, 9, 8]), w = g.input('w', 'float32', [4, 3, 3, 3]);
  const conv = (stride: number, pads: Pads) =>
    g.apply('Conv', [x, w], { stride, pads }).dims;
  expect(conv(1, [1, 1, 1, 1])).toEqual([1, 4, 9, 8]);
  expect(conv(2, [0, 0, 1, 1])).toEqual([1, 4, 4, 4]);
});

it.each<[string, OperationName, Dims[], object, RegExp]>([
  ['a convolution of other channels', 'Conv', [[1, 3, 8, 8], [4, 2, 3, 3]], { stride: 1, pads: [1, 1, 1, 1] }, /Conv weight \[4,2,3,3\].*3 channels/],
  ['a convolution in groups that do not divide', 'Conv', [[1, 4, 8, 8], [3, 2, 3, 3]], { stride: 1, pads: [1, 1, 1, 1], groups: 2 }, /Conv weight \[3,2,3,3\].*4 channels in 2 groups/],
  ['a window that is padding alone', 'MaxPool', [[1, 1, 8, 8]], { kernel: 2, stride: 1, pads: [2, 0, 0, 0] }, /MaxPool of \[1,1,8,8\] by 2/],
  ['a linear layer of another width', 'Linear', [[2, 5], [4, 3]], {}, /Linear weight \[4,3\].*\[2,5\]/],
  ['a product of other inner sizes', 'MatMul', [[2, 3], [4, 5]], {}, /MatMul cannot multiply \[2,3\] by \[4,5\]/],
  ['heads that do not divide', 'Attention', [[1, 4, 10], [1, 4, 10], [1, 4, 10]], { heads: 3 }, /3 heads do not divide a width of 10/],
  ['a sum that cannot broadcast', 'Add', [[2, 3], [2, 4]], {}, /Add cannot broadcast/],
  ['slopes of other channels', 'Prelu', [[1, 3, 4, 4], [4]], {}, /Prelu of \[1,3,4,4\] with slopes \[4\]/],
  ['a reshape to another size', 'Reshape', [[2, 3]], { dims: [7] }, /Reshape of \[2,3\] to \[7\]/],
])('refuses %s', (_, op, dims, attributes, message) => {
  const g = new Graph('test');
  expect(() => apply(g, op, dims.map((d, i) => g.input(`i${i}`, 'float32', d)), attributes)).toThrow(message);
});

it('counts the work of products: two operations a multiply-add', () => {
  const g = new Graph('test');
  g.output('y', g.apply('Linear', [g.input('x', 'float32', [2, 7, 16]), g.input('w', 'float32', [32, 16])]));
  expect(g.flops()).toBe(2 * 14 * 16 * 32);
});
