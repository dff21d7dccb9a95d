// A place in a checkpoint: weights are found by the path that the checkpoint itself uses, so a network reads like its keys.
import { AppError } from '../errors';
import type { Graph, Value } from '../graph/graph';
import { sizeOf, type Dims } from '../tensor';
import { baseName } from '../weights/safetensors';
import type { TensorEntry, WeightFile } from '../weights/source';

/** The prefixes of a file's names, made once per file. */
const prefixes = new WeakMap<WeightFile, ReadonlySet<string>>();

export class Weights {
  readonly graph: Graph;
  readonly file: WeightFile;
  /** Without a trailing dot. */
  readonly path: string;

  constructor(graph: Graph, file: WeightFile, path = '') {
    this.graph = graph;
    this.file = file;
    this.path = path.replace(/\.$/, '');
  }

  at(path: string | number): Weights {
    return new Weights(this.graph, this.file, this.key(String(path)));
  }

  /** Whether there is a tensor of this name, or one below it. */
  has(path: string | number): boolean {
    return prefixesOf(this.file).has(this.key(String(path)));
  }

  shape(name: string): Dims | undefined {
    return this.file.tensors.get(this.key(name))?.shape;
  }

  /** The weight as a graph value; `dims` reads it in another shape of the same size. Throws weights.missingTensor. */
  tensor(name: string, dims?: Dims): Value {
    const entry = this.entry(name);
    return this.value(entry, dims ?? entry.shape, 0, entry.byteLength);
  }

  optional(name: string): Value | undefined {
    return this.file.tensors.has(this.key(name)) ? this.tensor(name) : undefined;
  }

  /** Rows `start` to `start + count` of a tensor whose first dimension packs several weights (OpenCLIP's in_proj). */
  rows(name: string, start: number, count: number): Value {
    const entry = this.entry(name);
    if (entry.layout) return this.graph.apply('Slice', [this.reordered(entry, entry.layout)], { axis: 0, start, end: start + count });
    const rowBytes = entry.byteLength / entry.shape[0]!;
    return this.value(entry, [count, ...entry.shape.slice(1)], start * rowBytes, count * rowBytes);
  }

  key(name: string): string {
    return this.path ? `${this.path}.${name}` : name;
  }

  private entry(name: string): TensorEntry {
    const key = this.key(name);
    const entry = this.file.tensors.get(key);
    if (entry) return entry;
    throw new AppError('weights.missingTensor', {
      message: `${baseName(this.file.path)} lacks the tensor ${key}`,
      data: { file: this.file.path, key },
      hint: 'The file is incomplete or of another kind. Get the full checkpoint, or look at it with "inspect".',
    });
  }

  private value(entry: TensorEntry, dims: Dims, skip: number, byteLength: number): Value {
    if (sizeOf(dims) * sizeOf(entry.shape) !== 0 && (sizeOf(dims) / sizeOf(entry.shape)) !== byteLength / entry.byteLength) {
      throw new AppError('weights.shapeMismatch', {
        message: `${baseName(this.file.path)}: ${entry.name} is [${entry.shape}], expected [${dims}]`,
        data: { file: this.file.path, key: entry.name, got: entry.shape, want: dims },
        hint: 'The file mixes parts of different models. Get it again from its source.',
      });
    }
    if (entry.layout) {
      const value = this.reordered(entry, entry.layout);
      return String(dims) === String(entry.shape) ? value : this.graph.apply('Reshape', [value], { dims });
    }
    return this.graph.weight({ name: entry.name, file: entry.file ?? this.file.path, offset: entry.offset + skip, byteLength, stored: entry.dtype }, dims);
  }

  /** The file has the axes in another order (pickled checkpoints alone): the graph turns them, so that the bytes can stay where they are. */
  private reordered({ name, file = this.file.path, offset, byteLength, dtype }: TensorEntry, { shape, perm }: NonNullable<TensorEntry['layout']>): Value {
    return this.graph.apply('Transpose', [this.graph.weight({ name, file, offset, byteLength, stored: dtype }, shape)], { perm });
  }
}

function prefixesOf(file: WeightFile): ReadonlySet<string> {
  const known = prefixes.get(file);
  if (known) return known;
  const set = new Set<string>();
  for (const name of file.tensors.keys()) {
    for (let end = name.length; end > 0; end = name.lastIndexOf('.', end - 1)) set.add(name.slice(0, end));
  }
  prefixes.set(file, set);
  return set;
}
