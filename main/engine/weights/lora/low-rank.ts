// The best product of two thin matrices for a big one: truncated SVD by random projection, after Halko, Martinsson, Tropp 2011 (arXiv:0909.4061)
// algorithms 4.4 and 5.1. Memory beyond the matrix itself: a few times (m + n)·(rank + 10) doubles. The same input gives the same output.

/** Columns beyond the rank, and passes that sharpen the range: differences of checkpoints have slowly falling spectra. */
const oversampling = 10, powerPasses = 2;

/**
 * a [m, n] ≈ up [m, rank] · down [rank, n], with the singular values shared evenly between both, so that neither gets too small for fp16.
 * rank at most min(m, n), at which the product is a itself up to rounding.
 */
export function lowRankProduct(a: Float32Array, m: number, n: number, rank: number): { up: Float32Array; down: Float32Array } {
  const k = Math.min(rank + oversampling, m, n);
  let basis = orthonormal(timesRight(a, m, n, gaussian(n * k), k), m, k);                    // Q [m, k]
  for (let pass = 0; pass < powerPasses && k < Math.min(m, n); pass++) {
    basis = orthonormal(timesRight(a, m, n, orthonormal(timesLeft(a, m, n, basis, k), n, k), k), m, k);
  }
  const projected = timesLeft(a, m, n, basis, k);                                             // (Qᵀa)ᵀ [n, k]
  const { values, vectors } = eigen(gram(projected, n, k), k);
  const up = new Float32Array(m * rank), down = new Float32Array(rank * n);
  for (let r = 0; r < rank; r++) {
    const root = Math.sqrt(Math.sqrt(Math.max(0, values[r]!)));                               // √σ: the values are σ²
    if (root === 0) continue;
    const column = (from: Float64Array, i: number): number => {
      let sum = 0;
      for (let j = 0; j < k; j++) sum += from[i * k + j]! * vectors[j * k + r]!;
      return sum;
    };
    for (let i = 0; i < m; i++) up[i * rank + r] = column(basis, i) * root;
    for (let j = 0; j < n; j++) down[r * n + j] = column(projected, j) / root;
  }
  return { up, down };
}

/** a [m, n] · x [n, k] → [m, k]. */
function timesRight(a: Float32Array, m: number, n: number, x: Float64Array, k: number): Float64Array {
  const out = new Float64Array(m * k), whole = n - (n % 4);
  for (let i = 0; i < m; i++) {
    const row = i * n;
    for (let p = 0; p < whole; p += 4) addFour(out, i * k, x, p * k, k, a[row + p]!, a[row + p + 1]!, a[row + p + 2]!, a[row + p + 3]!);
    for (let p = whole; p < n; p++) addOne(out, i * k, x, p * k, k, a[row + p]!);
  }
  return out;
}

/** aᵀ [n, m] · x [m, k] → [n, k]. */
function timesLeft(a: Float32Array, m: number, n: number, x: Float64Array, k: number): Float64Array {
  const out = new Float64Array(n * k), whole = m - (m % 4);
  for (let i = 0; i < whole; i += 4) {
    for (let p = 0; p < n; p++) addFour(out, p * k, x, i * k, k, a[i * n + p]!, a[(i + 1) * n + p]!, a[(i + 2) * n + p]!, a[(i + 3) * n + p]!);
  }
  for (let i = whole; i < m; i++) for (let p = 0; p < n; p++) addOne(out, p * k, x, i * k, k, a[i * n + p]!);
  return out;
}

/** Adds four rows of x, each times its factor, to one of `out`. Four at a time halve the work: `out` is read and written once for all. */
function addFour(out: Float64Array, to: number, x: Float64Array, from: number, k: number, f0: number, f1: number, f2: number, f3: number): void {
  for (let j = 0, p0 = from, p1 = from + k, p2 = p1 + k, p3 = p2 + k; j < k; j++) out[to + j]! += f0 * x[p0 + j]! + f1 * x[p1 + j]! + f2 * x[p2 + j]! + f3 * x[p3 + j]!;
}

