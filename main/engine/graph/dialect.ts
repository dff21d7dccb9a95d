// How each operation is emitted for one execution provider. The network's code never asks which provider it is for.
import type { Node } from './graph';
import type { Emitter } from './onnx';
import { input, rowsOf } from './onnx';
import type { OperationName } from './operations';

/** Writes the ONNX nodes of one operation so that its result is called `into`. */
export type Emit = (e: Emitter, node: Node, into: string) => void;

export interface Dialect {
  readonly provider: 'cpu' | 'webgpu';
  readonly emit: Readonly<Record<OperationName, Emit>>;
}

const MICROSOFT = 'com.microsoft';

/** An operation that ONNX has under this name, with all inputs and no attributes. */
const plain = (type: string): Emit => (e, node, into) => { e.node(type, names(e, node), { into }); };

const names = (e: Emitter, node: Node): string[] => node.in.map((value) => (value ? e.name(value) : ''));

/** x·σ(alpha·x), one fused kernel on every provider that has contrib operators. */
const quickGelu = (alpha: number): Emit => (e, node, into) => {
  e.node('QuickGelu', names(e, node), { into, domain: MICROSOFT, attributes: { alpha: { float: alpha } } });
};

/** Emission with ONNX's own operators only: right on any provider, and the form that training differentiates. */
const primitives: Record<OperationName, Emit> = {
  Add: plain('Add'), Mul: plain('Mul'),
  Exp: plain('Exp'), Tanh: plain('Tanh'), Relu: plain('Relu'),
  MatMul: plain('MatMul'),

  Silu(e, node, into) {
    const [x] = names(e, node);
    e.node('Mul', [x!, e.node('Sigmoid', [x!])], { into });
  },
  Gelu: plain('Gelu'),
  QuickGelu(e, node, into) {
    const [x] = names(e, node);
    e.node('Mul', [x!, e.node('Sigmoid', [e.node('Mul', [x!, e.floats([1.702], [])])])], { into });
  },

  Conv(e, node, into) {
    const { stride, pads } = node.attributes as { stride: number; pads: readonly number[] };
    e.node('Conv', trim(names(e, node)), { into, attributes: { strides: [stride, stride], pads } });
  },
  /** As one matrix product over all rows: Gemm takes the weight as it lies in the file, [out, in]. */
  Linear(e, node, into) {
    const x = input(node, 0);
    const flat = x.dims.length === 2;
    const rows = flat ? e.name(x) : e.node('Reshape', [e.name(x), e.ints([rowsOf(x), x.dims.at(-1)!])]);
    const product = e.node('Gemm', [rows, ...trim(names(e, node).slice(1))], { ...(flat && { into }), attributes: { transB: 1 } });
    if (!flat) e.node('Reshape', [product, e.ints(node.out.dims)], { into });
  },
  /** softmax(q·kᵀ/√d + bias)·v, head by head. */
  Attention(e, node, into) {
    const [q, k, v] = [input(node, 0), input(node, 1), input(node, 2)];
    const bias = node.in[3];
    const heads = node.attributes['heads'] as number;
    const [batch, queries, width] = q.dims as [number, number, number];
    const d = width / heads;
    const split = (value: typeof q, perm: readonly number[]) =>
      e.node('Transpose', [e.node('Reshape', [e.name(value), e.ints([batch, value.dims[1]!, heads, d])])], { attributes: { perm } });
    const scaled = e.node('Mul', [split(q, [0, 2, 1, 3]), e.floats([1 / Math.sqrt(d)], [])]);
    let scores = e.node('MatMul', [scaled, split(k, [0, 2, 3, 1])]);                        // [B, heads, Lq, Lk]
    if (bias) scores = e.node('Add', [scores, e.name(bias)]);
    const mixed = e.node('MatMul', [e.node('Softmax', [scores], { attributes: { axis: -1 } }), split(v, [0, 2, 1, 3])]);
    e.node('Reshape', [e.node('Transpose', [mixed], { attributes: { perm: [0, 2, 1, 3] } }), e.ints([batch, queries, width])], { into });
  },
  /** A group is one row to normalise; the scale and bias of each channel follow. */
  GroupNorm(e, node, into) {
    const [x, scale, bias] = [input(node, 0), input(node, 1), input(node, 2)];
    const { groups, epsilon } = node.attributes as { groups: number; epsilon: number };
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
    e.node('LayerNormalization', names(e, node), { into, attributes: { axis: -1, epsilon: { float: node.attributes['epsilon'] as number } } });
  },

  Reshape(e, node, into) {
    e.node('Reshape', [e.name(input(node, 0)), e.ints(node.out.dims)], { into });
  },
  Transpose(e, node, into) {
    e.node('Transpose', names(e, node), { into, attributes: { perm: node.attributes['perm'] as readonly number[] } });
  },
  Concat(e, node, into) {
    e.node('Concat', names(e, node), { into, attributes: { axis: node.attributes['axis'] as number } });
  },
  Slice(e, node, into) {
    const { axis, start, end } = node.attributes as { axis: number; start: number; end: number };
    e.node('Slice', [e.name(input(node, 0)), e.ints([start]), e.ints([end]), e.ints([axis])], { into });
  },
  Upsample(e, node, into) {
    e.node('Resize', [e.name(input(node, 0)), '', '', e.ints(node.out.dims)], {
      into, attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
    });
  },
  Gather: plain('Gather'),
};

/** One kernel for the whole attention; keeps no [Lq, Lk] matrix in memory on the CPU. */
const multiHeadAttention: Emit = (e, node, into) => {
  const [q, k, v, bias] = names(e, node);
  e.node('MultiHeadAttention', trim([q!, k!, v!, '', '', bias ?? '']), { into, domain: MICROSOFT, attributes: { num_heads: node.attributes['heads'] as number } });
};

export const cpuDialect: Dialect = {
  provider: 'cpu',
  emit: { ...primitives, Silu: quickGelu(1), QuickGelu: quickGelu(1.702), Attention: multiHeadAttention },
};

/** Attention stays in primitives: the provider's fused kernel is off by a percent on an adapter with small subgroups (SwiftShader). */
export const webgpuDialect: Dialect = {
  provider: 'webgpu',
  emit: { ...primitives, Silu: quickGelu(1), QuickGelu: quickGelu(1.702) },
};

/** Without fused kernels: for gradients, and to hold the fused ones against. */
export const primitiveDialect: Dialect = { provider: 'cpu', emit: primitives };

/** ONNX leaves out trailing optional inputs. */
function trim(inputs: string[]): string[] {
  const end = inputs.findLastIndex((name) => name !== '');
  return inputs.slice(0, end + 1);
}
