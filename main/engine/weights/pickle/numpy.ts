// Numpy arrays inside of a pickle, with their bytes: how torch saves tensors of devices that have no storages (DirectML, XLA, MPS of old).
// After numpy/_core/src/multiarray/{methods,descriptor}.c: an array and its type are made empty and then given their state.
import { sizeOf } from '../../tensor';
import { dtypeBytes } from '../dtypes';
import type { StoredDType } from '../source';
import { isCount, isKind, type NumpyArray, type NumpyType, type PickleValue, type StoredTensor } from './values';

const kinds: Readonly<Record<string, StoredDType>> = {
  f2: 'F16', f4: 'F32', f8: 'F64', i1: 'I8', i2: 'I16', i4: 'I32', i8: 'I64', u1: 'U8', u2: 'U16', u4: 'U32', u8: 'U64', b1: 'BOOL', '?': 'BOOL',
  float16: 'F16', float32: 'F32', float64: 'F64', int8: 'I8', int16: 'I16', int32: 'I32', int64: 'I64', uint8: 'U8', uint16: 'U16', uint32: 'U32', uint64: 'U64', bool: 'BOOL',
};

/** numpy.dtype('f4', align, copy). Texts, objects and records have no dtype of ours. */
export function typeFrom(args: readonly PickleValue[]): NumpyType | undefined {
  const [code] = args, [, order = '=', kind = ''] = typeof code === 'string' ? /^([<>|=]?)(.+)$/s.exec(code) ?? [] : [];
  return typeof code === 'string' ? { kind: 'dtype', dtype: Object.hasOwn(kinds, kind) ? kinds[kind]! : null, bigEndian: order === '>' } : undefined;
}

/** numpy.dtypes.Float32DType and its like. */
export const typeOfClass = (name: string): NumpyType => ({ kind: 'dtype', dtype: kinds[name.replace(/DType$/, '').toLowerCase()] ?? null, bigEndian: false });
export const typeClasses = ['Float16DType', 'Float32DType', 'Float64DType', 'Int8DType', 'Int16DType', 'Int32DType', 'Int64DType', 'UInt8DType', 'UInt16DType', 'UInt32DType', 'UInt64DType', 'BoolDType'];

/** Its state: (version, byte order, …). */
export function setType(type: NumpyType, state: PickleValue): boolean {
  if (!Array.isArray(state)) return false;
  type.bigEndian = state[1] === '>';
  return true;
}

/** Its state: (version, shape, type, isFortran, bytes), without the version in the oldest. `copy` counts bytes that are made. */
export function setArray(array: NumpyArray, state: PickleValue, copy: (bytes: number) => void): boolean {
  if (!Array.isArray(state) || state.length < 4) return false;
  const [shape, type, isFortran, bytes] = state.slice(-4);
  const made = arrayFrom(bytes, type, shape, isFortran === true || isFortran === 1, copy);
  if (made === undefined) return false;
  array.tensor = made;
  return true;
}

/** null: an array of what holds no numbers. undefined: it makes no sense. */
export function arrayFrom(bytes: PickleValue | undefined, type: PickleValue | undefined, shape: PickleValue | undefined, isFortran: boolean, copy: (bytes: number) => void): StoredTensor | null | undefined {
  if (!isKind(type, 'dtype') || !Array.isArray(shape) || !shape.every(isCount) || shape.length > MOST_DIMS) return undefined;
  const { dtype } = type;
  if (!dtype) return null;
  const raw = typeof bytes === 'string' ? latin1(bytes, copy) : bytes, size = dtypeBytes[dtype];
  if (!(raw instanceof Uint8Array) || raw.length !== sizeOf(shape) * size) return undefined;
  const data = type.bigEndian && size > 1 ? swapped(raw, size, copy) : raw;
  const strides = shape.map((_, axis) => sizeOf(isFortran ? shape.slice(0, axis) : shape.slice(axis + 1)));
  return { kind: 'tensor', storage: data, dtype, offset: 0, shape: [...shape], strides };
}

/** Numpy's own limit. */
const MOST_DIMS = 64;

/** Each character is a byte; undefined where one is none. */
export function latin1(text: string, copy: (bytes: number) => void): Uint8Array | undefined {
  copy(text.length);
  const out = new Uint8Array(text.length);
  for (let i = 0; i < out.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) return undefined;
    out[i] = code;
  }
  return out;
}

function swapped(bytes: Uint8Array, size: number, copy: (bytes: number) => void): Uint8Array {
  copy(bytes.length);
  return bytes.map((_, i) => bytes[i - (i % size) + size - 1 - (i % size)]!);
}
