// The operations that networks are made of: for each its shape rule and its cost. How a provider runs one is in `dialects/`.
import type { Dims, DType } from '../tensor';
import { sizeOf } from '../tensor';
import type { Attributes, Node, Value } from './graph';

export interface Operation {
  /** Shape of the result; throws RangeError when the inputs do not fit. dtype is float32 unless said. */
  shape(inputs: readonly (Value | undefined)[], attributes: Attributes): { dims: Dims; dtype?: DType };
  /** Floating-point operations of one run. */
  flops?(node: Node): number;
}

type Shape = Operation['shape'];

const same: Shape = ([x]) => ({ dims: need(x).dims, dtype: need(x).dtype });

const broadcast: Shape = ([a, b]) => {
  const [p, q] = [need(a).dims, need(b).dims];
  const rank = Math.max(p.length, q.length);
  const dims = Array.from({ length: rank }, (_, i) => {
    const [m, n] = [p[i - rank + p.length] ?? 1, q[i - rank + q.length] ?? 1];
    if (m !== n && m !== 1 && n !== 1) throw new RangeError(`cannot broadcast [${p}] with [${q}]`);
    return Math.max(m, n);
  });
  return { dims, dtype: need(a).dtype };
};

const table = {
  Add: { shape: broadcast },
  Mul: { shape: broadcast },
  Exp: { shape: same },
  Tanh: { shape: same },
  Relu: { shape: same },
  /** x·σ(x) */
  Silu: { shape: same },
  /** x·Φ(x), exact (erf). */
  Gelu: { shape: same },
  /** x·σ(1.702·x), as OpenAI's CLIP. */
  QuickGelu: { shape: same },

  /** x [B, Cin, H, W], weight [Cout, Cin, kH, kW], bias [Cout]?; attributes stride, pads [top, left, bottom, right]. */
  Conv: {
    shape([x, w, b], { stride, pads }) {
      const [batch, cin, h, wd] = rank(x, 4, 'Conv input');
      const [cout, cin2, kh, kw] = rank(w, 4, 'Conv weight');
      if (cin !== cin2) throw new RangeError(`Conv weight [${need(w).dims}] does not fit an input of ${cin} channels`);
      if (b && b.dims[0] !== cout) throw new RangeError(`Conv bias [${b.dims}] does not fit ${cout} output channels`);
      const [top, left, bottom, right] = pads as [number, number, number, number];
      const step = stride as number;
      return { dims: [batch, cout, Math.floor((h + top + bottom - kh) / step) + 1, Math.floor((wd + left + right - kw) / step) + 1] };
    },
    flops: ({ in: [, w], out }) => 2 * sizeOf(need(w).dims) * out.dims[0]! * out.dims[2]! * out.dims[3]!,
  },
  /** x [..., in], weight [out, in], bias [out]? → [..., out]: x·Wᵀ + b. */
  Linear: {
    shape([x, w, b]) {
      const [out, inner] = rank(w, 2, 'Linear weight');
      const dims = need(x).dims;
      if (dims.at(-1) !== inner) throw new RangeError(`Linear weight [${need(w).dims}] does not fit an input [${dims}]`);
      if (b && b.dims[0] !== out) throw new RangeError(`Linear bias [${b.dims}] does not fit ${out} outputs`);
      return { dims: [...dims.slice(0, -1), out] };
    },
    flops: ({ in: [x, w] }) => 2 * (sizeOf(need(x).dims) / need(x).dims.at(-1)!) * sizeOf(need(w).dims),
  },
  /** a [..., M, K] · b [..., K, N], leading dimensions broadcast. */
  MatMul: {
    shape([a, b]) {
      const [p, q] = [need(a).dims, need(b).dims];
      if (p.at(-1) !== q.at(-2)) throw new RangeError(`cannot multiply [${p}] by [${q}]`);
      const lead = p.length >= q.length ? p.slice(0, -2) : q.slice(0, -2);
      return { dims: [...lead, p.at(-2)!, q.at(-1)!] };
    },
    flops: ({ in: [a], out }) => 2 * sizeOf(out.dims) * need(a).dims.at(-1)!,
  },
  /** Scaled dot-product attention. q [B, Lq, heads·d], k and v [B, Lk, heads·d], bias [1, 1, Lq, Lk]? added before softmax → [B, Lq, heads·d]. */
  Attention: {
    shape([q, k, v], { heads }) {
      const [, , width] = rank(q, 3, 'Attention query');
      const [, keys, keyWidth] = rank(k, 3, 'Attention key');
      const [, values, valueWidth] = rank(v, 3, 'Attention value');
      if (width % (heads as number)) throw new RangeError(`${heads} heads do not divide a width of ${width}`);
      if (width !== keyWidth || keyWidth !== valueWidth || keys !== values) throw new RangeError(`Attention of [${need(q).dims}], [${need(k).dims}], [${need(v).dims}]`);
      return { dims: need(q).dims };
    },
    flops: ({ in: [q, k] }) => 4 * sizeOf(need(q).dims) * need(k).dims[1]!,
  },
  /** x [B, C, ...], scale [C], bias [C]; attributes groups, epsilon. */
  GroupNorm: {
    shape([x, scale], { groups }) {
      const channels = need(x).dims[1]!;
      if (channels % (groups as number) || need(scale).dims[0] !== channels) throw new RangeError(`GroupNorm of ${channels} channels in ${groups} groups with scale [${need(scale).dims}]`);
      return { dims: need(x).dims };
    },
  },
  /** Over the last dimension; scale and bias have its length; attribute epsilon. */
  LayerNorm: {
    shape([x, scale]) {
      if (need(scale).dims[0] !== need(x).dims.at(-1)) throw new RangeError(`LayerNorm of [${need(x).dims}] with scale [${need(scale).dims}]`);
      return { dims: need(x).dims };
    },
  },

  /** attribute dims */
  Reshape: {
    shape([x], { dims }) {
      if (sizeOf(dims as Dims) !== sizeOf(need(x).dims)) throw new RangeError(`cannot reshape [${need(x).dims}] to [${dims}]`);
      return { dims: dims as Dims, dtype: need(x).dtype };
    },
  },
  /** attribute perm */
  Transpose: { shape: ([x], { perm }) => ({ dims: (perm as Dims).map((i) => need(x).dims[i]!), dtype: need(x).dtype }) },
  /** attribute axis */
  Concat: {
    shape(inputs, { axis }) {
      const first = need(inputs[0]).dims;
      const at = axis as number;
      for (const value of inputs) {
        if (need(value).dims.some((n, i) => i !== at && n !== first[i])) throw new RangeError(`cannot join [${first}] and [${need(value).dims}] along ${at}`);
      }
      return { dims: first.map((n, i) => (i === at ? inputs.reduce((sum, v) => sum + need(v).dims[at]!, 0) : n)), dtype: need(inputs[0]).dtype };
    },
  },
  /** attributes axis, start, end */
  Slice: {
    shape: ([x], { axis, start, end }) => ({ dims: need(x).dims.map((n, i) => (i === axis ? (end as number) - (start as number) : n)), dtype: need(x).dtype }),
  },
  /** Nearest neighbour, x [B, C, H, W] → [B, C, height, width]; attributes height, width. */
  Upsample: { shape: ([x], { height, width }) => ({ dims: [...rank(x, 4, 'Upsample input').slice(0, 2), height as number, width as number] }) },
  /** Rows of a table: table [N, D], ids int64 [...] → [..., D]. */
  Gather: { shape: ([table, ids]) => ({ dims: [...need(ids).dims, rank(table, 2, 'Gather table')[1]!] }) },
} satisfies Record<string, Operation>;

export type OperationName = keyof typeof table;
export const operations: Readonly<Record<OperationName, Operation>> = table;

function need(value: Value | undefined): Value {
  if (!value) throw new RangeError('an operation lacks an input');
  return value;
}

function rank(value: Value | undefined, n: number, what: string): [number, number, number, number] {
  const { dims } = need(value);
  if (dims.length !== n) throw new RangeError(`${what} is [${dims}], expected ${n} dimensions`);
  return dims as unknown as [number, number, number, number];
}
