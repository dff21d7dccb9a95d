// Finds NaN and infinity in stored weights by their bits, without widening them.
import { view } from './half';
import type { StoredDType } from './source';

/**
 * Index of the first element that is NaN or infinite, or −1. `bytes`: whole elements, little-endian, any alignment.
 * Integers are always finite.
 */
export function firstNotFinite(dtype: StoredDType, bytes: Uint8Array): number {
  switch (dtype) {
    case 'F16': return firstAllSet(view(Uint16Array, bytes), 0x7c00);
    case 'BF16': return firstAllSet(view(Uint16Array, bytes), 0x7f80);
    case 'F32': return firstAllSet(view(Int32Array, bytes), 0x7f80_0000);
    case 'F8_E5M2': return firstAllSet(bytes, 0x7c);
    case 'F8_E4M3': return firstAllSet(bytes, 0x7f);   // no infinities; all ones is NaN
    case 'F8_E4M3FNUZ': case 'F8_E5M2FNUZ': return bytes.indexOf(0x80);   // the bits of −0 are NaN
    case 'F64': return view(Float64Array, bytes).findIndex((value) => !Number.isFinite(value));
    default: return -1;
  }
}

/** A float is NaN or infinite exactly when every bit of its exponent is set. */
function firstAllSet(bits: Uint8Array | Uint16Array | Int32Array, exponent: number): number {
  for (let i = 0; i < bits.length; i++) if ((bits[i]! & exponent) === exponent) return i;
  return -1;
}
