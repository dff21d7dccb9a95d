// Tensors out of weight files, a piece at a time and in the order of their shape, whatever order the file keeps them in.
import { stat } from 'node:fs/promises';
import { AppError } from '../../engine/errors';
import { sizeOf, type Tensor } from '../../engine/tensor';
import { toFloat32 } from '../../engine/weights/half';
import { dtypeBytes, isFloat } from '../../engine/weights/dtypes';
import { multiply } from '../../engine/weights/quantized/factors';
import { refuseForeignForm } from '../../engine/weights/quantized/forms';
import type { ByteSource, Factor, TensorEntry, WeightFile } from '../../engine/weights/source';
import { elementsOf, factorValues, wholeNumbers } from '../../engine/weights/values';
import { withFile } from '../../files/weight-file';
import { openModel as openFileOrFolder } from '../../files/model-folder';

export interface TensorReader {
  /** `count` elements from element `start`, as they are stored. */
  bytes(entry: TensorEntry, start?: number, count?: number): Promise<Uint8Array>;
  /** The values as float32, into memory of its own. */
  floats(entry: TensorEntry, start?: number, count?: number): Promise<Float32Array>;
  /** All of it. */
  tensor(entry: TensorEntry): Promise<Tensor>;
  /** The same of whole numbers too. */
  numbers(entry: TensorEntry): Promise<Tensor>;
}

/** Opens a model's tensors with the file that each is in, so that tensors of several models can be read side by side. Throws weights.foreignForm, and what opening it throws. */
export async function openModel(path: string): Promise<WeightFile> {
  const file = await openFileOrFolder(path);
  refuseForeignForm(file);
  return withConfigInside({ ...file, tensors: new Map([...file.tensors].map(([name, entry]) => [name, { ...entry, file: entry.file ?? file.path }])) });
}

/** What only lies beside the model, in it, as trainers write it: what is made of it lies elsewhere. */
function withConfigInside(file: WeightFile): WeightFile {
  const { prediction, zeroSnr } = file.config ?? {}, [first] = file.tensors.values();
  if (!first || (!prediction && !zeroSnr)) return file;
  const isXl = [...file.tensors.keys()].some((name) => name.startsWith('conditioner.embedders.'));
  const marks = [...(zeroSnr ? ['ztsnr'] : []), ...(prediction === 'v' && isXl ? ['v_pred'] : [])].map((name): [string, TensorEntry] => [name, { name, dtype: 'F32', shape: [0], offset: 0, byteLength: 0, file: first.file! }]);
  return { ...file, tensors: new Map([...file.tensors, ...marks]), metadata: { ...file.metadata, ...(prediction && { 'modelspec.prediction_type': prediction === 'v' ? 'v' : 'epsilon' }) } };
}

/** The files that the models' tensors are in. The models are `openModel`'s. */
const filesOf = (models: readonly WeightFile[]): string[] => [...new Set(models.flatMap(({ tensors }) => [...tensors.values()].flatMap(({ file, factor }) => (factor ? [file!, factor.entry.file] : [file!]))))];

/** Throws tool.overSource where writing to `out` would replace one of the models' files, by whatever name: through a link, or inside of a model's folder. */
export async function refuseInput(out: string, models: readonly WeightFile[]): Promise<void> {
  const identityOf = (path: string): Promise<string | null> => stat(path, { bigint: true }).then(({ dev, ino }) => `${dev} ${ino}`, () => null);
  const target = await identityOf(out);
  for (const path of target === null ? [] : filesOf(models)) {
    if (await identityOf(path) !== target) continue;
    throw new AppError('tool.overSource', { file: path });
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
    if (!entry.layout && !entry.strides && !entry.data) return source.read(entry.offset + start * size, count * size);
    // Its elements are spread over the whole: turned once, then read piece by piece.
    if (turned?.entry !== entry) turned = { entry, bytes: await elementsOf(entry, source.read) };
    return turned.bytes.slice(start * size, (start + count) * size);
  };
  let scales: { readonly factor: Factor; readonly values: Float32Array } | undefined;
  const floats: TensorReader['floats'] = async (entry, start = 0, count) => {
    const values = toFloat32(entry.dtype, await bytes(entry, start, count)), { factor } = entry;
    if (!factor) return values;
    if (scales?.factor !== factor) scales = { factor, values: await factorValues(factor, sources.get(factor.entry.file)!.read) };
    multiply(values, start, entry.shape, factor, scales.values);
    return values;
  };
  const tensor = async (entry: TensorEntry): Promise<Tensor> => ({ dtype: 'float32', dims: entry.shape, data: await floats(entry) });
  return { bytes, floats, tensor, numbers: async (entry) => (isFloat(entry.dtype) ? tensor(entry) : { dtype: 'float32', dims: entry.shape, data: wholeNumbers(entry.dtype, await bytes(entry)) }) };
}
