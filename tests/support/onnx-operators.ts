// The ONNX operators that our graphs use, as opset 20 and com.microsoft's version 1 define them: inputs, attributes, element types, and the result's shape.
// onnx.ai/onnx/operators, github.com/microsoft/onnxruntime docs/ContribOperators.md.
import type { ElementType, OnnxAttribute, OnnxNode } from './onnx-model';

/** What is known of a value: for small constants of whole numbers also what they are. */
export interface Known { readonly type: ElementType; readonly dims: readonly number[]; readonly values?: readonly number[] | undefined }

interface Operator {
  /** Fewest and most inputs. */
  readonly inputs: readonly [min: number, max: number];
  /** Each with its kind, and '!' where it must be there. */
  readonly attributes?: Readonly<Record<string, OnnxAttribute['kind'] | `${OnnxAttribute['kind']}!`>>;
  readonly infer: (inputs: readonly (Known | undefined)[], attributes: Attributes) => Known;
}

/** An attribute's value, or `otherwise` where ONNX has a default. */
class Attributes {
  private readonly given: OnnxNode['attributes'];
  constructor(given: OnnxNode['attributes']) { this.given = given; }

  get<T extends number | string | readonly number[]>(name: string, otherwise: T): T { return (this.given[name]?.value ?? otherwise) as T; }
}

/** Throws RangeError where the node is not what its operator takes. */
export function infer(node: OnnxNode, inputs: readonly (Known | undefined)[]): Known {
  const operator = operators[node.domain ? `${node.domain}.${node.type}` : node.type] ?? refuse('is no operator that our graphs use');
  const { inputs: [min, max], attributes = {} } = operator;
  if (node.inputs.length > max || node.inputs.slice(0, min).filter(Boolean).length < min) refuse(`has ${node.inputs.length} inputs, not ${min} to ${max}`);
  if (node.outputs.length !== 1) refuse(`has ${node.outputs.length} outputs`);
  for (const [name, { kind }] of Object.entries(node.attributes)) {
    if (attributes[name]?.replace('!', '') !== kind) refuse(`has an attribute ${name} of kind ${kind}`);
  }
  for (const [name, kind] of Object.entries(attributes)) if (kind.endsWith('!') && !(name in node.attributes)) refuse(`lacks the attribute ${name}`);
  const result = operator.infer(inputs, new Attributes(node.attributes));
  return result.dims.every((n) => Number.isInteger(n) && n > 0) ? result : refuse(`gives [${result.dims}]`);
}

const floats: readonly ElementType[] = ['float32', 'float16', 'bfloat16', 'float64'];
const numbers: readonly ElementType[] = [...floats, 'int64', 'int32', 'uint8'];

const elementwise = (types: readonly ElementType[], attributes: Operator['attributes'] = {}): Operator => ({
  inputs: [1, 1], attributes, infer: ([x]) => { sameType(types, x); return x!; },
});
const binary: Operator = { inputs: [2, 2], infer: ([a, b]) => ({ type: sameType(numbers, a, b), dims: broadcast(a!.dims, b!.dims) }) };
/** Over `axes`, all of them where none are given; the axes stay as 1 unless `keepdims` is 0. */
const reduce: Operator = {
  inputs: [1, 2], attributes: { keepdims: 'int', noop_with_empty_axes: 'int' },
  infer([x, axes], a) {
    const over = axes ? constant(axes, 'axes').map((axis) => within(axis, x!.dims.length)) : x!.dims.map((_, i) => i);
    const dims = x!.dims.map((n, i) => (over.includes(i) ? 1 : n));
    return { type: sameType(floats, x), dims: a.get('keepdims', 1) ? dims : dims.filter((_, i) => !over.includes(i)) };
  },
};

