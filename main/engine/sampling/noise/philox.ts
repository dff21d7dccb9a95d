// The generator of NVIDIA cards as torch uses it: Philox 4x32-10 (Salmon et al. 2011), one counter per value, Box-Muller's sine half.
const INVERSE = Math.fround(2.3283064e-10);                     // 2^-32
const INVERSE_TURN = Math.fround(2.3283064e-10 * 6.2831855);    // 2π · 2^-32

/** As `torch.randn(..., device='cuda')` with `manual_seed(seed)`. Each call of `randn` is one launch: the next offset. All 64 bits of the seed count. */
export class PhiloxGenerator {
  private offset = 0;
  private readonly key: readonly [number, number];

  constructor(seed: number | bigint) {
    this.key = wordsOf(seed);
  }

  randn(n: number): Float32Array {
    const out = new Float32Array(n);
    const bits = new Uint32Array(4);
    for (let i = 0; i < n; i++) {
      philox(this.offset, 0, i, 0, this.key, bits);
      const u = bits[0]! * INVERSE + INVERSE / 2;
      const v = bits[1]! * INVERSE_TURN + INVERSE_TURN / 2;
      out[i] = Math.sqrt(-2 * Math.log(u)) * Math.sin(v);
    }
    this.offset++;
    return out;
  }
}

/** A seed's 64 bits, low word first. */
const wordsOf = (seed: number | bigint): [number, number] => [Number(BigInt.asUintN(32, BigInt(seed))), Number(BigInt.asUintN(32, BigInt(seed) >> 32n))];

/** Ten rounds over a counter of four words. Plain variables: this is the inner loop of all noise. */
export function philox(c0: number, c1: number, c2: number, c3: number, [key0, key1]: readonly [number, number], out: Uint32Array): void {
  let k0 = key0, k1 = key1;
  for (let round = 0; round < 10; round++) {
    const high0 = high(0xd251, 0x1f53, c0);
    const high1 = high(0xcd9e, 0x8d57, c2);
    const low0 = Math.imul(0xd2511f53, c0);
    c0 = high1 ^ c1 ^ k0;
    c1 = Math.imul(0xcd9e8d57, c2);
    c2 = high0 ^ c3 ^ k1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** The upper 32 bits of the 64-bit product of (aHigh·2¹⁶ + aLow) and b. */
function high(aHigh: number, aLow: number, b: number): number {
  const bHigh = b >>> 16, bLow = b & 0xffff;
  const middle = aHigh * bLow + (Math.imul(aLow, bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + (middle >>> 16) + (cross >>> 16);
}
