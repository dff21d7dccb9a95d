// From an entry of a weight file to its values: the bytes in the order of the tensor's axes, as float32, times the factor that it may have.
import { float32, sizeOf, type Dims, type Tensor } from '../tensor';
import { dtypeBytes, isFloat, type FloatDType } from './dtypes';
import { toFloat32 } from './half';
import { multiply } from './quantized/factors';
import type { ByteSource, Factor, StoredDType, TensorEntry } from './source';

/** Its file's. */
type Read = ByteSource['read'];

/** All elements as they are stored, in the order of `shape`. */
export async function elementsOf(entry: TensorEntry, read: Read): Promise<Uint8Array> {
  const { dtype, shape, strides, layout } = entry, bytes = entry.data ?? await read(entry.offset, entry.byteLength);
  if (strides) return gather(bytes, dtypeBytes[dtype], shape, strides);
  return layout ? gather(bytes, dtypeBytes[dtype], shape, shape.map((_, axis) => sizeOf(layout.shape.slice(layout.perm[axis]! + 1)))) : bytes;
}

/** All values. `readFactor`: from the factor's own file. Throws weights.notFloats for whole numbers. */
export async function valuesOf(entry: TensorEntry, read: Read, readFactor: Read = read): Promise<Float32Array> {
  const values = toFloat32(entry.dtype, await elementsOf(entry, read));
  if (entry.factor) multiply(values, 0, entry.shape, entry.factor, await factorValues(entry.factor, readFactor));
  return values;
}

/** Flags, sizes and some alphas, which are whole numbers, as the floats next to them. `bytes` as `elementsOf` gives them. */
export const wholeNumbers = (dtype: Exclude<StoredDType, FloatDType>, bytes: Uint8Array): Float32Array => Float32Array.from(new whole[dtype](bytes.slice().buffer), Number);

const whole = {
  I64: BigInt64Array, U64: BigUint64Array, I32: Int32Array, U32: Uint32Array, I16: Int16Array, U16: Uint16Array, I8: Int8Array, U8: Uint8Array, BOOL: Uint8Array, F8_E8M0: Uint8Array,
};

/** The values of a small tensor, floats or whole numbers. */
export const numbersOf = async (entry: TensorEntry, read: Read): Promise<Tensor> =>
  float32(entry.shape, isFloat(entry.dtype) ? await valuesOf(entry, read) : wholeNumbers(entry.dtype, await elementsOf(entry, read)));

export const factorValues = async ({ entry }: Factor, read: Read): Promise<Float32Array> => toFloat32(entry.dtype, await elementsOf(entry, read));

/** Elements of `size` bytes, from a row in which the next along an axis is `strides` further, into the order of the shape. */
function gather(bytes: Uint8Array, size: number, shape: Dims, strides: Dims): Uint8Array {
  const out = new Uint8Array(sizeOf(shape) * size);
  let at = 0;
  const walk = (axis: number, from: number): void => {
    if (axis === shape.length) {
      for (let i = 0; i < size; i++) out[at++] = bytes[from * size + i]!;
      return;
    }
    for (let i = 0; i < shape[axis]!; i++) walk(axis + 1, from + i * strides[axis]!);
  };
  if (out.length > 0) walk(0, 0);
  return out;
}
