// The primitives: what every network comes down to, what a gradient rule is written for, and what any provider can run by ONNX's own operators.
// For each its shape rule and its cost; `dialect.ts` says how it is written.
import { sizeOf, type Dims, type DType } from '../tensor';
import type { Value } from './graph';

type None = Readonly<Record<never, never>>;

/** [top, left, bottom, right] */
export type Pads = readonly [number, number, number, number];

/** What each primitive is told beside its inputs. */
export interface PrimitiveAttributes {
  Add: None; Sub: None; Mul: None; Div: None;
  Sqrt: None; Erf: None; Sigmoid: None; Tanh: None; Relu: None;
  MatMul: None;
  Conv: { readonly stride: number; readonly pads: Pads; readonly groups?: number };
  MaxPool: { readonly kernel: number; readonly stride: number; readonly pads: Pads };
  Softmax: { readonly axis: number };
  ReduceMean: { readonly axes: readonly number[] };
  ReduceSum: { readonly axes: readonly number[] };
  Reshape: { readonly dims: Dims };
  Transpose: { readonly perm: readonly number[] };
  Concat: { readonly axis: number };
  Slice: { readonly axis: number; readonly start: number; readonly end: number };
  Upsample: { readonly height: number; readonly width: number };
  Gather: None;
}

export type PrimitiveName = keyof PrimitiveAttributes;

/** An optional input that is not given is undefined. */
export type Inputs = readonly (Value | undefined)[];

export interface Operation<Attributes> {
  /** Shape of the result; throws RangeError naming the operation when the inputs do not fit. float32 unless `dtype` says otherwise. */
  shape(inputs: Inputs, attributes: Attributes): { dims: Dims; dtype?: DType };
  /** Floating-point operations of one run; a multiply-add counts as two. */
  flops?(inputs: Inputs, out: Value): number;
}

type Shape = (inputs: Inputs) => { dims: Dims; dtype: DType };

const elementwise = (name: string): Shape => ([x]) => ({ dims: need(x, name).dims, dtype: float(x, name) });

const broadcasting = (name: string): Shape => ([a, b]) => {
  if (need(a, name).dtype !== need(b, name).dtype) throw new RangeError(`${name} of ${a!.dtype} and ${b!.dtype}`);
  return { dims: broadcast(a!.dims, b!.dims, name), dtype: a!.dtype };
};

/** Over `axes`, which stay as dimensions of 1. */
const reduction = (name: string): Operation<{ readonly axes: readonly number[] }> => ({
  shape([x], { axes }) {
    const { dims } = need(x, name);
    for (const at of axes) axis(dims, at, name);
    if (new Set(axes).size !== axes.length || axes.length === 0) throw new RangeError(`${name} over the axes [${axes}]`);
    return { dims: dims.map((n, i) => (axes.includes(i) ? 1 : n)), dtype: float(x, name) };
  },
});

