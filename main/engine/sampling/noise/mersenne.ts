// torch's CPU generator: mt19937 with torch's ways of making uniform, integer and normal values, bit for bit up to the last place of log, sin and cos.
const N = 624;
const M = 397;
const TWO_PI = Math.fround(2 * Math.PI);

/** As `torch.Generator('cpu').manual_seed(seed)`. Only the seed's low 32 bits count: seeds 5 and 2³² + 5 are the same. */
export class TorchGenerator {
  private readonly state = new Uint32Array(N);
  private index = N;
  /** The second value of a scalar Box-Muller pair waits for the next short draw. */
  private spare: number | null = null;

  constructor(seed: number | bigint) {
    this.state[0] = Number(BigInt.asUintN(32, BigInt(seed)));
    for (let i = 1; i < N; i++) {
      const previous = this.state[i - 1]!;
      this.state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
    }
  }

  /** `torch.rand(n)`: float32 in [0, 1). */
  rand(n: number): Float32Array {
    const out = new Float32Array(n);
    for (let i = 0; i < n; i++) out[i] = this.uniform24();
    return out;
  }

  /** What numpy's `RandomState(seed).random_sample(n)` draws from the same generator: doubles in [0, 1). */
  randomSample(n: number): Float64Array {
    return Float64Array.from({ length: n }, () => ((this.next() >>> 5) * 2 ** 26 + (this.next() >>> 6)) / 2 ** 53);
  }

  /** `torch.randint(high, (n,))`: integers in [0, high), high ≤ 2³². */
  randint(high: number, n: number): Uint32Array {
    const out = new Uint32Array(n);
    for (let i = 0; i < n; i++) out[i] = this.next() % high;
    return out;
  }

  /** `torch.randn(n)`. Fewer than 16 values and 16 or more take different paths in torch, with different results for one seed. */
  randn(n: number): Float32Array {
    if (n < 16) return Float32Array.from({ length: n }, () => this.normal());
    const out = this.rand(n);
    for (let i = 0; i + 16 <= n; i += 16) boxMuller16(out, i);
    // A tail of less than 16 is made by drawing the last 16 values anew.
    if (n % 16 !== 0) {
      out.set(this.rand(16), n - 16);
      boxMuller16(out, n - 16);
    }
    return out;
  }

  /** One value by the scalar path: double precision, two values from each pair of uniforms. */
  private normal(): number {
    if (this.spare !== null) {
      const value = this.spare;
      this.spare = null;
      return value;
    }
    const angle = 2 * Math.PI * this.uniform53();
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform53()));
    this.spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  private uniform24(): number {
    return (this.next() & 0xffffff) / 2 ** 24;
  }

  private uniform53(): number {
    const high = this.next() & 0x1fffff;
    return (high * 2 ** 32 + this.next()) / 2 ** 53;
  }

  /** The next 32 bits. Matsumoto and Nishimura 1998. */
  private next(): number {
    if (this.index === N) this.twist();
    let y = this.state[this.index++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  private twist(): void {
    const s = this.state;
    for (let i = 0; i < N; i++) {
      const y = (s[i]! & 0x80000000) | (s[(i + 1) % N]! & 0x7fffffff);
      s[i] = s[(i + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.index = 0;
  }
}

/** Turns 16 uniforms into 16 normals in place: 8 radii, then 8 angles. float32 after each operation, as torch computes it. */
function boxMuller16(data: Float32Array, at: number): void {
  const { fround } = Math;
  for (let j = at; j < at + 8; j++) {
    const radius = fround(Math.sqrt(-2 * fround(Math.log(1 - data[j]!))));
    const angle = fround(TWO_PI * data[j + 8]!);
    data[j] = radius * fround(Math.cos(angle));
    data[j + 8] = radius * fround(Math.sin(angle));
  }
}
