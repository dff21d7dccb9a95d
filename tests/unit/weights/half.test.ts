// Narrow floats: widening against the formats' definitions, narrowing against the nearest representable value, and the search for NaN.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../main/engine/errors';
import { firstNotFinite } from '../../../main/engine/weights/checks';
import { floatToHalf, halfToFloat, toFloat32 } from '../../../main/engine/weights/half';
import type { StoredDType } from '../../../main/engine/weights/source';

const all = (bits: number): number[] => Array.from({ length: 2 ** bits }, (_, i) => i);
const bytesOf = (array: Uint16Array | Float32Array | Float64Array): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** An IEEE-like float by its definition: sign, exponent with bias, fraction. */
function decode(bits: number, exponentBits: number, fractionBits: number): number {
  const exponent = (bits >> fractionBits) & (2 ** exponentBits - 1), fraction = (bits & (2 ** fractionBits - 1)) / 2 ** fractionBits, bias = 2 ** (exponentBits - 1) - 1;
  const magnitude = exponent === 0 ? fraction * 2 ** (1 - bias) : exponent === 2 ** exponentBits - 1 ? (fraction ? NaN : Infinity) : (1 + fraction) * 2 ** (exponent - bias);
  return bits >> (exponentBits + fractionBits) ? -magnitude : magnitude;
}

describe('widening', () => {
  test('every fp16', () => { expect(halfToFloat(Uint16Array.from(all(16)))).toEqual(Float32Array.from(all(16), (bits) => decode(bits, 5, 10))); });
  test('every bf16', () => { expect(toFloat32('BF16', bytesOf(Uint16Array.from(all(16))))).toEqual(Float32Array.from(all(16), (bits) => decode(bits, 8, 7))); });
  test('every e5m2', () => { expect(toFloat32('F8_E5M2', Uint8Array.from(all(8)))).toEqual(Float32Array.from(all(8), (bits) => decode(bits, 5, 2))); });
  test('every e4m3fn: finite up to 448, NaN at the top', () => {
    const values = toFloat32('F8_E4M3', Uint8Array.from(all(8)));
    expect([values[0x7e], values[0x7f], values[0xff], values[1], values[0x80]]).toEqual([448, NaN, NaN, 2 ** -9, -0]);
    // Below the top exponent it is an ordinary float of bias 7.
    for (const bits of all(8).filter((b) => (b & 0x78) !== 0x78)) expect(values[bits]).toBe(decode(bits, 4, 3));
  });
  test('fp32 and fp64, and bytes that are not aligned', () => {
    const shifted = new Uint8Array(9);
    shifted.set(bytesOf(Float32Array.of(1.5, -2)), 1);
    expect([...toFloat32('F32', shifted.subarray(1))]).toEqual([1.5, -2]);
    expect([...toFloat32('F64', bytesOf(Float64Array.of(0.1)))]).toEqual([Math.fround(0.1)]);
    expect([...toFloat32('F16', Uint8Array.of(9, 0, 0x3c).subarray(1))]).toEqual([1]);
  });
  test('into a buffer that is given', () => {
    const out = new Float32Array(4);
    toFloat32('BF16', Uint8Array.of(0x80, 0x3f, 0, 0xc0), out.subarray(1, 3));
    expect([...out]).toEqual([0, 1, -2, 0]);
  });
  test('whole numbers are refused', () => { expect(() => toFloat32('I64', new Uint8Array(8))).toThrow(AppError); });
});

describe('narrowing to fp16', () => {
  const finite = all(15).map((bits) => decode(bits, 5, 10)).filter(Number.isFinite);
  test('gives back every fp16', () => {
    const values = halfToFloat(Uint16Array.from(all(16))), bits = floatToHalf(values);
    for (const i of all(16)) expect(Number.isNaN(values[i]) ? (bits[i]! & 0x7c00) === 0x7c00 && (bits[i]! & 0x3ff) !== 0 : bits[i] === i).toBe(true);
  });
  test('halfway between neighbours goes to the even one; a hair beside it goes there', () => {
    const hair = 1e-7;
    for (let i = 0; i + 1 < finite.length; i++) {
      const middle = (finite[i]! + finite[i + 1]!) / 2;   // exact in float32
      expect(floatToHalf(Float32Array.of(middle, -middle, middle * (1 - hair), middle * (1 + hair)))).toEqual(Uint16Array.of(i + (i & 1), 0x8000 | (i + (i & 1)), i, i + 1));
    }
  });
  test('beyond 65520 it is infinite', () => {
    expect([...floatToHalf(Float32Array.of(65504, 65519.996, 65520, 65536, 1e30, Infinity, -Infinity, 1e-30))]).toEqual([0x7bff, 0x7bff, 0x7c00, 0x7c00, 0x7c00, 0x7c00, 0xfc00, 0]);
  });
  test('no other fp16 is nearer (property)', () => fc.assert(fc.property(fc.float({ min: -65500, max: 65500, noNaN: true }), (value) => {
    const [bits] = floatToHalf(Float32Array.of(value)), error = Math.abs(decode(bits!, 5, 10) - value);
    for (const other of [bits! - 1, bits! + 1]) if ((other & 0x7fff) < 0x7c00 && other >= 0) expect(Math.abs(decode(other, 5, 10) - value)).toBeGreaterThanOrEqual(error);
  }), { numRuns: 2000 }));
});

describe('firstNotFinite', () => {
  test.each<[StoredDType, number, (bits: number) => number]>([
    ['F16', 16, (bits) => decode(bits, 5, 10)], ['BF16', 16, (bits) => decode(bits, 8, 7)], ['F8_E5M2', 8, (bits) => decode(bits, 5, 2)],
    ['F8_E4M3', 8, (bits) => ((bits & 0x7f) === 0x7f ? NaN : 0)],
  ])('judges every %s as its value is', (dtype, width, value) => {
    for (const bits of all(width)) {
      const bytes = width === 16 ? bytesOf(Uint16Array.of(0, bits)) : Uint8Array.of(0, bits);
      expect(firstNotFinite(dtype, bytes)).toBe(Number.isFinite(value(bits)) ? -1 : 1);
    }
  });
  test('fp32 and fp64; whole numbers are always finite', () => {
    expect(firstNotFinite('F32', bytesOf(Float32Array.of(1, 3.4e38, -Infinity, NaN)))).toBe(2);
    expect(firstNotFinite('F32', bytesOf(Float32Array.of(-1, 3.4e38, -3.4e38, 1e-45)))).toBe(-1);
    expect(firstNotFinite('F64', bytesOf(Float64Array.of(1e308, NaN)))).toBe(1);
    expect(firstNotFinite('I32', Uint8Array.of(0xff, 0xff, 0xff, 0xff))).toBe(-1);
  });
});
