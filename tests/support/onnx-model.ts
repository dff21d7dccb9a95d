// An ONNX model as it is written in its bytes: ModelProto and below, the fields that our graphs use (onnx.proto, IR version 10).
import { Message } from './protobuf';

export interface OnnxNode {
  readonly name: string;
  readonly type: string;
  readonly domain: string;
  /** '' for an optional input that is not given. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}
export type OnnxAttribute = { readonly kind: 'int' | 'float'; readonly value: number } | { readonly kind: 'string'; readonly value: string } | { readonly kind: 'ints'; readonly value: readonly number[] };

export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  /** Values inside of the model. */
  readonly raw: Uint8Array | null;
  /** Where they are in a file, as the strings that ONNX has there. */
  readonly external: Readonly<Record<string, string>> | null;
}
export interface OnnxValue { readonly name: string; readonly type: ElementType; readonly dims: readonly number[] }

export interface OnnxModel {
  readonly irVersion: number;
  /** Version by domain; '' is ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

/** TensorProto.DataType. */
const elementTypes = { 1: 'float32', 2: 'uint8', 6: 'int32', 7: 'int64', 10: 'float16', 11: 'float64', 16: 'bfloat16', 17: 'float8e4m3', 18: 'float8e4m3fnuz', 19: 'float8e5m2', 20: 'float8e5m2fnuz' } as const;
export type ElementType = (typeof elementTypes)[keyof typeof elementTypes];

function elementType(number: number | undefined): ElementType {
  const type = (elementTypes as Readonly<Record<number, ElementType>>)[number ?? 0];
  if (!type) throw new RangeError(`${number} is no element type that a graph of ours has`);
  return type;
}

/** Throws where bytes are not what ONNX has in their place, or have a field that our graphs do not use. */
export function readModel(bytes: Uint8Array): OnnxModel {
  const model = known(new Message(bytes), 'ModelProto', [1, 2, 7, 8]), graph = known(one(model.messages(7)), 'GraphProto', [1, 2, 5, 11, 12]);
  const opsets = model.messages(8).map((opset) => [one(opset.texts(1)), one(opset.ints(2))] as const);
  return {
    irVersion: one(model.ints(1)), opsets: Object.fromEntries(opsets), name: one(graph.texts(2)), nodes: graph.messages(1).map(nodeOf),
    initializers: graph.messages(5).map(tensorOf), inputs: graph.messages(11).map(valueOf), outputs: graph.messages(12).map(valueOf),
  };
}

/** How many nodes there are of each type, by name. */
export function countTypes({ nodes }: OnnxModel): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { type } of nodes) counts[type] = (counts[type] ?? 0) + 1;
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function nodeOf(message: Message): OnnxNode {
  known(message, 'NodeProto', [1, 2, 3, 4, 5, 7]);
  return {
    inputs: message.texts(1), outputs: message.texts(2), name: one(message.texts(3)), type: one(message.texts(4)), domain: message.texts(7)[0] ?? '',
    attributes: Object.fromEntries(message.messages(5).map((attribute) => [one(attribute.texts(1)), attributeOf(attribute)])),
  };
}

function attributeOf(message: Message): OnnxAttribute {
  known(message, 'AttributeProto', [1, 2, 3, 4, 8, 20]);
  const type = one(message.ints(20));
  if (type === 1) return { kind: 'float', value: one(message.floats(2)) };
  if (type === 2) return { kind: 'int', value: one(message.ints(3)) };
  if (type === 3) return { kind: 'string', value: one(message.texts(4)) };
  if (type === 7) return { kind: 'ints', value: message.ints(8) };
  throw new RangeError(`attribute type ${type}`);
}

function tensorOf(message: Message): OnnxTensor {
  known(message, 'TensorProto', [1, 2, 8, 9, 13, 14]);
  const isExternal = (message.ints(14)[0] ?? 0) === 1;
  const entries = message.messages(13).map((entry) => [one(entry.texts(1)), one(entry.texts(2))] as const);
  return { name: one(message.texts(8)), type: elementType(message.ints(2)[0]), dims: message.ints(1), raw: message.bytes(9)[0] ?? null, external: isExternal ? Object.fromEntries(entries) : null };
}

function valueOf(message: Message): OnnxValue {
  const tensor = one(one(message.messages(2)).messages(1));
  return { name: one(message.texts(1)), type: elementType(tensor.ints(1)[0]), dims: one(tensor.messages(2)).messages(1).map((dim) => one(dim.ints(1))) };
}

function known(message: Message, what: string, numbers: readonly number[]): Message {
  const strange = message.numbers.filter((number) => !numbers.includes(number));
  if (strange.length > 0) throw new RangeError(`${what} has the fields ${strange}`);
  return message;
}

function one<T>(values: readonly T[]): T {
  if (values.length !== 1) throw new RangeError(`a field is there ${values.length} times`);
  return values[0]!;
}