export const primitives: { readonly [K in PrimitiveName]: Operation<PrimitiveAttributes[K]> } = {
  Add: { shape: broadcasting('Add') }, Sub: { shape: broadcasting('Sub') }, Mul: { shape: broadcasting('Mul') }, Div: { shape: broadcasting('Div') },
  Sqrt: { shape: elementwise('Sqrt') }, Erf: { shape: elementwise('Erf') }, Sigmoid: { shape: elementwise('Sigmoid') },
  Tanh: { shape: elementwise('Tanh') }, Relu: { shape: elementwise('Relu') },

  /** a [..., M, K] · b [..., K, N], leading dimensions broadcast. */
  MatMul: {
    shape([a, b]) {
      const [p, q] = [need(a, 'MatMul').dims, need(b, 'MatMul').dims];
      if (p.length < 2 || q.length < 2 || p.at(-1) !== q.at(-2)) throw new RangeError(`MatMul cannot multiply [${p}] by [${q}]`);
      return { dims: [...broadcast(p.slice(0, -2), q.slice(0, -2), 'MatMul'), p.at(-2)!, q.at(-1)!], dtype: float(a, 'MatMul') };
    },
    flops: ([a], out) => 2 * sizeOf(out.dims) * need(a, 'MatMul').dims.at(-1)!,
  },
  /** x [B, Cin, H, W], weight [Cout, Cin/groups, kH, kW], bias [Cout]? → [B, Cout, H', W']. Each group of outputs reads its own group of inputs. */
  Conv: {
    shape([x, w, b], { stride, pads, groups = 1 }) {
      const [batch, cin, height, width] = rank(x, 4, 'Conv input');
      const [cout, cin2, kh, kw] = rank(w, 4, 'Conv weight');
      if (cin !== cin2 * groups || cout % groups) throw new RangeError(`Conv weight [${w!.dims}] does not fit an input of ${cin} channels${groups > 1 ? ` in ${groups} groups` : ''}`);
      if (b && (b.dims.length !== 1 || b.dims[0] !== cout)) throw new RangeError(`Conv bias [${b.dims}] does not fit ${cout} output channels`);
      const dims = [batch, cout, ...windows([height, width], [kh, kw], stride, pads)];
      if (dims[2]! < 1 || dims[3]! < 1) throw new RangeError(`Conv weight [${w!.dims}] is larger than its input [${x!.dims}]`);
      return { dims };
    },
    flops: ([, w], { dims: [batch = 0, , height = 0, width = 0] }) => 2 * sizeOf(need(w, 'Conv').dims) * batch * height * width,
  },
  /** The largest of each window; what is padded is smaller than anything. x [B, C, H, W] → [B, C, H', W']. */
  MaxPool: {
    shape([x], { kernel, stride, pads }) {
      const [batch, channels, height, width] = rank(x, 4, 'MaxPool input'), dims = [batch, channels, ...windows([height, width], [kernel, kernel], stride, pads)];
      if (dims[2]! < 1 || dims[3]! < 1 || pads.some((pad) => pad >= kernel)) throw new RangeError(`MaxPool of [${x!.dims}] by ${kernel}, padded by [${pads}]`);
      return { dims, dtype: float(x, 'MaxPool') };
    },
  },
  Softmax: {
    shape([x], { axis: at }) {
      axis(need(x, 'Softmax').dims, at, 'Softmax');
      return { dims: x!.dims, dtype: float(x, 'Softmax') };
    },
  },
  ReduceMean: reduction('ReduceMean'), ReduceSum: reduction('ReduceSum'),

  Reshape: {
    shape([x], { dims }) {
      if (sizeOf(dims) !== sizeOf(need(x, 'Reshape').dims)) throw new RangeError(`Reshape of [${x!.dims}] to [${dims}]`);
      return { dims, dtype: x!.dtype };
    },
  },
  /** Axis i of the result is axis `perm[i]` of x. */
  Transpose: {
    shape([x], { perm }) {
      const { dims, dtype } = need(x, 'Transpose');
      if (perm.length !== dims.length || !dims.every((_, i) => perm.includes(i))) throw new RangeError(`Transpose of [${dims}] by [${perm}]`);
      return { dims: perm.map((i) => dims[i]!), dtype };
    },
  },
  Concat: {
    shape(inputs, { axis: at }) {
      const [first] = inputs, { dims, dtype } = need(first, 'Concat');
      axis(dims, at, 'Concat');
      for (const value of inputs) {
        const other = need(value, 'Concat');
        if (other.dtype !== dtype || other.dims.length !== dims.length || other.dims.some((n, i) => i !== at && n !== dims[i])) throw new RangeError(`Concat of [${dims}] and [${other.dims}] along axis ${at}`);
      }
      return { dims: dims.map((n, i) => (i === at ? inputs.reduce((sum, value) => sum + value!.dims[at]!, 0) : n)), dtype };
    },
  },
  /** From `start` up to `end`, which is not included. */
  Slice: {
    shape([x], { axis: at, start, end }) {
      const { dims, dtype } = need(x, 'Slice'), n = dims[axis(dims, at, 'Slice')]!;
      if (start < 0 || end > n || start >= end) throw new RangeError(`Slice ${start}…${end} of axis ${at} of [${dims}]`);
      return { dims: dims.map((length, i) => (i === at ? end - start : length)), dtype };
    },
  },
  /** Nearest neighbour: x [B, C, H, W] → [B, C, height, width]. */
  Upsample: { shape([x], { height, width }) { return { dims: [...rank(x, 4, 'Upsample input').slice(0, 2), height, width], dtype: x!.dtype }; } },
  /** Rows of a table: table [N, D], ids int64 [...] → [..., D]. */
  Gather: {
    shape([table, ids]) {
      const [, width] = rank(table, 2, 'Gather table');
      if (need(ids, 'Gather').dtype !== 'int64') throw new RangeError(`Gather by ids of ${ids!.dtype}, expected int64`);
      return { dims: [...ids!.dims, width], dtype: table!.dtype };
    },
  },
};

/** How often a window fits into each side. */
const windows = ([height, width]: readonly [number, number], [kh, kw]: readonly [number, number], stride: number, [top, left, bottom, right]: Pads): [number, number] =>
  [Math.floor((height + top + bottom - kh) / stride) + 1, Math.floor((width + left + right - kw) / stride) + 1];

export function need(value: Value | undefined, operation: string): Value {
  if (!value) throw new RangeError(`${operation} lacks an input`);
  return value;
}

export function rank(value: Value | undefined, n: number, what: string): [number, number, number, number] {
  const { dims } = need(value, what);
  if (dims.length !== n) throw new RangeError(`${what} is [${dims}], expected ${n} dimensions`);
  return dims as unknown as [number, number, number, number];
}

/** Of numbers with a fraction, which all but moves of values need. */
function float(value: Value | undefined, operation: string): DType {
  const { dtype } = need(value, operation);
  if (dtype !== 'float32' && dtype !== 'float16') throw new RangeError(`${operation} of ${dtype}`);
  return dtype;
}

function axis(dims: Dims, at: number, operation: string): number {
  if (!Number.isInteger(at) || at < 0 || at >= dims.length) throw new RangeError(`${operation} along axis ${at} of [${dims}]`);
  return at;
}

/** As numpy and ONNX do: from the last dimension on, 1 goes with anything. */
function broadcast(p: Dims, q: Dims, operation: string): Dims {
  const length = Math.max(p.length, q.length);
  return Array.from({ length }, (_, i) => {
    const [m, n] = [p[i - length + p.length] ?? 1, q[i - length + q.length] ?? 1];
    if (m !== n && m !== 1 && n !== 1) throw new RangeError(`${operation} cannot broadcast [${p}] with [${q}]`);
    return m === 1 ? n : m;
  });
}
