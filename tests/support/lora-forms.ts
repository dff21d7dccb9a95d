// Every form of the LoRA family on a layer of any size: the tensors that a file has of it, and what it does to a weight, as loops over float64.
import { sizeOf, type Dims } from '../../main/engine/tensor';
import { randomValues, type StoredWeights } from './weights';

export type Parts = Record<string, StoredWeights>;
export const random = (dims: Dims, seed: number, size = 1): StoredWeights => ({ dims, values: randomValues(sizeOf(dims), seed).map((value) => Math.fround(size * value)) });
export const number = (value: number, dtype: 'F32' | 'I64' = 'F32'): StoredWeights => ({ dims: [], values: [value], dtype });
/** The value at a place of a tensor, by its indices. */
export const at = ({ dims, values }: StoredWeights, ...index: number[]): number => values[index.reduce((sum, i, axis) => sum * dims[axis]! + i, 0)]!;
export const sum = (count: number, term: (i: number) => number): number => { let total = 0; for (let i = 0; i < count; i++) total += term(i); return total; };

/** New value of W at output o, input i, kernel place κ. */
type Formula = (w: (o: number, i: number, k: number) => number, o: number, i: number, k: number) => number;
/** Tensors of one module and what it must do to a layer of [out, input, kernel² = each] at strength m. */
interface Case { readonly parts: Parts; readonly formula: (m: number) => Formula }
type Maker = (out: number, input: number, kernel: readonly number[]) => Case;

/** Places of a [rows, …] tensor whose other axes are input and kernel together. */
const flat = (tensor: StoredWeights, row: number, i: number, k: number, each: number): number => tensor.values[row * sizeOf(tensor.dims.slice(1)) + i * each + k]!;

