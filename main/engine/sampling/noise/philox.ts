// The generator of NVIDIA cards as torch uses it: Philox 4x32-10 (Salmon et al. 2011), one counter per value, Box-Muller's sine half.
const INVERSE = Math.fround(2.3283064e-10);                     // 2^-32
const INVERSE_TURN = Math.fround(2.3283064e-10 * 6.2831855);    // 2π · 2^-32

/** As `torch.randn(..., device='cuda')` with `manual_seed(seed)`. Each call of `randn` is one launch: the next offset. All 53 bits of the seed count. */
export class PhiloxGenerator {
  private offset = 0;
  private readonly key: readonly [number, number];

  constructor(seed: number) {
    this.key = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0];
  }

  randn(n: number): Float32Array {
    const out = new Float32Array(n);
    const counter = new Uint32Array(4);
    for (let i = 0; i < n; i++) {
      counter.set([this.offset, 0, i, 0]);
      philox(counter, this.key);
      const u = counter[0]! * INVERSE + INVERSE / 2;
      const v = counter[1]! * INVERSE_TURN + INVERSE_TURN / 2;
      out[i] = Math.sqrt(-2 * Math.log(u)) * Math.sin(v);
    }
    this.offset++;
    return out;
  }
}

/** Ten rounds over the counter, in place. */
function philox(c: Uint32Array, key: readonly [number, number]): void {
  let [k0, k1] = key;
  for (let round = 0; round < 10; round++) {
    const [high0, low0] = multiply(0xd2511f53, c[0]!);
    const [high1, low1] = multiply(0xcd9e8d57, c[2]!);
    c[0] = high1 ^ c[1]! ^ k0;
    c[2] = high0 ^ c[3]! ^ k1;
    c[1] = low1;
    c[3] = low0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
}

/** The 64-bit product of two 32-bit numbers as [high, low]. */
function multiply(a: number, b: number): [number, number] {
  const aHigh = a >>> 16, aLow = a & 0xffff, bHigh = b >>> 16, bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return [(aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(cross / 65536)) >>> 0, Math.imul(a, b) >>> 0];
}
