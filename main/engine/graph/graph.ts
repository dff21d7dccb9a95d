// A network as a graph of values, at one fixed size. Operations say what is computed; dialects say how a provider computes it.
//
// The same nodes serve inference and training: nothing here knows ONNX.
import type { Dims, DType, TypedData } from '../tensor';
import { sizeOf } from '../tensor';
import type { StoredDType } from '../weights/source';
import type { Hooks } from './hooks';
import { operations, type AttributesOf, type OperationName } from './operations';
import type { Inputs, Operation } from './primitives';

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
  | { readonly kind: 'node'; readonly node: GraphNode };

/** Bytes of a file that are an initializer of the graph: the user's own, or one that was derived from it. The dialect says how they become a value. */
export interface WeightRef {
  readonly name: string;
  readonly file: string;
  readonly offset: number;
  readonly byteLength: number;
  readonly stored: StoredDType;
  /** The bytes themselves, where they are in no row of the file. */
  readonly data?: Uint8Array;
  /** Of a view, whose elements do not lie one beside the other: how far it is from one to the next along each axis, in elements. */
  readonly strides?: Dims;
  /** Each element is multiplied with it: `dims` spread over `split`, or over the weight's own dims. */
  readonly factor?: { readonly weight: WeightRef; readonly dims: Dims; readonly split?: Dims };
}

interface NodeOf<K extends OperationName> {
  readonly op: K;
  readonly in: Inputs;
  readonly out: Value;
  readonly attributes: AttributesOf<K>;
  /** Of the layer that it came from, as the checkpoint names it; '' outside of any. */
  readonly path: string;
}
/** `GraphNode<'Conv'>`: a node of this operation. */
export type GraphNode<K extends OperationName = OperationName> = { [P in K]: NodeOf<P> }[K];

interface Named { readonly name: string; readonly value: Value }

export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly inputs: Named[] = [];
  readonly outputs: Named[] = [];
  readonly name: string;
  readonly hooks: Hooks;
  /** One value per weight, however often a network asks for it. */
  private readonly weights = new Map<string, Value>();
  private nextId = 0;
  private path = '';

  constructor(name: string, hooks: Hooks = {}) {
    this.name = name;
    this.hooks = hooks;
  }

  /** Something fed at every run. Throws RangeError for a name that another input or an output has. */
  input(name: string, dtype: DType, dims: Dims): Value {
    this.refuseTaken(name);
    const value = this.value(dtype, dims, { kind: 'input', name });
    this.inputs.push({ name, value });
    return value;
  }

  /** A weight that stays in its file. Its value is float32 whatever the file stores. */
  weight(ref: WeightRef, dims: Dims): Value {
    const by = ref.factor?.weight, key = `${ref.file}\n${ref.data ? ref.name : ''}\n${ref.offset}\n${ref.stored}\n${ref.strides?.join() ?? ''}\n${dims.join()}${by ? `\n${by.file}\n${by.offset}` : ''}`;
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

  /** A constant [] of float32. */
  scalar(value: number): Value {
    return this.constant('float32', [], Float32Array.of(value));
  }

  /** Adds an operation. The shape rule checks its inputs and throws RangeError naming the operation when they do not fit. */
  apply<K extends OperationName>(op: K, inputs: Inputs, ...[attributes]: Record<never, never> extends AttributesOf<K> ? [] : [AttributesOf<K>]): Value {
    const told = (attributes ?? {}) as AttributesOf<K>;
    const { dims, dtype = 'float32' } = (operations[op] as Operation<AttributesOf<K>>).shape(inputs, told);
    const node = { op, in: inputs, attributes: told, path: this.path } as unknown as { -readonly [P in keyof GraphNode]: GraphNode[P] };
    node.out = this.value(dtype, dims, { kind: 'node', node: node as GraphNode });
    this.nodes.push(node as GraphNode);
    return node.out;
  }

  /** What `build` adds came from the layer at `path`. */
  within<T>(path: string, build: () => T): T {
    const outer = this.path;
    this.path = path;
    try {
      return build();
    } finally {
      this.path = outer;
    }
  }

  /** One value may be several outputs. Throws RangeError for a name that another output or an input has. */
  output(name: string, value: Value): void {
    this.refuseTaken(name);
    this.outputs.push({ name, value });
  }

  /** The nodes that the outputs need, each behind those that it reads. */
  needed(): GraphNode[] {
    const seen = new Set<GraphNode>();
    const waiting = this.outputs.map(({ value }) => value);
    for (let value = waiting.pop(); value; value = waiting.pop()) {
      if (value.from.kind !== 'node' || seen.has(value.from.node)) continue;
      seen.add(value.from.node);
      for (const read of value.from.node.in) if (read) waiting.push(read);
    }
    return this.nodes.filter((node) => seen.has(node));
  }

  /** Multiply-adds count as two; elementwise work is left out. */
  flops(): number {
    return this.needed().reduce((sum, node) => sum + (operations[node.op].flops?.(node.in, node.out) ?? 0), 0);
  }

  /** Every weight that the outputs need, and every factor of one, once. */
  weightRefs(): Set<WeightRef> {
    const values = [...this.needed().flatMap((node) => node.in), ...this.outputs.map(({ value }) => value)];
    const refs = values.flatMap((value) => (value?.from.kind === 'weight' ? [value.from.weight] : []));
    return new Set(refs.flatMap((ref) => (ref.factor ? [ref, ref.factor.weight] : [ref])));
  }

  private refuseTaken(name: string): void {
    if ([...this.inputs, ...this.outputs].some((named) => named.name === name)) throw new RangeError(`two inputs or outputs of ${this.name} are called ${name}`);
  }

  private value(dtype: DType, dims: Dims, from: Source): Value {
    return { id: this.nextId++, dtype, dims, from };
  }
}
