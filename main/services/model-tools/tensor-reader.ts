// Tensors out of weight files, a piece at a time and in the order of their shape, whatever order the file keeps them in.
import { stat } from 'node:fs/promises';
import { AppError } from '../../engine/errors';
import { sizeOf, type Dims, type Tensor } from '../../engine/tensor';
import { toFloat32 } from '../../engine/weights/half';
import { dtypeBytes } from '../../engine/weights/safetensors';
import type { ByteSource, TensorEntry, WeightFile } from '../../engine/weights/source';
import { withFile } from '../../files/weight-file';
import { openModel as openFileOrFolder } from '../../files/model-folder';

export interface TensorReader {
  /** `count` elements from element `start`, as they are stored. */
  bytes(entry: TensorEntry, start?: number, count?: number): Promise<Uint8Array>;
  /** The same as float32, into memory of its own. */
  floats(entry: TensorEntry, start?: number, count?: number): Promise<Float32Array>;
  /** All of it. */
  tensor(entry: TensorEntry): Promise<Tensor>;
}

/** Opens a model's tensors with the file that each is in, so that tensors of several models can be read side by side. */
export async function openModel(path: string): Promise<WeightFile> {
  const file = await openFileOrFolder(path);
  return { ...file, tensors: new Map([...file.tensors].map(([name, entry]) => [name, { ...entry, file: entry.file ?? file.path }])) };
}

/** The files that the models' tensors are in. The models are `openModel`'s. */
const filesOf = (models: readonly WeightFile[]): string[] => [...new Set(models.flatMap(({ tensors }) => [...tensors.values()].map((entry) => entry.file!)))];

/** Throws job.invalid where writing to `out` would replace one of the models' files, by whatever name: through a link, or inside of a model's folder. */
export async function refuseInput(out: string, models: readonly WeightFile[]): Promise<void> {
  const identityOf = (path: string): Promise<string | null> => stat(path, { bigint: true }).then(({ dev, ino }) => `${dev} ${ino}`, () => null);
  const target = await identityOf(out);
  for (const path of target === null ? [] : filesOf(models)) {
    if (await identityOf(path) !== target) continue;
    throw new AppError('job.invalid', { message: `--out ${out} is one of the files that are read.`, hint: 'Give the new file a name of its own.', data: { file: path } });
  }
}

/** Opens all files behind the models for `use`, and closes them again. The models are `openModel`'s. */
export async function withTensors<T>(models: readonly WeightFile[], use: (reader: TensorReader) => Promise<T>): Promise<T> {
  const paths = filesOf(models);
  const openNext = ([path, ...rest]: readonly string[], sources: ReadonlyMap<string, ByteSource>): Promise<T> =>
    (path === undefined ? use(readerOf(sources)) : withFile(path, (source) => openNext(rest, new Map(sources).set(path, source))));
  return openNext(paths, new Map());
}

function readerOf(sources: ReadonlyMap<string, ByteSource>): TensorReader {
  let turned: { readonly entry: TensorEntry; readonly bytes: Uint8Array } | undefined;
  const bytes = async (entry: TensorEntry, start = 0, count = sizeOf(entry.shape) - start): Promise<Uint8Array> => {
    const source = sources.get(entry.file!)!, size = dtypeBytes[entry.dtype];
    if (!entry.layout) return source.read(entry.offset + start * size, count * size);
    // Its elements are spread over the whole: turned once, then read piece by piece.
    if (turned?.entry !== entry) turned = { entry, bytes: reorder(await source.read(entry.offset, entry.byteLength), size, entry.layout) };
    return turned.bytes.slice(start * size, (start + count) * size);
  };
  const floats: TensorReader['floats'] = async (entry, start, count) => toFloat32(entry.dtype, await bytes(entry, start, count));
  return { bytes, floats, tensor: async (entry) => ({ dtype: 'float32', dims: entry.shape, data: await floats(entry) }) };
}

/** Elements of `size` bytes, row-major as `layout.shape`, into the tensor's own order: axis i of the tensor is axis `perm[i]` there. */
function reorder(bytes: Uint8Array, size: number, { shape, perm }: { readonly shape: Dims; readonly perm: Dims }): Uint8Array {
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)) * size);
  const out = new Uint8Array(bytes.length);
  let at = 0;
  const walk = (axis: number, from: number): void => {
    if (axis === perm.length) {
      for (let i = 0; i < size; i++) out[at++] = bytes[from + i]!;
      return;
    }
    for (let i = 0, stored = perm[axis]!; i < shape[stored]!; i++) walk(axis + 1, from + i * strides[stored]!);
  };
  walk(0, 0);
  return out;
}