function addOne(out: Float64Array, to: number, x: Float64Array, from: number, k: number, factor: number): void {
  for (let j = 0; j < k; j++) out[to + j]! += factor * x[from + j]!;
}

/** Columns of x [m, k] made orthonormal, in place: Gram-Schmidt, twice, which is enough. Columns that depend on others become 0. */
function orthonormal(x: Float64Array, m: number, k: number): Float64Array {
  const columns = Array.from({ length: k }, (_, j) => Float64Array.from({ length: m }, (_, i) => x[i * k + j]!));
  columns.forEach((column, j) => {
    const before = norm(column);
    for (let pass = 0; pass < 2; pass++) {
      for (let other = 0; other < j; other++) subtract(column, columns[other]!, dot(column, columns[other]!));
    }
    const length = norm(column);
    const factor = length > 1e-12 * before ? 1 / length : 0;
    for (let i = 0; i < m; i++) column[i]! *= factor;
  });
  for (let i = 0; i < m; i++) for (let j = 0; j < k; j++) x[i * k + j] = columns[j]![i]!;
  return x;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));
function subtract(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i]! -= factor * b[i]!;
}

/** xᵀ·x [k, k]. */
function gram(x: Float64Array, n: number, k: number): Float64Array {
  const out = new Float64Array(k * k);
  for (let p = 0; p < n; p++) {
    for (let i = 0; i < k; i++) {
      const factor = x[p * k + i]!;
      for (let j = i; j < k; j++) out[i * k + j]! += factor * x[p * k + j]!;
    }
  }
  for (let i = 0; i < k; i++) for (let j = 0; j < i; j++) out[i * k + j] = out[j * k + i]!;
  return out;
}

/** Symmetric a [k, k] → its eigenvalues, largest first, and their vectors as columns. Cyclic Jacobi (Golub, Van Loan, section 8.5). */
function eigen(a: Float64Array, k: number): { values: Float64Array; vectors: Float64Array } {
  const vectors = new Float64Array(k * k);
  for (let i = 0; i < k; i++) vectors[i * k + i] = 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false;
    for (let p = 0; p < k; p++) for (let q = p + 1; q < k; q++) rotated = rotate(a, vectors, k, p, q) || rotated;
    if (!rotated) break;
  }
  const order = Array.from({ length: k }, (_, i) => i).sort((i, j) => a[j * k + j]! - a[i * k + i]!);
  return { values: Float64Array.from(order, (i) => a[i * k + i]!), vectors: Float64Array.from({ length: k * k }, (_, at) => vectors[at - (at % k) + order[at % k]!]!) };
}

/** Makes a[p, q] zero. false where it is as good as zero already. */
function rotate(a: Float64Array, vectors: Float64Array, k: number, p: number, q: number): boolean {
  const app = a[p * k + p]!, aqq = a[q * k + q]!, apq = a[p * k + q]!;
  if (Math.abs(apq) <= 1e-15 * Math.sqrt(Math.abs(app * aqq)) || Math.abs(apq) < 1e-300) return false;
  const tau = (aqq - app) / (2 * apq), t = (tau >= 0 ? 1 : -1) / (Math.abs(tau) + Math.hypot(1, tau)), c = 1 / Math.hypot(1, t), s = t * c;
  const turn = (x: Float64Array, i: number, j: number): void => {
    const first = x[i]!, second = x[j]!;
    x[i] = c * first - s * second;
    x[j] = s * first + c * second;
  };
  for (let i = 0; i < k; i++) turn(a, i * k + p, i * k + q);
  for (let i = 0; i < k; i++) turn(a, p * k + i, q * k + i);
  for (let i = 0; i < k; i++) turn(vectors, i * k + p, i * k + q);
  return true;
}

/** Standard normal values, always the same ones: splitmix32 and Box-Muller. */
function gaussian(count: number): Float64Array {
  let state = 1;
  const uniform = (): number => {
    state = (state + 0x9e37_79b9) | 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0_aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a_2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
  return Float64Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()));
}
