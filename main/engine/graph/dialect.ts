// What one execution provider speaks: which composites it keeps as one kernel and how it writes them, how it writes primitives, and how a stored
// weight becomes a value. The network's code never asks which provider it is for.
import { sizeOf, type Dims } from '../tensor';
import { dtypeBytes } from '../weights/dtypes';
import { QUICK, type CompositeName } from './composites';
import type { GraphNode, Value, WeightRef } from './graph';
import type { Emitter } from './onnx';
import type { OperationName } from './operations';
import type { Inputs, PrimitiveName } from './primitives';

/** Writes the ONNX nodes of one operation so that its result is called `into`. */
export type Emit<K extends OperationName> = (e: Emitter, node: GraphNode<K>, into: string) => void;

export interface Dialect {
  readonly provider: 'cpu' | 'webgpu';
  /** Composites that stay whole; the others are taken apart before anything is written. */
  readonly keeps: { readonly [K in CompositeName]?: Emit<K> };
  /** Writes what makes a value of float32 [...dims] out of stored bytes, and returns its name. */
  readonly weight: (e: Emitter, weight: WeightRef, dims: Dims) => string;
}

const MICROSOFT = 'com.microsoft';

/** An operation that ONNX has under this name, with all inputs and no attributes. */
const plain = <K extends OperationName>(type: string): Emit<K> => (e, node, into) => { e.node(type, names(e, node), { into }); };

const names = (e: Emitter, node: { readonly in: Inputs }): string[] => trim(node.in.map((value) => (value ? e.name(value) : '')));

const reduction = <K extends 'ReduceMean' | 'ReduceSum'>(type: K): Emit<K> => (e, node, into) => {
  e.node(type, [...names(e, node), e.ints(node.attributes.axes)], { into, attributes: { keepdims: 1 } });
};

/** By ONNX's own operators: right on any provider. */
export const emitPrimitive: { readonly [K in PrimitiveName]: Emit<K> } = {
  Add: plain('Add'), Sub: plain('Sub'), Mul: plain('Mul'), Div: plain('Div'),
  Sqrt: plain('Sqrt'), Erf: plain('Erf'), Sigmoid: plain('Sigmoid'), Tanh: plain('Tanh'), Relu: plain('Relu'),
  MatMul: plain('MatMul'), Gather: plain('Gather'),
  ReduceMean: reduction('ReduceMean'), ReduceSum: reduction('ReduceSum'),

  Conv(e, node, into) {
    const { stride, pads, groups = 1 } = node.attributes;
    e.node('Conv', names(e, node), { into, attributes: { strides: [stride, stride], pads, ...(groups > 1 && { group: groups }) } });
  },
  MaxPool(e, node, into) {
    const { kernel, stride, pads } = node.attributes;
    e.node('MaxPool', names(e, node), { into, attributes: { kernel_shape: [kernel, kernel], strides: [stride, stride], pads } });
  },
  Softmax(e, node, into) {
    e.node('Softmax', names(e, node), { into, attributes: { axis: node.attributes.axis } });
  },
  Reshape(e, node, into) {
    e.node('Reshape', [...names(e, node), e.ints(node.out.dims)], { into });
  },
  Transpose(e, node, into) {
    e.node('Transpose', names(e, node), { into, attributes: { perm: node.attributes.perm } });
  },
  Concat(e, node, into) {
    e.node('Concat', names(e, node), { into, attributes: { axis: node.attributes.axis } });
  },
  Slice(e, node, into) {
    const { axis, start, end } = node.attributes;
    e.node('Slice', [...names(e, node), e.ints([start]), e.ints([end]), e.ints([axis])], { into });
  },
  Upsample(e, node, into) {
    e.node('Resize', [...names(e, node), '', '', e.ints(node.out.dims)], {
      into, attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    });
  },
};

/** x·σ(alpha·x), one fused kernel on every provider that has contrib operators. */
const quickGelu = <K extends 'Silu' | 'QuickGelu'>(alpha: number): Emit<K> => (e, node, into) => {
  e.node('QuickGelu', names(e, node), { into, domain: MICROSOFT, attributes: { alpha: { float: alpha } } });
};