const operators: Readonly<Record<string, Operator>> = {
  Add: binary, Sub: binary, Mul: binary, Div: binary, Pow: binary,
  Identity: elementwise(numbers), Sqrt: elementwise(floats), Tanh: elementwise(floats), Sigmoid: elementwise(floats), Erf: elementwise(numbers), Relu: elementwise(numbers),
  Gelu: elementwise(floats, { approximate: 'string' }), 'com.microsoft.QuickGelu': elementwise(floats, { alpha: 'float' }),
  LeakyRelu: elementwise(floats, { alpha: 'float' }),
  /** The slope broadcasts to x, not x to it. */
  PRelu: {
    inputs: [2, 2],
    infer([x, slope]) {
      if (String(broadcast(x!.dims, slope!.dims)) !== String(x!.dims)) refuse(`of [${x!.dims}] with slopes [${slope!.dims}]`);
      return { type: sameType(floats, x, slope), dims: x!.dims };
    },
  },
  ReduceMean: reduce, ReduceSum: reduce, ReduceMax: reduce,

  Cast: {
    inputs: [1, 1], attributes: { to: 'int!', saturate: 'int' },
    infer: ([x], a) => ({ type: castTypes[a.get('to', 0)] ?? refuse(`casts to ${a.get('to', 0)}`), dims: x!.dims }),
  },
  MatMul: {
    inputs: [2, 2],
    infer([a, b]) {
      const [p, q] = [a!.dims, b!.dims];
      if (p.length < 2 || q.length < 2 || p.at(-1) !== q.at(-2)) refuse(`multiplies [${p}] by [${q}]`);
      return { type: sameType(floats, a, b), dims: [...broadcast(p.slice(0, -2), q.slice(0, -2)), p.at(-2)!, q.at(-1)!] };
    },
  },
  Gemm: {
    inputs: [2, 3], attributes: { alpha: 'float', beta: 'float', transA: 'int', transB: 'int' },
    infer([a, b, c], attributes) {
      const sides = (value: Known, turn: string): readonly number[] => (attributes.get(turn, 0) ? ranked(value, 2).toReversed() : ranked(value, 2));
      const [p, q] = [sides(a!, 'transA'), sides(b!, 'transB')], dims = [p[0]!, q[1]!];
      if (p[1] !== q[0]) refuse(`multiplies [${p}] by [${q}]`);
      if (c && String(broadcast(c.dims, dims)) !== String(dims)) refuse(`adds [${c.dims}] to [${dims}]`);
      return { type: sameType(floats, a, b, c), dims };
    },
  },
  Conv: {
    inputs: [2, 3], attributes: { strides: 'ints', pads: 'ints', dilations: 'ints', group: 'int', kernel_shape: 'ints', auto_pad: 'string' },
    infer([x, w, b], a) {
      const [batch, cin, ...sides] = ranked(x!, 4), [cout, inner, ...kernel] = ranked(w!, 4);
      const [strides, pads] = [a.get('strides', [1, 1]), a.get('pads', [0, 0, 0, 0])];
      if (cin !== inner! * a.get('group', 1) || strides.length !== 2 || pads.length !== 4) refuse(`of [${x!.dims}] with [${w!.dims}], strides [${strides}], pads [${pads}]`);
      if (b && String(b.dims) !== String([cout])) refuse(`has a bias [${b.dims}] for ${cout} channels`);
      return { type: sameType(floats, x, w, b), dims: [batch!, cout!, ...sides.map((n, i) => Math.floor((n + pads[i]! + pads[i + 2]! - kernel[i]!) / strides[i]!) + 1)] };
    },
  },
  MaxPool: {
    inputs: [1, 1], attributes: { kernel_shape: 'ints!', strides: 'ints', pads: 'ints', dilations: 'ints', ceil_mode: 'int', storage_order: 'int', auto_pad: 'string' },
    infer([x], a) {
      const [batch, channels, ...sides] = ranked(x!, 4), [kernel, strides, pads] = [a.get('kernel_shape', [0, 0]), a.get('strides', [1, 1]), a.get('pads', [0, 0, 0, 0])];
      if (kernel.length !== 2 || strides.length !== 2 || pads.length !== 4 || pads.some((pad, i) => pad >= kernel[i % 2]!)) refuse(`of [${x!.dims}] by [${kernel}], strides [${strides}], pads [${pads}]`);
      return { type: sameType(floats, x), dims: [batch!, channels!, ...sides.map((n, i) => Math.floor((n + pads[i]! + pads[i + 2]! - kernel[i]!) / strides[i]!) + 1)] };
    },
  },
  Clip: { inputs: [1, 3], infer: ([x, ...bounds]) => { if (bounds.some((bound) => bound && bound.dims.length > 0)) refuse('has bounds that are no scalars'); return { type: sameType(numbers, x, ...bounds), dims: x!.dims }; } },
  Softmax: { inputs: [1, 1], attributes: { axis: 'int' }, infer([x], a) { within(a.get('axis', -1), x!.dims.length); return { type: sameType(floats, x), dims: x!.dims }; } },
  InstanceNormalization: {
    inputs: [3, 3], attributes: { epsilon: 'float' },
    infer([x, scale, bias]) {
      if (x!.dims.length < 3 || [scale, bias].some((value) => String(value!.dims) !== String([x!.dims[1]]))) refuse(`of [${x!.dims}] with [${scale!.dims}] and [${bias!.dims}]`);
      return { type: sameType(floats, x, scale, bias), dims: x!.dims };
    },
  },
  LayerNormalization: {
    inputs: [2, 3], attributes: { axis: 'int', epsilon: 'float', stash_type: 'int' },
    infer([x, scale, bias], a) {
      const own = x!.dims.slice(within(a.get('axis', -1), x!.dims.length));
      if ([scale, bias].some((value) => value && String(value.dims) !== String(own))) refuse(`of [${own}] with [${scale!.dims}] and [${bias?.dims}]`);
      return { type: sameType(floats, x, scale, bias), dims: x!.dims };
    },
  },
  'com.microsoft.MultiHeadAttention': {
    inputs: [1, 10], attributes: { num_heads: 'int!', scale: 'float', mask_filter_value: 'float', unidirectional: 'int' },
    infer([q, k, v, , , bias, ...past], a) {
      const [batch, queries, width] = ranked(q!, 3) as [number, number, number], [keyBatch, keys, keyWidth] = ranked(k ?? refuse('lacks its keys'), 3), [valueBatch, values, out] = ranked(v ?? refuse('lacks its values'), 3);
      const heads = a.get('num_heads', 0), fits = batch === keyBatch && batch === valueBatch && width === keyWidth && keys === values;
      if (!fits || width % heads || out! % heads || past.some(Boolean)) refuse(`of ${heads} heads over [${q!.dims}], [${k!.dims}], [${v!.dims}]`);
      const whole = [batch, heads, queries, keys!];
      if (bias && (bias.dims.length !== 4 || bias.dims.some((n, i) => n !== whole[i] && (i > 1 || n !== 1)))) refuse(`has a bias [${bias.dims}] for [${whole}]`);
      return { type: sameType(['float32', 'float16'], q, k, v, bias), dims: [batch, queries, out!] };
    },
  },

  Reshape: {
    inputs: [2, 2], attributes: { allowzero: 'int' },
    infer([x, shape], a) {
      const asked = constant(shape!, 'shape').map((n, i) => (n === 0 && !a.get('allowzero', 0) ? x!.dims[i]! : n)), size = product(x!.dims);
      const known = product(asked.filter((n) => n !== -1)), dims = asked.map((n) => (n === -1 ? size / known : n));
      if (asked.filter((n) => n === -1).length > 1 || product(dims) !== size || !dims.every(Number.isInteger)) refuse(`makes [${asked}] of [${x!.dims}]`);
      return { type: x!.type, dims };
    },
  },
  Transpose: {
    inputs: [1, 1], attributes: { perm: 'ints' },
    infer([x], a) {
      const perm = a.get('perm', x!.dims.map((_, i) => i).reverse());
      if (String([...perm].sort()) !== String(x!.dims.map((_, i) => i))) refuse(`turns [${x!.dims}] by [${perm}]`);
      return { type: x!.type, dims: perm.map((i) => x!.dims[i]!) };
    },
  },
  Concat: {
    inputs: [1, Infinity], attributes: { axis: 'int!' },
    infer(inputs, a) {
      const all = inputs.map((value) => value ?? refuse('lacks an input')), [first] = all as [Known], at = within(a.get('axis', 0), first.dims.length);
      if (all.some(({ dims }) => dims.length !== first.dims.length || dims.some((n, i) => i !== at && n !== first.dims[i]))) refuse(`joins ${all.map(({ dims }) => `[${dims}]`).join()} along ${at}`);
      return { type: sameType(numbers, ...all), dims: first.dims.map((n, i) => (i === at ? all.reduce((sum, { dims }) => sum + dims[at]!, 0) : n)) };
    },
  },
  Slice: {
    inputs: [3, 5],
    infer([x, starts, ends, axes, steps]) {
      const [from, to] = [constant(starts!, 'starts'), constant(ends!, 'ends')], over = axes ? constant(axes, 'axes').map((axis) => within(axis, x!.dims.length)) : from.map((_, i) => i);
      if (from.length !== to.length || from.length !== over.length || steps) refuse(`of starts [${from}], ends [${to}], axes [${over}]`);
      const dims = [...x!.dims];
      over.forEach((axis, i) => { if (from[i]! < 0 || to[i]! > dims[axis]! || from[i]! >= to[i]!) refuse(`of [${x!.dims}] from ${from} to ${to}`); dims[axis] = to[i]! - from[i]!; });
      return { type: x!.type, dims };
    },
  },
  Resize: {
    inputs: [1, 4], attributes: { mode: 'string', coordinate_transformation_mode: 'string', nearest_mode: 'string' },
    infer([x, roi, scales, sizes], a) {
      const dims = constant(sizes ?? refuse('lacks its sizes'), 'sizes');
      if (roi || scales || dims.length !== x!.dims.length || dims.some((n) => n < 1)) refuse(`of [${x!.dims}] to [${dims}]`);
      for (const [name, allowed] of Object.entries(resizeModes)) if (!allowed.includes(a.get(name, allowed[0]!))) refuse(`has ${name} '${a.get(name, '')}'`);
      return { type: sameType(numbers, x), dims };
    },
  },
  Gather: {
    inputs: [2, 2], attributes: { axis: 'int' },
    infer([table, ids], a) {
      const at = within(a.get('axis', 0), table!.dims.length);
      sameType(['int64', 'int32'], ids);
      return { type: table!.type, dims: [...table!.dims.slice(0, at), ...ids!.dims, ...table!.dims.slice(at + 1)] };
    },
  },
};