const low: Record<string, Maker> = {
  'lora': (out, input, kernel) => {
    const up = random([out, 3, ...kernel.map(() => 1)], 10), down = random([3, input, ...kernel], 11);
    return { parts: { 'lora_up.weight': up, 'lora_down.weight': down, alpha: number(2) }, formula: (m) => (w, o, i, k) => w(o, i, k) + m * (2 / 3) * sum(3, (r) => flat(up, o, r, 0, 1) * flat(down, r, i, k, sizeOf(kernel))) };
  },
  'lora with the sparse rest of an extraction': (out, input, kernel) => {
    const up = random([out, 2], 12), down = random([2, input * sizeOf(kernel)], 13), each = sizeOf(kernel);
    const sparse = [[1, 5, 0.5], [7, 0, -0.25], [1, 6, 2]] as const;
    return {
      parts: {
        'lora_up.weight': up, 'lora_down.weight': down, alpha: number(1), bias_values: { dims: [3], values: sparse.map(([, , value]) => value) },
        bias_indices: { dims: [2, 3], values: [...sparse.map(([row]) => row), ...sparse.map(([, column]) => column)], dtype: 'I16' }, bias_size: { dims: [2], values: [out, input * each], dtype: 'I16' },
      },
      formula: (m) => (w, o, i, k) => w(o, i, k) + m * 0.5 * (sum(2, (r) => flat(up, o, r, 0, 1) * flat(down, r, i, k, each)) + (sparse.find(([row, column]) => row === o && column === i * each + k)?.[2] ?? 0)),
    };
  },
  'loha': (out, input, kernel) => {
    const [w1a, w2a] = [20, 21].map((seed) => random([out, 2], seed)), [w1b, w2b] = [22, 23].map((seed) => random([2, input * sizeOf(kernel)], seed)), each = sizeOf(kernel);
    const half = (a: StoredWeights, b: StoredWeights, o: number, i: number, k: number): number => sum(2, (r) => at(a, o, r) * flat(b, r, i, k, each));
    return { parts: { hada_w1_a: w1a!, hada_w1_b: w1b!, hada_w2_a: w2a!, hada_w2_b: w2b!, alpha: number(3) }, formula: (m) => (w, o, i, k) => w(o, i, k) + m * 1.5 * half(w1a!, w1b!, o, i, k) * half(w2a!, w2b!, o, i, k) };
  },
  'lokr': (out, input, kernel) => {
    const w1 = random([2, 2], 30), a = random([out / 2, 3], 31), b = random([3, (input / 2) * sizeOf(kernel)], 32), each = sizeOf(kernel), [p, q] = [out / 2, input / 2];
    return {
      parts: { lokr_w1: w1, lokr_w2_a: a, lokr_w2_b: b, alpha: number(6) },
      formula: (m) => (w, o, i, k) => w(o, i, k) + m * (6 / 3) * at(w1, Math.floor(o / p), Math.floor(i / q)) * sum(3, (r) => at(a, o % p, r) * flat(b, r, i % q, k, each)),
    };
  },
  'glora': (out, input, kernel) => {
    const one = kernel.map(() => 1), a1 = random([input, 3, ...one], 40), a2 = random([3, input, ...one], 41), b1 = random([out, 3, ...one], 42), b2 = random([3, input, ...kernel], 43), each = sizeOf(kernel);
    const viaInputs = (w: Parameters<Formula>[0], o: number, i: number, k: number): number => sum(input, (x) => w(o, x, k) * sum(3, (r) => flat(a1, x, r, 0, 1) * flat(a2, r, i, 0, 1)));
    return {
      parts: { 'a1.weight': a1, 'a2.weight': a2, 'b1.weight': b1, 'b2.weight': b2, alpha: number(1) },
      formula: (m) => (w, o, i, k) => w(o, i, k) + m * (1 / 3) * (viaInputs(w, o, i, k) + sum(3, (r) => flat(b1, o, r, 0, 1) * flat(b2, r, i, k, each))),
    };
  },
  'ia3 on outputs': (out, _, kernel) => {
    const scales = random(kernel.length > 0 ? [1, out, 1, 1] : [out], 50);
    return { parts: { weight: scales, on_input: number(0, 'I64') }, formula: (m) => (w, o, i, k) => w(o, i, k) * (1 + m * scales.values[o]!) };
  },
  'ia3 on inputs': (_, input, kernel) => {
    const scales = random(kernel.length > 0 ? [1, input, 1, 1] : [input], 51);
    return { parts: { weight: scales, on_input: number(1, 'I64') }, formula: (m) => (w, o, i, k) => w(o, i, k) * (1 + m * scales.values[i]!) };
  },
  'full': (out, input, kernel) => {
    const diff = random([out, input, ...kernel], 60);
    return { parts: { diff }, formula: (m) => (w, o, i, k) => w(o, i, k) + m * flat(diff, o, i, k, sizeOf(kernel)) };
  },
  'a new weight': (out, input, kernel) => {
    const next = random([out, input, ...kernel], 61);
    return { parts: { set_weight: next }, formula: (m) => (w, o, i, k) => (1 - m) * w(o, i, k) + m * flat(next, o, i, k, sizeOf(kernel)) };
  },
};

/** R = (I + Q)(I + Q + Q² + …) of a small block, Q = shrink · (B − Bᵀ). */
function seriesRotation(block: (i: number, j: number) => number, n: number, shrink: number): (i: number, j: number) => number {
  const q = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => shrink * (block(i, j) - block(j, i))));
  const eye: number[][] = q.map((_, i) => q.map((_, j) => (i === j ? 1 : 0)));
  const times = (a: number[][], b: number[][]): number[][] => a.map((row) => b.map((_, j) => sum(n, (x) => row[x]! * b[x]![j]!)));
  const plus = (a: number[][], b: number[][]): number[][] => a.map((row, i) => row.map((value, j) => value + b[i]![j]!));
  let power = eye, series = eye;
  for (let term = 0; term < 100; term++) series = plus(series, power = times(power, q));
  const r = times(plus(eye, q), series);
  return (i, j) => r[i]![j]!;
}
const skewNorm = (blocks: StoredWeights): number => {
  const n = blocks.dims.at(-1)!, count = sizeOf(blocks.dims) / (n * n);
  return Math.sqrt(sum(count, (b) => sum(n, (i) => sum(n, (j) => (blocks.values[(b * n + i) * n + j]! - blocks.values[(b * n + j) * n + i]!) ** 2))));
};
/** (c g k) → (c k g) of einops: where each row of the new order comes from. */
function butterflyOrder(out: number, k: number): number[] {
  const order: number[] = [];
  for (let c = 0; c < out / (2 * k); c++) for (let kk = 0; kk < k; kk++) for (let g = 0; g < 2; g++) order.push(c * 2 * k + g * k + kk);
  return order;
}

