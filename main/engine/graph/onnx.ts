// Graph → ONNX ModelProto (onnx.proto, IR version 10, opset 20). Weights become external initializers that point into their own files.
import type { Dims, DType } from '../tensor';
import type { StoredDType } from '../weights/source';
import type { CompositeName } from './composites';
import { emitPrimitive, type Dialect } from './dialect';
import { applyFactors } from './factored';
import type { Graph, GraphNode, Value, WeightRef } from './graph';
import { lower } from './lower';
import { ProtoWriter } from './protobuf';

const onnxType: Record<DType, number> = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10 };
const storedType: Partial<Record<StoredDType, number>> = { F32: 1, F64: 11, F16: 10, BF16: 16, F8_E4M3: 17, F8_E4M3FNUZ: 18, F8_E5M2: 19, F8_E5M2FNUZ: 20, I64: 7, I32: 6 };

type OnnxAttribute = number | string | readonly number[] | { float: number };

/** What an emitter writes with: names of values in, names of values out. */
export interface Emitter {
  /** ONNX name of a graph value. */
  name(value: Value): string;
  /** Adds a node; returns the name of its output, which is `into` when given. '' as an input means "not given". */
  node(type: string, inputs: readonly string[], options?: { into?: string; domain?: string; attributes?: Record<string, OnnxAttribute> }): string;
  /** A small constant: int64 shapes and axes, float32 scalars and vectors. */
  ints(values: readonly number[]): string;
  floats(values: readonly number[], dims?: Dims): string;
  /** An initializer whose bytes stay in their file, in the type that they are stored in. */
  stored(weight: WeightRef, dims: Dims): string;
  /** Adds a cast of an initializer, ahead of all other nodes. */
  cast(name: string, to: DType): string;
  /** Adds, ahead of them too, a node that reads nothing but initializers and what was made of them so. */
  ahead(type: 'Mul' | 'Reshape' | 'Add' | 'Gather', inputs: readonly string[]): string;
}

/**
 * Emits what the graph's outputs need, in a dialect, as the bytes of an ONNX model. `locate` gives a file's path relative to the folder that the runtime
 * resolves external data against (the drive root); `carried`: the bytes of a weight that lies where the runtime cannot reach, which then go into the model.
 */
