// Dense products of small matrices, row-major, summed in double precision. What goes in must fit together.
import { sizeOf, type Tensor } from '../../tensor';

export interface Matrix { readonly rows: number; readonly columns: number; readonly data: Float32Array }

/** The first axis as rows, all others as columns. */
export const matrixOf = ({ dims, data }: Tensor): Matrix => ({ rows: dims[0] ?? 1, columns: sizeOf(dims.slice(1)), data });

/** a [m, k] · b [k, n] → [m, n]. */
export function matmul(a: Matrix, b: Matrix): Matrix {
  const { rows, columns: inner } = a, { columns } = b;
  const data = new Float32Array(rows * columns), row = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    row.fill(0);
    for (let p = 0; p < inner; p++) {
      const factor = a.data[i * inner + p]!;
      if (factor === 0) continue;
      for (let j = 0, from = p * columns; j < columns; j++) row[j]! += factor * b.data[from + j]!;
    }
    data.set(row, i * columns);
  }
  return { rows, columns, data };
}

export function transpose({ rows, columns, data }: Matrix): Matrix {
  const out = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j]!;
  return { rows: columns, columns: rows, data: out };
}

/** A convolution's core [i, j, κ] between two matrices: Σᵢⱼ left[p, i] · core[i, j, κ] · right[j, r] → [p, r·κ]. */
export function tucker(left: Matrix, core: Tensor, right: Matrix): Matrix {
  const [i = 1, j = 1] = core.dims, each = sizeOf(core.dims.slice(2)), columns = right.columns * each;
  const inner = new Float32Array(i * columns), sum = new Float64Array(columns);
  for (let a = 0; a < i; a++) {
    sum.fill(0);
    for (let b = 0; b < j; b++) {
      for (let c = 0; c < right.columns; c++) for (let d = 0; d < each; d++) sum[c * each + d]! += core.data[(a * j + b) * each + d]! * right.data[b * right.columns + c]!;
    }
    inner.set(sum, a * columns);
  }
  return matmul(left, { rows: i, columns, data: inner });
}

/** a [m, n] ⊗ b [p, q] → [m·p, n·q]. */
export function kron(a: Matrix, b: Matrix): Matrix {
  const data = new Float32Array(a.data.length * b.data.length);
  for (let i = 0, at = 0; i < a.rows; i++) {
    for (let s = 0; s < b.rows; s++) {
      for (let j = 0; j < a.columns; j++) {
        const factor = a.data[i * a.columns + j]!, from = s * b.columns;
        for (let t = 0; t < b.columns; t++) data[at++] = factor * b.data[from + t]!;
      }
    }
  }
  return { rows: a.rows * b.rows, columns: a.columns * b.columns, data };
}