const castTypes: Readonly<Record<number, ElementType>> = { 1: 'float32', 6: 'int32', 7: 'int64', 10: 'float16', 11: 'float64' };
/** The defaults come first. */
const resizeModes: Readonly<Record<string, readonly string[]>> = {
  mode: ['nearest', 'linear', 'cubic'], coordinate_transformation_mode: ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel', 'half_pixel_symmetric'],
  nearest_mode: ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'],
};

function refuse(why: string): never { throw new RangeError(why); }

export const product = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);

function sameType(allowed: readonly ElementType[], ...values: readonly (Known | undefined)[]): ElementType {
  const types = [...new Set(values.flatMap((value) => value?.type ?? []))];
  return types.length === 1 && allowed.includes(types[0]!) ? types[0]! : refuse(`takes ${types.join(' and ')}`);
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const [m, n] = [a[i - rank + a.length] ?? 1, b[i - rank + b.length] ?? 1];
    return m === n || n === 1 ? m : m === 1 ? n : refuse(`broadcasts [${a}] with [${b}]`);
  });
}

const ranked = ({ dims }: Known, rank: number): readonly number[] => (dims.length === rank ? dims : refuse(`takes [${dims}] where ${rank} dimensions belong`));
const within = (axis: number, rank: number): number => (axis >= -rank && axis < rank ? (axis + rank) % rank : refuse(`has axis ${axis} of ${rank}`));

/** Shapes and axes: a vector of int64 that stands in the model. */
function constant({ type, dims, values }: Known, what: string): readonly number[] {
  return type === 'int64' && dims.length === 1 && values ? values : refuse(`has ${what} of ${type} [${dims}]${values ? '' : ' that are not in the model'}`);
}