/** Kernels that every provider of onnxruntime has. */
const common: Dialect['keeps'] = {
  Silu: quickGelu(1), QuickGelu: quickGelu(QUICK), Gelu: plain('Gelu'),
  Clip(e, node, into) { e.node('Clip', [...names(e, node), e.floats([node.attributes.min], []), e.floats([node.attributes.max], [])], { into }); },
  ResizeBilinear(e, node, into) { e.node('Resize', [...names(e, node), '', '', e.ints(node.out.dims)], { into, attributes: { mode: 'linear' } }); },
  LeakyRelu(e, node, into) { e.node('LeakyRelu', names(e, node), { into, attributes: { alpha: { float: node.attributes.alpha } } }); },
  Prelu(e, node, into) {
    const [x, slope] = node.in as [Value, Value];
    e.node('PRelu', [e.name(x), e.node('Reshape', [e.name(slope), e.ints([x.dims[1]!, ...x.dims.slice(2).map(() => 1)])])], { into });
  },
  /** As one matrix product over all rows: Gemm takes the weight as it lies in the file, [out, in]. */
  Linear(e, node, into) {
    const [x, w, b] = node.in as [Value, Value, Value?];
    const flat = x.dims.length === 2;
    const rows = flat ? e.name(x) : e.node('Reshape', [e.name(x), e.ints([sizeOf(x.dims.slice(0, -1)), x.dims.at(-1)!])]);
    const product = e.node('Gemm', [rows, e.name(w), ...(b ? [e.name(b)] : [])], { ...(flat && { into }), attributes: { transB: 1 } });
    if (!flat) e.node('Reshape', [product, e.ints(node.out.dims)], { into });
  },
  /** A group is one row to normalise; the scale and bias of each channel follow. */
  GroupNorm(e, node, into) {
    const [x, scale, bias] = node.in as [Value, Value, Value];
    const { groups, epsilon } = node.attributes;
    const [batch, channels] = x.dims as [number, number];
    const ones = e.floats(Array<number>(groups).fill(1));
    const zeros = e.floats(Array<number>(groups).fill(0));
    const grouped = e.node('Reshape', [e.name(x), e.ints([batch, groups, -1])]);
    const normed = e.node('Reshape', [e.node('InstanceNormalization', [grouped, ones, zeros], { attributes: { epsilon: { float: epsilon } } }), e.ints(x.dims)]);
    const perChannel = e.ints([channels, ...x.dims.slice(2).map(() => 1)]);
    const scaled = e.node('Mul', [normed, e.node('Reshape', [e.name(scale), perChannel])]);
    e.node('Add', [scaled, e.node('Reshape', [e.name(bias), perChannel])], { into });
  },
  LayerNorm(e, node, into) {
    e.node('LayerNormalization', names(e, node), { into, attributes: { axis: -1, epsilon: { float: node.attributes.epsilon } } });
  },
  /** One product that is added where the weight lies. */
  LowRank(e, node, into) {
    const [w, up, down, s] = node.in as [Value, Value, Value, Value], flat = w.dims.length === 2;
    const matrix = flat ? e.name(w) : e.node('Reshape', [e.name(w), e.ints([w.dims[0]!, down.dims[1]!])]);
    const sum = e.node('Gemm', [e.node('Mul', [e.name(up), e.name(s)]), e.name(down), matrix], { ...(flat && { into }) });
    if (!flat) e.node('Reshape', [sum, e.ints(w.dims)], { into });
  },
};

/** One kernel for the whole attention; keeps no [Lq, Lk] matrix in memory on the CPU. */
const multiHeadAttention: Emit<'Attention'> = (e, node, into) => {
  const [q, k, v, bias] = names(e, node);
  e.node('MultiHeadAttention', trim([q!, k!, v!, '', '', bias ?? '']), { into, domain: MICROSOFT, attributes: { num_heads: node.attributes.heads } });
};

/** The bytes as they lie in the file. Narrow ones are cast (and multiplied with their factor) where they are used, so that the widened copy lives only while it is needed. */
const widened: Dialect['weight'] = (e, weight, dims) => {
  const { stored, strides, byteLength } = weight, name = e.stored(weight, strides ? [byteLength / dtypeBytes[stored]] : dims);
  const row = stored === 'F32' ? name : e.cast(name, 'float32'), value = strides ? viewed(e, row, dims, strides) : row;
  return weight.factor ? scaled(e, value, weight.factor, dims) : value;
};

/** The elements of a row that a view sees: where each lies is the sum of what its place along each axis adds. */
function viewed(e: Emitter, row: string, dims: Dims, strides: Dims): string {
  const [first, ...more] = dims.map((size, axis) => {
    const places = e.ints(Array.from({ length: size }, (_, i) => i * strides[axis]!));
    return e.ahead('Reshape', [places, e.ints(dims.map((_, other) => (other === axis ? size : 1)))]);
  });
  return e.ahead('Gather', [row, more.reduce((sum, places) => e.ahead('Add', [sum, places]), first!)]);
}

function scaled(e: Emitter, value: string, { weight, dims: factorDims, split }: NonNullable<WeightRef['factor']>, dims: Dims): string {
  const parts = split ? e.ahead('Reshape', [value, e.ints(split)]) : value;
  const product = e.ahead('Mul', [parts, widened(e, weight, factorDims)]);
  return split ? e.ahead('Reshape', [product, e.ints(dims)]) : product;
}

export const cpuDialect: Dialect = { provider: 'cpu', keeps: { ...common, Attention: multiHeadAttention }, weight: widened };

/** Attention in primitives, which every adapter computes right. */
export const webgpuDialect: Dialect = { provider: 'webgpu', keeps: common, weight: widened };

/** For adapters whose fused attention is found to agree (`worker/webgpu-adapter.ts`): it is off by percents where subgroups are small (SwiftShader). */
export const webgpuFusedDialect: Dialect = { ...webgpuDialect, keeps: { ...common, Attention: multiHeadAttention } };

/** Nothing but primitives: what is differentiated, and what fused kernels are held against. */
export const primitiveDialect: Dialect = { provider: 'cpu', keeps: {}, weight: widened };

/** ONNX leaves out trailing optional inputs. */
function trim(inputs: string[]): string[] {
  const end = inputs.findLastIndex((name) => name !== '');
  return inputs.slice(0, end + 1);
}
