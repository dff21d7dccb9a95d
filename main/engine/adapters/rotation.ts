// OFT and BOFT: a layer's outputs turned by an orthogonal matrix, which keeps the angles between them. Qiu et al. 2023 (arXiv:2306.07280), Liu et al.
// 2023 (arXiv:2311.06243). The training programs are followed (kohya's networks/oft.py, LyCORIS' diag_oft and boft), A1111 with them:
// - alpha bounds the norm of Q, all blocks together, at alpha · outputs; ComfyUI takes alpha itself, which the trainers never do. 0 or none: no bound.
// - OFT takes Rᵀ·W and BOFT R·W, as they were trained.
// - At strength m each R becomes I + m·(R − I); ComfyUI weighs the result with m once more.
// - `rescale` becomes 1 + m·(rescale − 1), so that strength 0 changes nothing; LyCORIS rescales in full at any strength, ComfyUI forgets it in OFT.
//
// The matrices themselves hang on neither weight nor strength, so they are made ahead, in double precision; turning is the graph's.
import type { Graph, Value } from '../graph/graph';
import { float32, int64, sizeOf, type Tensor } from '../tensor';
import { misfit } from '../weights/lora/misfit';
import type { Adapter } from './module';

/** R = (I + Q)(I − Q)⁻¹ of each block, [factors, count, n, n]; matrices that are stored as they are, unchanged. `bound` on the norm of Q, or 0. */
export function rotationsOf(layer: string, { blocks, diag, bound }: { blocks: Tensor | undefined; diag: Tensor | undefined; bound: number }): Tensor {
  const { dims, data } = (blocks ?? diag)!, n = dims.at(-1)!;
  if (dims.length < 3 || dims.length > 4 || dims.at(-2) !== n) throw misfit(layer, dims, dims);
  const shape = dims.length === 4 ? dims : [1, ...dims];
  if (!blocks) return float32(shape, data);
  const shrink = shrinkFactor(data, n, bound), out = float32(shape);
  for (let at = 0; at < data.length; at += n * n) out.data.set(cayley(data.subarray(at, at + n * n), n, shrink), at);
  return out;
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

/** R = 2(I − Q)⁻¹ − I [n, n] with Q = shrink · (B − Bᵀ). Inverted in place; the pivots are positive throughout, as Q is skew. */
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

/** weight [out, …] with its rows turned, at a strength []. Throws weights.shapeMismatch where the blocks do not cover them. */
export function rotate(g: Graph, weight: Value, { layer, algorithm, parts: { rotations, rescale } }: Adapter<Value>, strength: Value): Value {
  const { dims } = weight, [out = 1] = dims, columns = sizeOf(dims.slice(1));
  const [factors, count, n] = rotations!.dims as [number, number, number], isButterfly = algorithm === 'boft';
  // The last factor of a butterfly reaches over 2^(factors − 1) blocks.
  if (count * n !== out || (isButterfly && (n % 2 !== 0 || count % 2 ** (factors - 1) !== 0))) throw misfit(layer, dims, rotations!.dims);
  if (rescale && sizeOf(rescale.dims) !== out) throw misfit(layer, dims, rescale.dims);

  const eye = g.constant('float32', [1, 1, n, n], Float32Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0)));
  const towards = g.apply('Add', [eye, g.apply('Mul', [strength, g.apply('Sub', [rotations, eye])])]);                       // I + m·(R − I)
  let rows = g.apply('Reshape', [weight], { dims: [out, columns] });
  for (let factor = 0; factor < factors; factor++) {
    const r = g.apply('Reshape', [g.apply('Slice', [towards], { axis: 0, start: factor, end: factor + 1 })], { dims: [count, n, n] });
    const turn = (value: Value): Value => {
      const turned = g.apply('MatMul', [isButterfly ? r : g.apply('Transpose', [r], { perm: [0, 2, 1] }), g.apply('Reshape', [value], { dims: [count, n, columns] })]);
      return g.apply('Reshape', [turned], { dims: [out, columns] });
    };
    rows = isButterfly ? inOrder(g, rows, butterflyOrder(out, n, factor), turn) : turn(rows);
  }
  if (rescale) {
    const one = g.scalar(1), perRow = g.apply('Reshape', [rescale], { dims: [out, 1] });
    rows = g.apply('Mul', [rows, g.apply('Add', [one, g.apply('Mul', [strength, g.apply('Sub', [perRow, one])])])]);
  }
  return g.apply('Reshape', [rows], { dims });
}

/** Pairs of rows that are 2^factor · n/2 apart come together: where the i-th row of this order stands. */
function butterflyOrder(out: number, n: number, factor: number): number[] {
  const apart = (2 ** factor * n) / 2;
  return Array.from({ length: out }, (_, i) => Math.floor(i / (2 * apart)) * 2 * apart + (i % 2) * apart + Math.floor((i % (2 * apart)) / 2));
}

/** What `change` makes of the rows in another order, back in their own. */
function inOrder(g: Graph, rows: Value, order: readonly number[], change: (rows: Value) => Value): Value {
  const take = (value: Value, ids: readonly number[]): Value => g.apply('Gather', [value, g.constant('int64', [ids.length], int64([ids.length], ids).data)]);
  const back: number[] = [];
  order.forEach((row, i) => { back[row] = i; });
  return take(change(take(rows, order)), back);
}

