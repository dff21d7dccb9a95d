// The arithmetic of merges, value by value. Each result is rounded to float32 once.

export type MergeMode = 'weighted-sum' | 'add-difference';

/** (1 − m)·a + m·b, into `a`. */
export function weightedSum(a: Float32Array, b: Float32Array, m: number): Float32Array {
  for (let i = 0; i < a.length; i++) a[i] = (1 - m) * a[i]! + m * b[i]!;
  return a;
}

/** a + m·(b − c), into `a`. */
export function addDifference(a: Float32Array, b: Float32Array, c: Float32Array, m: number): Float32Array {
  for (let i = 0; i < a.length; i++) a[i] = a[i]! + m * (b[i]! - c[i]!);
  return a;
}

/**
 * Gives the first input channels of `wide` [out, n, …] the values of `narrow` [out, k, …], k < n, and hands back `wide`. `each`: values of one
 * channel (kernel height × width).
 */
export function putChannels(wide: Float32Array, narrow: Float32Array, n: number, k: number, each: number): Float32Array {
  for (let row = 0; row * n * each < wide.length; row++) wide.set(narrow.subarray(row * k * each, (row + 1) * k * each), row * n * each);
  return wide;
}

/** The first k input channels of [out, n, …]. */
export function takeChannels(wide: Float32Array, n: number, k: number, each: number): Float32Array {
  const rows = wide.length / (n * each), narrow = new Float32Array(rows * k * each);
  for (let row = 0; row < rows; row++) narrow.set(wide.subarray(row * n * each, (row * n + k) * each), row * k * each);
  return narrow;
}
