// Dense products of small matrices, row-major, summed in double precision.

/** a [m, k] · b [k, n] → [m, n]. */
export function matmul(a: Float32Array, b: Float32Array, m: number, k: number, n: number): Float32Array {
  const out = new Float32Array(m * n), row = new Float64Array(n);
  for (let i = 0; i < m; i++) {
    row.fill(0);
    for (let p = 0; p < k; p++) {
      const factor = a[i * k + p]!;
      if (factor === 0) continue;
      for (let j = 0, from = p * n; j < n; j++) row[j]! += factor * b[from + j]!;
    }
    out.set(row, i * n);
  }
  return out;
}

/** [m, n] → [n, m]. */
export function transpose(a: Float32Array, m: number, n: number): Float32Array {
  const out = new Float32Array(a.length);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) out[j * m + i] = a[i * n + j]!;
  return out;
}

/** A convolution's core between two matrices: Σᵢⱼ left[p, i] · core[i, j, κ] · right[j, r] → [p, r, κ]. `sizes`: p, i, j, r, κ. */
export function tucker(left: Float32Array, core: Float32Array, right: Float32Array, [p, i, j, r, k]: readonly [number, number, number, number, number]): Float32Array {
  const inner = new Float32Array(i * r * k), sum = new Float64Array(r * k);
  for (let a = 0; a < i; a++) {
    sum.fill(0);
    for (let b = 0; b < j; b++) {
      for (let c = 0; c < r; c++) for (let d = 0; d < k; d++) sum[c * k + d]! += core[(a * j + b) * k + d]! * right[b * r + c]!;
    }
    inner.set(sum, a * r * k);
  }
  return matmul(left, inner, p, i, r * k);
}

/** a [m, n] ⊗ b [p, q, κ] → [m·p, n·q, κ]. */
export function kron(a: Float32Array, b: Float32Array, [m, n, p, q, k]: readonly [number, number, number, number, number]): Float32Array {
  const out = new Float32Array(a.length * b.length);
  for (let i = 0, at = 0; i < m; i++) {
    for (let s = 0; s < p; s++) {
      for (let j = 0; j < n; j++) {
        const factor = a[i * n + j]!, from = s * q * k;
        for (let t = 0; t < q * k; t++) out[at++] = factor * b[from + t]!;
      }
    }
  }
  return out;
}