const oftCase = (extra: (out: number, blocks: StoredWeights) => { parts: Parts; shrink?: number; rescale?: readonly number[] }): Maker => (out) => {
  const blocks = random([2, out / 2, out / 2], 70, 0.1), n = out / 2, { parts, shrink = 1, rescale } = extra(out, blocks);
  const r = [0, 1].map((b) => seriesRotation((i, j) => at(blocks, b, i, j), n, shrink));
  return {
    parts: { oft_blocks: blocks, ...parts },
    // Σₙ R[n, o]·W[n]: R is transposed.
    formula: (m) => (w, o, i, k) => {
      const block = Math.floor(o / n), turned = sum(n, (x) => r[block]!(x, o % n) * w(block * n + x, i, k));
      return (w(o, i, k) + m * (turned - w(o, i, k))) * (rescale ? 1 + m * (rescale[o]! - 1) : 1);
    },
  };
};
/** Each factor is mixed with I on its own. */
const boftCase = (factors: number, count: number): Maker => (out) => {
  const n = out / count, blocks = random([factors, count, n, n], 73, 0.1);
  const r = Array.from({ length: factors }, (_, f) => Array.from({ length: count }, (_, block) => seriesRotation((i, j) => at(blocks, f, block, i, j), n, 1)));
  return {
    parts: { oft_blocks: blocks, alpha: number(0) },
    formula: (m) => (w, o, i, k) => {
      let rows = Array.from({ length: out }, (_, row) => w(row, i, k));
      for (let f = 0; f < factors; f++) {
        const order = butterflyOrder(out, 2 ** f * n / 2), mixed = order.map((row) => rows[row]!), next = [...rows];
        order.forEach((row, place) => {
          const block = Math.floor(place / n), own = place % n;
          next[row] = sum(n, (x) => (m * r[f]![block]!(own, x) + (own === x ? 1 - m : 0)) * mixed[block * n + x]!);
        });
        rows = next;
      }
      return rows[o]!;
    },
  };
};
const rotations: Record<string, Maker> = {
  'oft': oftCase(() => ({ parts: {} })),
  'oft with a bound that holds it back': oftCase((out, blocks) => ({ parts: { alpha: number(0.01) }, shrink: 0.01 * out / (skewNorm(blocks) + 1e-8) })),
  'oft with a bound that it does not reach': oftCase(() => ({ parts: { alpha: number(10) } })),
  'oft with alpha 0, as LyCORIS writes no bound': oftCase(() => ({ parts: { alpha: number(0, 'I64') } })),
  'oft, rescaled': oftCase((out) => { const rescale = random([out, 1], 71); return { parts: { rescale }, rescale: rescale.values }; }),
  'oft of early LyCORIS, R itself': (out) => {
    const diag = random([4, out / 4, out / 4], 72), n = out / 4;
    return { parts: { oft_diag: diag }, formula: (m) => (w, o, i, k) => (1 - m) * w(o, i, k) + m * sum(n, (x) => at(diag, Math.floor(o / n), x, o % n) * w(Math.floor(o / n) * n + x, i, k)) };
  },
  'boft, one factor of pairs': boftCase(1, 4),
  'boft, three factors of pairs': boftCase(3, 4),
  'boft, two factors of fours': boftCase(2, 2),
};

export const loraForms: Readonly<Record<string, Maker>> = { ...low, ...rotations };
