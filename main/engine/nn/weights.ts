// A place in a checkpoint: weights are found by the path that the checkpoint itself uses, so a network reads like its keys. The one place where
// a network reads weights.
import { AppError } from '../errors';
import type { Graph, Value } from '../graph/graph';
import type { WeightSite } from '../graph/hooks';
import { sizeOf, type Dims } from '../tensor';
import { baseName } from '../weights/safetensors';
import type { TensorEntry, WeightFile } from '../weights/source';

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
      throw new AppError('weights.missingTensor', {
        message: `${baseName(source.path)} lacks the tensor ${key}`,
        data: { file: source.path, key },
        hint: 'The file is incomplete or of another kind. Get the full checkpoint, or look at it with "inspect".',
      });
    }
    if (String(matrixOf(entry.shape)) === String(matrixOf(stored))) return entry;
    throw new AppError('weights.shapeMismatch', {
      message: `${baseName(source.path)}: ${entry.name} is [${entry.shape}], expected [${stored}]`,
      data: { file: source.path, key: entry.name, got: entry.shape, want: stored },
      hint: 'The file mixes parts of different models. Get it again from its source.',
    });
  }

  private read(entry: TensorEntry, { dims, site, skip = 0, byteLength }: Read): Value {
    const { graph } = this;
    const own = graph.within(this.path, () => (entry.layout ? this.reordered(entry, entry.layout, dims, site.rows) : this.stored(entry, dims, skip, byteLength)));
    if (!graph.hooks.weight) return own;
    const changed = graph.within(this.path, () => graph.hooks.weight!(graph, site, own));
    if (String(changed.dims) !== String(dims)) throw new RangeError(`what changes ${site.path} [${dims}] made it [${changed.dims}]`);
    return changed;
  }

  private stored({ name, file = this.source.path, offset, dtype }: TensorEntry, dims: Dims, skip: number, byteLength: number): Value {
    return this.graph.weight({ name, file, offset: offset + skip, byteLength, stored: dtype }, dims);
  }

  /** The file has the axes in another order (pickled checkpoints alone): the graph turns them, so that the bytes can stay where they are. */
  private reordered(entry: TensorEntry, { shape, perm }: NonNullable<TensorEntry['layout']>, dims: Dims, rows: WeightSite['rows']): Value {
    const { graph } = this;
    const turned = graph.apply('Transpose', [this.stored(entry, shape, 0, entry.byteLength)], { perm });
    if (rows) return graph.apply('Slice', [turned], { axis: 0, start: rows.start, end: rows.start + rows.count });
    return String(dims) === String(turned.dims) ? turned : graph.apply('Reshape', [turned], { dims });
  }
}

/** A 1×1 convolution's weight is a matrix. */
const matrixOf = (shape: Dims): Dims => (shape.length === 4 && shape[2] === 1 && shape[3] === 1 ? shape.slice(0, 2) : shape);
