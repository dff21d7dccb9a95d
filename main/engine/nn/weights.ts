// A place in a checkpoint: weights are found by the path that the checkpoint itself uses, so a network reads like its keys. The one place where
// a network reads weights.
import { AppError } from '../errors';
import type { Graph, Value, WeightRef } from '../graph/graph';
import type { WeightSite } from '../graph/hooks';
import { sizeOf, type Dims } from '../tensor';
import type { Factor, TensorEntry, WeightFile } from '../weights/source';

/** Notes which tensors a network reads, instead of having any: what a file must hold, and what a fresh network would. */
export class WeightRecord {
  readonly path = '';
  readonly tensors = new Map<string, TensorEntry>();
  private end = 0;

  /** As if all lay one behind the other in a file of float32. */
  entry(name: string, shape: Dims): TensorEntry {
    const byteLength = 4 * sizeOf(shape);
    const entry = this.tensors.get(name) ?? { name, dtype: 'F32', shape, offset: this.end, byteLength };
    if (!this.tensors.has(name)) this.end += byteLength;
    this.tensors.set(name, entry);
    return entry;
  }
}

export type WeightSource = WeightFile | WeightRecord;

interface Read { readonly dims: Dims; readonly site: WeightSite; readonly skip?: number; readonly byteLength: number }

export class Weights {
  readonly graph: Graph;
  /** Without a trailing dot. */
  readonly path: string;
  private readonly source: WeightSource;

  constructor(graph: Graph, source: WeightSource, path = '') {
    this.graph = graph;
    this.source = source;
    this.path = path.replace(/\.$/, '');
  }

  at(path: string | number): Weights {
    return new Weights(this.graph, this.source, this.key(String(path)));
  }

  /** A place that is not below this one. */
  elsewhere(path: string): Weights {
    return new Weights(this.graph, this.source, path);
  }

  /** The weight that the file holds as `stored`, as a graph value of the same size [...dims]. Throws weights.missingTensor, weights.shapeMismatch. */
  tensor(name: string, stored: Dims, dims: Dims = stored): Value {
    const entry = this.entry(name, stored);
    return this.read(entry, { dims, site: { path: entry.name }, byteLength: entry.byteLength });
  }

  /** As `tensor`, where files may leave it out; a record does. */
  optional(name: string, stored: Dims): Value | undefined {
    return this.source instanceof WeightRecord || !this.source.tensors.has(this.key(name)) ? undefined : this.tensor(name, stored);
  }

  /** Rows `start` to `start + count` of a tensor whose first dimension packs several weights (OpenCLIP's in_proj). */
  rows(name: string, stored: Dims, start: number, count: number): Value {
    const entry = this.entry(name, stored);
    if (start < 0 || start + count > stored[0]!) throw new RangeError(`rows ${start}…${start + count} of ${entry.name} [${stored}]`);
    const dims = [count, ...stored.slice(1)], rowBytes = entry.byteLength / stored[0]!;
    return this.read(entry, { dims, site: { path: entry.name, rows: { start, count } }, skip: start * rowBytes, byteLength: count * rowBytes });
  }

  private key(name: string): string {
    return this.path ? `${this.path}.${name}` : name;
  }

  private entry(name: string, stored: Dims): TensorEntry {
    const key = this.key(name), { source } = this;
    if (source instanceof WeightRecord) return source.entry(key, stored);
    const entry = source.tensors.get(key);
    if (!entry) {
      throw new AppError('weights.missingTensor', { file: source.path, key });
    }
    if (String(matrixOf(entry.shape)) === String(matrixOf(stored))) return entry;
    throw new AppError('weights.shapeMismatch', { file: source.path, key: entry.name, got: [...entry.shape], want: [...stored] });
  }

  private read(entry: TensorEntry, { dims, site, skip = 0, byteLength }: Read): Value {
    const { graph, source: { path } } = this, { rows } = site;
    const own = graph.within(this.path, () => (isWhole(entry, rows) ? reshaped(graph, path, entry, dims, rows) : stored(graph, path, entry, dims, { skip, byteLength, rows })));
    if (!graph.hooks.weight) return own;
    const changed = graph.within(this.path, () => graph.hooks.weight!(graph, site, own));
    if (String(changed.dims) !== String(dims)) throw new RangeError(`what changes ${site.path} [${dims}] made it [${changed.dims}]`);
    return changed;
  }
}

