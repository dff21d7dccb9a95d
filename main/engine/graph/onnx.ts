// Graph → ONNX ModelProto (onnx.proto, IR version 10, opset 20). Weights become external initializers that point into their own files.
import { sizeOf, type Dims, type DType } from '../tensor';
import type { StoredDType } from '../weights/source';
import type { Dialect } from './dialect';
import type { Graph, Node, Value, WeightRef } from './graph';
import { ProtoWriter } from './protobuf';

const onnxType: Record<DType, number> = { float32: 1, uint8: 2, int32: 6, int64: 7, float16: 10 };
const storedType: Partial<Record<StoredDType, number>> = { F32: 1, F64: 11, F16: 10, BF16: 16, F8_E4M3: 17, F8_E5M2: 19, I64: 7, I32: 6 };

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
}

/**
 * Emits the graph in a dialect, as the bytes of an ONNX model. `locate` gives a file's path relative to the folder that the runtime resolves external data against
 * (the drive root).
 */
export function compile(graph: Graph, dialect: Dialect, locate: (file: string) => string): Uint8Array<ArrayBuffer> {
  const nodes: Uint8Array[] = [];
  // Ahead of all other nodes: onnxruntime visits a node's inputs from the last in the file to the first, so a cast that stands first runs
  // right before its user. Written beside their users, most casts of a U-Net ran at the start and kept 1.5 GB more alive.
  const casts: Uint8Array[] = [];
  const initializers: Uint8Array[] = [];
  const names = new Map<Value, string>();
  const constants = new Map<string, string>();
  let fresh = 0;

  const emitter: Emitter = {
    name(value) {
      const known = names.get(value);
      if (known !== undefined) return known;
      const name = emitLeaf(value);
      names.set(value, name);
      return name;
    },
    node(type, inputs, { into = `t${fresh++}`, domain = '', attributes = {} } = {}) {
      nodes.push(nodeProto(type, inputs, into, `n${nodes.length}`, domain, attributes));
      return into;
    },
    ints: (values) => constant('int64', [values.length], BigInt64Array.from(values, BigInt)),
    floats: (values, dims = [values.length]) => constant('float32', dims, Float32Array.from(values)),
  };

  function constant(dtype: DType, dims: Dims, data: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }): string {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const key = data.byteLength <= 64 ? `${dtype} ${dims} ${bytes.join()}` : undefined;
    const known = key && constants.get(key);
    if (known) return known;
    const name = `c${fresh++}`;
    initializers.push(tensorProto(name, dims, onnxType[dtype]).data(9, bytes).finish());
    if (key) constants.set(key, name);
    return name;
  }

  function emitLeaf(value: Value): string {
    const { from } = value;
    if (from.kind === 'constant') return constant(value.dtype, value.dims, from.data);
    if (from.kind === 'weight') return emitWeight(from.weight, value.dims);
    throw new Error(`a value is used before it is computed (${from.kind})`);
  }

  /** Narrow weights are cast where they are used, so the widened copy lives only while it is needed. */
  function emitWeight(weight: WeightRef, dims: Dims): string {
    const type = storedType[weight.stored];
    if (type === undefined) throw new Error(`${weight.name} is stored as ${weight.stored}, which no graph can read`);
    const name = `${weight.name}#${fresh++}`;
    const entries: [string, string][] = [['location', locate(weight.file)], ['offset', String(weight.offset)], ['length', String(weight.byteLength)]];
    const writer = tensorProto(name, dims, type);
    for (const [key, text] of entries) writer.message(13, (w) => w.string(1, key).string(2, text));
    initializers.push(writer.int(14, 1).finish());
    if (weight.stored === 'F32') return name;
    const widened = `w${fresh++}`;
    casts.push(nodeProto('Cast', [name], widened, `cast${casts.length}`, '', { to: onnxType.float32 }));
    return widened;
  }

  for (const { name, value } of graph.inputs) names.set(value, name);
  const outputNames = new Map(graph.outputs.map(({ name, value }) => [value, name]));
  for (const node of graph.nodes) {
    const into = outputNames.get(node.out) ?? `v${node.out.id}`;
    names.set(node.out, into);
    dialect.emit[node.op](emitter, node, into);
  }

  return new ProtoWriter()
    .int(1, 10)
    .string(2, 'atelier')
    .message(7, (g) => {
      for (const node of [...casts, ...nodes]) g.data(1, node);
      g.string(2, graph.name);
      for (const initializer of initializers) g.data(5, initializer);
      for (const { name, value } of graph.inputs) g.message(11, (w) => writeValueInfo(w, name, value));
      for (const { name, value } of graph.outputs) g.message(12, (w) => writeValueInfo(w, name, value));
    })
    .message(8, (w) => w.string(1, '').int(2, 20))
    .message(8, (w) => w.string(1, 'com.microsoft').int(2, 1))
    .finish();
}

/** One input of a node that must be there. */
export function input(node: Node, i: number): Value {
  const value = node.in[i];
  if (!value) throw new Error(`${node.op} lacks input ${i}`);
  return value;
}

/** Elements of a value without its last dimension. */
export const rowsOf = (value: Value): number => sizeOf(value.dims.slice(0, -1));

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
