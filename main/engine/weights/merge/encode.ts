// float32 → the dtypes that weights are stored in. Rounds to nearest, ties to even; NaN stays NaN.
import type { WrittenDType } from '../dtypes';
import { floatToHalf } from '../half';

/**
 * The values as stored bytes (little-endian). fp16 and bf16 overflow to infinity, as torch's do; finite values beyond the largest fp8 become that
 * largest (448 and 57344), since fp8's range is small enough for real weights to leave it. e4m3 has no infinity: it becomes NaN.
 */
export function fromFloat32(dtype: WrittenDType, values: Float32Array): Uint8Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  switch (dtype) {
    case 'F64': return bytesOf(Float64Array.from(values));
    case 'F32': return bytesOf(values);
    case 'F16': return bytesOf(floatToHalf(values));
    case 'BF16': return bytesOf(mapWords(words, new Uint16Array(words.length), toBfloat));
    case 'F8_E4M3': return mapWords(words, new Uint8Array(words.length), (word) => toEight(word, e4m3));
    case 'F8_E5M2': return mapWords(words, new Uint8Array(words.length), (word) => toEight(word, e5m2));
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

function mapWords<T extends Uint16Array | Uint8Array>(words: Uint32Array, out: T, narrow: (word: number) => number): T {
  for (let i = 0; i < words.length; i++) out[i] = narrow(words[i]!);
  return out;
}

/** The upper half of the word. */
function toBfloat(word: number): number {
  const isNaN = (word & 0x7fff_ffff) > 0x7f80_0000;
  return isNaN ? (word >>> 16) | 0x40 : (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

/** `mantissa`: its bits. The codes are those of +values. */
interface EightBits { readonly mantissa: number; readonly bias: number; readonly largest: number; readonly infinity: number; readonly nan: number }

/** Micikevicius et al. 2022 (arXiv:2209.05433). */
const e4m3: EightBits = { mantissa: 3, bias: 7, largest: 0x7e, infinity: 0x7f, nan: 0x7f };
const e5m2: EightBits = { mantissa: 2, bias: 15, largest: 0x7b, infinity: 0x7c, nan: 0x7e };

function toEight(word: number, { mantissa, bias, largest, infinity, nan }: EightBits): number {
  const sign = (word >>> 24) & 0x80, abs = word & 0x7fff_ffff;
  if (abs >= 0x7f80_0000) return sign | (abs > 0x7f80_0000 ? nan : infinity);
  const dropped = 23 - mantissa, smallestNormal = 128 - bias;                       // as a float32 exponent
  if (abs >= smallestNormal << 23) {
    const code = (abs - ((127 - bias) << 23) + (1 << (dropped - 1)) - 1 + ((abs >>> dropped) & 1)) >>> dropped;
    return sign | Math.min(code, largest);
  }
  const shift = dropped + smallestNormal - (abs >>> 23);                            // subnormal: units of 2^(1 − bias − mantissa)
  if (shift > 24) return sign;
  const whole = (abs & 0x7f_ffff) | 0x80_0000, kept = whole >>> shift, rest = whole & ((1 << shift) - 1), tie = 1 << (shift - 1);
  return sign | (kept + (rest > tie || (rest === tie && (kept & 1) === 1) ? 1 : 0));
}