/** A tensor of a file as a value [...dims] of the graph, which no hook sees. `path`: of the file, where the entry names none. */
export const storedTensor = (graph: Graph, path: string, entry: TensorEntry, dims: Dims = entry.shape): Value =>
  (isWhole(entry) ? reshaped(graph, path, entry, dims) : stored(graph, path, entry, dims, { skip: 0, byteLength: entry.byteLength }));

type Rows = NonNullable<WeightSite['rows']>;

/** Whether all of its bytes are read, whatever is wanted of it. */
const isWhole = (entry: TensorEntry, rows?: Rows): boolean => entry.layout !== undefined || entry.strides !== undefined || (rows !== undefined && !fitsRows(entry));

function stored(graph: Graph, path: string, entry: TensorEntry, dims: Dims, { skip, byteLength, rows }: { skip: number; byteLength: number; rows?: Rows | undefined }): Value {
  const { name, file = path, offset, dtype, strides, data } = entry;
  const bytes = data && { data: data.subarray(skip, skip + byteLength) };
  return graph.weight({ name, file, offset: offset + skip, byteLength, stored: dtype, ...bytes, ...(strides && { strides }), ...(entry.factor && { factor: factorOf(entry, entry.factor, dims, rows) }) }, dims);
}

/** All of it, turned where the file has the axes in another order (pickled checkpoints alone), so that the bytes can stay where they are; then the rows. */
function reshaped(graph: Graph, path: string, entry: TensorEntry, dims: Dims, rows?: Rows): Value {
  const { layout, shape, byteLength } = entry;
  const whole = stored(graph, path, entry, layout?.shape ?? shape, { skip: 0, byteLength });
  const turned = layout ? graph.apply('Transpose', [whole], { perm: layout.perm }) : whole;
  if (rows) return graph.apply('Slice', [turned], { axis: 0, start: rows.start, end: rows.start + rows.count });
  return String(dims) === String(turned.dims) ? turned : graph.apply('Reshape', [turned], { dims });
}

/** Whether its factor can be taken for some rows alone. */
const fitsRows = ({ shape, factor }: TensorEntry): boolean => !factor || factor.blocks[0] === 1 || factor.blocks[0] === shape[0];

/** `dims`: in which the weight lies in the file. `rows`: which of them are read, where not all are. */
function factorOf({ layout }: TensorEntry, { entry, blocks: [allRows, columns] }: Factor, dims: Dims, rows?: Rows): NonNullable<WeightRef['factor']> {
  const count = rows && allRows > 1 ? rows.count : allRows, rowBytes = entry.byteLength / allRows;
  const axes = [layout?.perm[0] ?? 0, layout?.perm[1] ?? 1];
  const parts = dims.map((_, axis) => (axis === axes[0] ? count : axis === axes[1] ? columns : 1));
  const skip = rows && allRows > 1 ? rows.start * rowBytes : 0, byteLength = count * rowBytes, data = entry.data?.subarray(skip, skip + byteLength);
  const weight: WeightRef = { name: entry.name, file: entry.file, offset: entry.offset + skip, byteLength, stored: entry.dtype, ...(data && { data }) };
  const isBlocked = (axis: number): boolean => parts[axis]! > 1 && parts[axis]! < dims[axis]!;
  if (!dims.some((_, axis) => isBlocked(axis))) return { weight, dims: parts };
  return {
    weight, dims: parts.flatMap((part, axis) => (isBlocked(axis) ? [part, 1] : [part])),
    split: dims.flatMap((size, axis) => (isBlocked(axis) ? [parts[axis]!, size / parts[axis]!] : [size])),
  };
}

/** A 1×1 convolution's weight is a matrix. */
const matrixOf = (shape: Dims): Dims => (shape.length === 4 && shape[2] === 1 && shape[3] === 1 ? shape.slice(0, 2) : shape);
