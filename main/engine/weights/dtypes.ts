// The types in which weights are stored: how large an element is, and which of them are floats.
import type { StoredDType } from './source';

/** Bytes of one element. */
export const dtypeBytes: Readonly<Record<StoredDType, number>> = {
  F64: 8, I64: 8, U64: 8, F32: 4, I32: 4, U32: 4, F16: 2, BF16: 2, I16: 2, U16: 2,
  F8_E4M3: 1, F8_E5M2: 1, F8_E4M3FNUZ: 1, F8_E5M2FNUZ: 1, F8_E8M0: 1, I8: 1, U8: 1, BOOL: 1,
};

const eightBits = ['F8_E4M3', 'F8_E5M2', 'F8_E4M3FNUZ', 'F8_E5M2FNUZ'] as const;
const floats = ['F64', 'F32', 'F16', 'BF16', ...eightBits] as const;

/** E8M0 has exponents alone: it scales blocks, and holds no weights. */
export type FloatDType = (typeof floats)[number];
/** Those that the model tools write. */
export type WrittenDType = Exclude<FloatDType, 'F8_E4M3FNUZ' | 'F8_E5M2FNUZ'>;

export const isFloat = (dtype: StoredDType): dtype is FloatDType => (floats as readonly StoredDType[]).includes(dtype);
export const isEightBit = (dtype: StoredDType): boolean => (eightBits as readonly StoredDType[]).includes(dtype);
export const isWritten = (dtype: StoredDType): dtype is WrittenDType => isFloat(dtype) && !dtype.endsWith('FNUZ');