export function compile(whole: Graph, dialect: Dialect, locate: (file: string) => string, carried: (weight: WeightRef) => Uint8Array | undefined = () => undefined): Uint8Array<ArrayBuffer> {
  const graph = lower(applyFactors(whole), new Set(Object.keys(dialect.keeps) as CompositeName[]));
  const nodes: Uint8Array[] = [];
  // What makes weights of stored bytes, ahead of all other nodes: onnxruntime visits a node's inputs from the last in the file to the first, so a cast
  // that stands first runs right before its user. Written beside their users, most casts of a U-Net ran at the start and kept 1.5 GB more alive.
  const first: Uint8Array[] = [];
  const initializers: Uint8Array[] = [];
  const names = new Map<Value, string>();
  const constants = new Map<string, string>();
  const taken = new Set([...graph.inputs, ...graph.outputs].map(({ name }) => name));
  let fresh = 0;
  const freshName = (prefix: string): string => {
    const name = `${prefix}${fresh++}`;
    return taken.has(name) ? freshName(prefix) : name;
  };

  const emitter: Emitter = {
    name(value) {
      const known = names.get(value);
      if (known !== undefined) return known;
      const name = emitLeaf(value);
      names.set(value, name);
      return name;
    },
    node(type, inputs, { into = freshName('t'), domain = '', attributes = {} } = {}) {
      nodes.push(nodeProto(type, inputs, into, `n${nodes.length}`, domain, attributes));
      return into;
    },
    ints: (values) => constant('int64', [values.length], BigInt64Array.from(values, BigInt)),
    floats: (values, dims = [values.length]) => constant('float32', dims, Float32Array.from(values)),
    stored(weight, dims) {
      const { name: key, stored, file, offset, byteLength, data = carried(weight) } = weight;
      const type = storedType[stored];
      if (type === undefined) throw new Error(`${key} is stored as ${stored}, which no graph can read`);
      const name = freshName(`${key}#`);
      const writer = tensorProto(name, dims, type);
      if (data) { initializers.push(writer.data(9, data).finish()); return name; }
      const place = [['location', locate(file)], ['offset', String(offset)], ['length', String(byteLength)]] as const;
      for (const [field, text] of place) writer.message(13, (w) => w.string(1, field).string(2, text));
      initializers.push(writer.int(14, 1).finish());
      return name;
    },
    cast: (name, to) => ahead('Cast', [name], { to: onnxType[to] }),
    ahead: (type, inputs) => ahead(type, inputs),
  };

  function ahead(type: string, inputs: readonly string[], attributes: Record<string, OnnxAttribute> = {}): string {
    const into = freshName('w');
    first.push(nodeProto(type, inputs, into, `${type.toLowerCase()}${first.length}`, '', attributes));
    return into;
  }

  /** Of a value that is no output. */
  const valueName = (id: number): string => (taken.has(`v${id}`) ? freshName(`v${id}_`) : `v${id}`);

  function constant(dtype: DType, dims: Dims, data: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = data.byteLength <= 64 ? `${dtype} ${dims} ${bytes.join()}` : undefined;
    const known = key && constants.get(key);
    if (known) return known;
    const name = freshName('c');
    initializers.push(tensorProto(name, dims, onnxType[dtype]).data(9, bytes).finish());
    if (key) constants.set(key, name);
    return name;
  }

  function emitLeaf({ from, dtype, dims }: Value): string {
    if (from.kind === 'constant') return constant(dtype, dims, from.data);
    if (from.kind === 'weight') return dialect.weight(emitter, from.weight, dims);
    throw new Error(`a value is used before it is computed (${from.kind})`);
  }

  for (const { name, value } of graph.inputs) names.set(value, name);
  // A computed value carries the name of its first output. Further ones, and outputs that nothing computes, are copies.
  const emit = { ...emitPrimitive, ...dialect.keeps };
  const outputNames = new Map(graph.outputs.toReversed().map(({ name, value }) => [value, name]));
  for (const node of graph.needed()) {
    const into = outputNames.get(node.out) ?? valueName(node.out.id);
    names.set(node.out, into);
    (emit[node.op] as (e: Emitter, node: GraphNode, into: string) => void)(emitter, node, into);
  }
  for (const { name, value } of graph.outputs) {
    if (emitter.name(value) !== name || value.from.kind !== 'node') emitter.node('Identity', [emitter.name(value)], { into: name });
  }

  return new ProtoWriter()
    .int(1, 10)
    .string(2, 'atelier')
    .message(7, (g) => {
      for (const node of [...first, ...nodes]) g.data(1, node);
      g.string(2, graph.name);
      for (const initializer of initializers) g.data(5, initializer);
      for (const { name, value } of graph.inputs) g.message(11, (w) => writeValueInfo(w, name, value));
      for (const { name, value } of graph.outputs) g.message(12, (w) => writeValueInfo(w, name, value));
    })
    .message(8, (w) => w.string(1, '').int(2, 20))
    .message(8, (w) => w.string(1, 'com.microsoft').int(2, 1))
    .finish();
}

function tensorProto(name: string, dims: Dims, type: number): ProtoWriter {
  const writer = new ProtoWriter();
  for (const n of dims) writer.int(1, n);
  return writer.int(2, type).string(8, name);
}

function nodeProto(type: string, inputs: readonly string[], output: string, name: string, domain: string, attributes: Record<string, OnnxAttribute>): Uint8Array {
  const writer = new ProtoWriter();
  for (const input of inputs) writer.string(1, input);
  writer.string(2, output).string(3, name).string(4, type);
  for (const [key, value] of Object.entries(attributes)) writer.message(5, (w) => writeAttribute(w, key, value));
  if (domain) writer.string(7, domain);
  return writer.finish();
}

function writeAttribute(w: ProtoWriter, name: string, value: OnnxAttribute): void {
  w.string(1, name);
  if (typeof value === 'number') w.int(3, value).int(20, 2);
  else if (typeof value === 'string') w.string(4, value).int(20, 3);
  else if ('float' in value) w.float(2, value.float).int(20, 1);
  else {
    for (const n of value) w.int(8, n);
    w.int(20, 7);
  }
}

function writeValueInfo(w: ProtoWriter, name: string, value: Value): void {
  w.string(1, name).message(2, (type) => type.message(1, (tensor) => {
    tensor.int(1, onnxType[value.dtype]).message(2, (shape) => {
      for (const n of value.dims) shape.message(1, (dim) => dim.int(1, n));
    });
  }));
}
