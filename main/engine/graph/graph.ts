// A network as a graph of values, at one fixed size. Operations say what is computed; dialects say how a provider computes it.
//
// The same nodes serve inference and training: nothing here knows ONNX, and every operation's inputs and attributes are kept, so that a
// gradient rule can be written beside it.
import type { Dims, DType, TypedData } from '../tensor';
import { sizeOf } from '../tensor';
import type { StoredDType } from '../weights/source';
import { operations, type OperationName } from './operations';

/** A tensor in the graph. Shapes are always known: a graph is built for one size. */
export interface Value {
  readonly id: number;
  readonly dtype: DType;
  readonly dims: Dims;
  readonly from: Source;
}

export type Source =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'weight'; readonly weight: WeightRef }
  | { readonly kind: 'constant'; readonly data: TypedData[DType] }
  | { readonly kind: 'node'; readonly node: Node };

/** Bytes of somebody's file that are an initializer of the graph. Widened to float32 where they are stored narrower. */
export interface WeightRef {
  readonly name: string;
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
  readonly stored: StoredDType;
}

export type Attributes = Readonly<Record<string, number | readonly number[]>>;

export interface Node {
  readonly op: OperationName;
  /** An optional input that is not given is undefined. */
  readonly in: readonly (Value | undefined)[];
  readonly out: Value;
  readonly attributes: Attributes;
}

export class Graph {
  readonly nodes: Node[] = [];
  readonly inputs: { name: string; value: Value }[] = [];
  readonly outputs: { name: string; value: Value }[] = [];
  /** One value per weight, however often a network asks for it. */
  private readonly weights = new Map<string, Value>();
  private nextId = 0;
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Something fed at every run. */
  input(name: string, dtype: DType, dims: Dims): Value {
    const value = this.value(dtype, dims, { kind: 'input', name });
    this.inputs.push({ name, value });
    return value;
  }

  /** A weight that stays in its file. Its value is float32 whatever the file stores. */
  weight(ref: WeightRef, dims: Dims): Value {
    const key = `${ref.file}\n${ref.offset}\n${dims.join()}`;
    const known = this.weights.get(key);
    if (known) return known;
    const value = this.value('float32', dims, { kind: 'weight', weight: ref });
    this.weights.set(key, value);
    return value;
  }

  constant<T extends DType>(dtype: T, dims: Dims, data: TypedData[T]): Value {
    if (data.length !== sizeOf(dims)) throw new RangeError(`constant of ${data.length} values cannot be [${dims}]`);
    return this.value(dtype, dims, { kind: 'constant', data });
  }

  /** Adds an operation. The shape rule checks its inputs and throws RangeError naming the operation when they do not fit. */
  apply(op: OperationName, inputs: readonly (Value | undefined)[], attributes: Attributes = {}): Value {
    const { dims, dtype } = operations[op].shape(inputs, attributes);
    const node: { -readonly [K in keyof Node]: Node[K] } = { op, in: inputs, attributes, out: undefined as never };
    node.out = this.value(dtype ?? 'float32', dims, { kind: 'node', node });
    this.nodes.push(node);
    return node.out;
  }

  output(name: string, value: Value): void {
    this.outputs.push({ name, value });
  }

  /** Multiply-adds count as two; elementwise work is left out. */
  flops(): number {
    return this.nodes.reduce((sum, node) => sum + (operations[node.op].flops?.(node) ?? 0), 0);
  }

  /** Every weight that the graph reads, once. */
  *weightRefs(): Iterable<WeightRef> {
    for (const { from } of this.weights.values()) if (from.kind === 'weight') yield from.weight;
  }

  private value(dtype: DType, dims: Dims, from: Source): Value {
    return { id: this.nextId++, dtype, dims, from };
  }
}
