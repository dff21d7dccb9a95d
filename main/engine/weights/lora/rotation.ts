// OFT and BOFT: a layer's outputs turned by an orthogonal matrix, which keeps the angles between them. Qiu et al. 2023 (arXiv:2306.07280), Liu et al.
// 2023 (arXiv:2311.06243). The training programs are followed (kohya's networks/oft.py, LyCORIS' diag_oft and boft), A1111 with them:
// - alpha bounds the norm of Q, all blocks together, at alpha · outputs; ComfyUI takes alpha itself, which the trainers never do. 0 or none: no bound.
// - OFT takes Rᵀ·W and BOFT R·W, as they were trained.
// - At strength m each R becomes I + m·(R − I); ComfyUI weighs the result with m once more.
// - `rescale` becomes 1 + m·(rescale − 1), so that strength 0 changes nothing; LyCORIS rescales in full at any strength, ComfyUI forgets it in OFT.
import type { Dims, Tensor } from '../../tensor';
import { misfit } from './misfit';
import type { LoraModule } from './modules';

/** Columns that are turned at once, so that a block of them stays in the cache. */
const chunk = 512;

/** Turns the rows of a weight [out, …] in place. Throws weights.shapeMismatch where the blocks do not cover them. */
export function rotate(weight: Float32Array, dims: Dims, { layer, parts }: LoraModule<Tensor>, strength: number): void {
  const [out = 1] = dims, columns = weight.length / out;
  const { oft_blocks: blocks, oft_diag: diag, alpha, rescale } = parts, { dims: shape, data } = (blocks ?? diag)!;
  const [factors, count, size] = (shape.length === 4 ? shape : [1, ...shape]) as [number, number, number];
  const isButterfly = shape.length === 4;
  // The last factor of a butterfly reaches over 2^(factors − 1) blocks.
  const fits = count * size === out && shape.at(-1) === size && (!isButterfly || (size % 2 === 0 && count % 2 ** (factors - 1) === 0));
  if (!fits) throw misfit(layer, dims, shape);
  if (rescale && rescale.data.length !== out) throw misfit(layer, dims, rescale.dims);

  const shrink = blocks ? shrinkFactor(data, size, (alpha?.data[0] ?? 0) * out) : 1;
  for (let factor = 0; factor < factors; factor++) {
    for (let block = 0; block < count; block++) {
      const values = data.subarray((factor * count + block) * size * size, (factor * count + block + 1) * size * size);
      const r = towards(blocks ? cayley(values, size, shrink) : Float64Array.from(values), size, strength);
      const row = isButterfly ? butterflyRow(size, factor) : (n: number) => n;
      turnRows(weight, columns, Array.from({ length: size }, (_, i) => row(block * size + i)), isButterfly ? r : transposed(r, size));
    }
  }
  if (rescale) for (let i = 0; i < weight.length; i++) weight[i] = weight[i]! * (1 + strength * (rescale.data[Math.floor(i / columns)]! - 1));
}

/** Where the n-th row of factor i's order stands: pairs of rows that are 2^i · size/2 apart come together. */
function butterflyRow(size: number, factor: number): (n: number) => number {
  const apart = 2 ** factor * size / 2;
  return (n) => Math.floor(n / (2 * apart)) * 2 * apart + (n % 2) * apart + Math.floor((n % (2 * apart)) / 2);
}

/** What brings Q = B − Bᵀ below the bound, over all blocks. 1: there is none, or Q is below it. */
function shrinkFactor(blocks: Float32Array, size: number, bound: number): number {
  if (bound <= 0) return 1;
  let squares = 0;
  for (let at = 0; at < blocks.length; at += size * size) {
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) squares += (blocks[at + i * size + j]! - blocks[at + j * size + i]!) ** 2;
  }
  return Math.min(1, bound / (Math.sqrt(squares) + 1e-8));
}

/** R = (I + Q)(I − Q)⁻¹ = 2(I − Q)⁻¹ − I [n, n] with Q = shrink · (B − Bᵀ). Inverted in place; the pivots are positive throughout, as Q is skew. */
function cayley(block: Float32Array, n: number, shrink: number): Float64Array {
  const r = Float64Array.from({ length: n * n }, (_, at) => {
    const i = Math.floor(at / n), j = at % n;
    return (i === j ? 1 : 0) - shrink * (block[i * n + j]! - block[j * n + i]!);
  });
  for (let k = 0; k < n; k++) {
    const row = r.subarray(k * n, (k + 1) * n), pivot = 1 / row[k]!;
    row[k] = 1;
    for (let j = 0; j < n; j++) row[j]! *= pivot;
    for (let i = 0; i < n; i++) {
      const from = i * n, factor = r[from + k]!;
      if (i === k || factor === 0) continue;
      r[from + k] = 0;
      for (let j = 0; j < n; j++) r[from + j]! -= factor * row[j]!;
    }
  }
  return r.map((value, at) => 2 * value - (at % (n + 1) === 0 ? 1 : 0));
}

/** I + strength · (R − I). */
function towards(r: Float64Array, n: number, strength: number): Float64Array {
  return strength === 1 ? r : r.map((value, i) => strength * value + (i % (n + 1) === 0 ? 1 - strength : 0));
}

function transposed(r: Float64Array, n: number): Float64Array {
  return r.map((_, i) => r[(i % n) * n + Math.floor(i / n)]!);
}

/** The rows named become r · rows. Four at a time save most of the sum's reads and writes. */
function turnRows(weight: Float32Array, columns: number, rows: readonly number[], r: Float64Array): void {
  const n = rows.length;
  for (let from = 0; from < columns; from += chunk) {
    const width = Math.min(chunk, columns - from), sum = new Float64Array(width);
    const before = rows.map((row) => weight.slice(row * columns + from, row * columns + from + width));
    rows.forEach((row, i) => {
      let j = 0;
      sum.fill(0);
      for (let at = i * n; j + 3 < n; j += 4) {
        const [f0, f1, f2, f3] = [r[at + j]!, r[at + j + 1]!, r[at + j + 2]!, r[at + j + 3]!], [b0, b1, b2, b3] = [before[j]!, before[j + 1]!, before[j + 2]!, before[j + 3]!];
        for (let c = 0; c < width; c++) sum[c]! += f0 * b0[c]! + f1 * b1[c]! + f2 * b2[c]! + f3 * b3[c]!;
      }
      for (; j < n; j++) for (let c = 0, factor = r[i * n + j]!, values = before[j]!; c < width; c++) sum[c]! += factor * values[c]!;
      weight.set(sum, row * columns + from);
    });
  }
}
