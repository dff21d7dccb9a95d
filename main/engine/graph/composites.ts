// The composites: what networks are written in and providers may have one kernel for. Each is defined once, over the graph's own values, as primitives.
import { sizeOf } from '../tensor';
import type { Graph, Value } from './graph';
import { need, rank, type Inputs, type Operation } from './primitives';

export interface CompositeAttributes {
  /** x·σ(x) */
  Silu: Readonly<Record<never, never>>;
  /** x·Φ(x), exact (erf). */
  Gelu: Readonly<Record<never, never>>;
  /** x·σ(1.702·x), as OpenAI's CLIP. */
  QuickGelu: Readonly<Record<never, never>>;
  /** Not below `min`, not above `max`. */
  Clip: { readonly min: number; readonly max: number };
  ResizeBilinear: { readonly height: number; readonly width: number };
  /** x, and alpha·x below 0. */
  LeakyRelu: { readonly alpha: number };
  /** The same with a slope of its own for each channel. He et al. 2015, arXiv:1502.01852. */
  Prelu: Readonly<Record<never, never>>;
  Linear: Readonly<Record<never, never>>;
  Attention: { readonly heads: number };
  GroupNorm: { readonly groups: number; readonly epsilon: number };
  LayerNorm: { readonly epsilon: number };
  LowRank: Readonly<Record<never, never>>;
}

export type CompositeName = keyof CompositeAttributes;

interface Composite<Attributes> extends Operation<Attributes> {
  /** The same as primitives. The inputs have been found to fit. */
  define(g: Graph, inputs: Inputs, attributes: Attributes): Value;
}

/** x·σ(1.702·x) comes near x·Φ(x). Hendrycks and Gimpel 2016, arXiv:1606.08415. */
export const QUICK = 1.702;

const same = (name: string) => ([x]: Inputs) => ({ dims: need(x, name).dims });
const gated = (g: Graph, x: Value, gate: Value): Value => g.apply('Mul', [x, g.apply('Sigmoid', [gate])]);

export const composites: { readonly [K in CompositeName]: Composite<CompositeAttributes[K]> } = {
  Silu: { shape: same('Silu'), define: (g, [x]) => gated(g, x!, x!) },
  Gelu: {
    shape: same('Gelu'),
    define(g, [x]) {
      const doubled = g.apply('Add', [g.apply('Erf', [g.apply('Mul', [x, g.scalar(Math.SQRT1_2)])]), g.scalar(1)]);           // 2·Φ(x)
      return g.apply('Mul', [g.apply('Mul', [x, g.scalar(0.5)]), doubled]);
    },
  },
  QuickGelu: { shape: same('QuickGelu'), define: (g, [x]) => gated(g, x!, g.apply('Mul', [x, g.scalar(QUICK)])) },

  Clip: {
    shape: same('Clip'),
    define(g, [x], { min, max }) {
      const above = g.apply('Relu', [g.apply('Sub', [x, g.scalar(min)])]);                                                       // x − min, where that is positive
      return g.apply('Sub', [g.apply('Add', [above, g.scalar(min)]), g.apply('Relu', [g.apply('Sub', [above, g.scalar(max - min)])])]);
    },
  },
  /** x [B, C, H, W] → [B, C, height, width], by the two nearest rows and columns around the centre of each new pixel; the edge goes on beyond itself. */
  ResizeBilinear: {
    shape: ([x], { height, width }) => ({ dims: [...rank(x, 4, 'ResizeBilinear input').slice(0, 2), height, width] }),
    define(g, [x], { height, width }) {
      const [, , h, w] = rank(x, 4, 'ResizeBilinear input');
      const rows = g.apply('MatMul', [g.constant('float32', [height, h], blend(h, height)), x]);                                 // [B, C, height, W]
      return g.apply('MatMul', [rows, g.apply('Transpose', [g.constant('float32', [width, w], blend(w, width))], { perm: [1, 0] })]);
    },
  },
  LeakyRelu: {
    shape: same('LeakyRelu'),
    define: (g, [x], { alpha }) => g.apply('Add', [g.apply('Mul', [x, g.scalar(alpha)]), g.apply('Mul', [g.apply('Relu', [x]), g.scalar(1 - alpha)])]),
  },
  /** x [B, C, ...], slope [C]. */
  Prelu: {
    shape([x, slope]) {
      const { dims } = need(x, 'Prelu');
      if (dims.length < 2 || String(need(slope, 'Prelu').dims) !== String([dims[1]])) throw new RangeError(`Prelu of [${dims}] with slopes [${slope!.dims}]`);
      return { dims };
    },
    define(g, [x, slope]) {
      const { dims } = x!, slopes = g.apply('Reshape', [slope], { dims: [dims[1]!, ...dims.slice(2).map(() => 1)] });
      return g.apply('Add', [g.apply('Mul', [x, slopes]), g.apply('Mul', [g.apply('Relu', [x]), g.apply('Sub', [g.scalar(1), slopes])])]);
    },
  },

  /** x [..., in], weight [out, in], bias [out]? → [..., out]: x·Wᵀ + b. */
  Linear: {
    shape([x, w, b]) {
      const [out, inner] = rank(w, 2, 'Linear weight'), { dims } = need(x, 'Linear');
      if (dims.at(-1) !== inner) throw new RangeError(`Linear weight [${w!.dims}] does not fit an input [${dims}]`);
      if (b && (b.dims.length !== 1 || b.dims[0] !== out)) throw new RangeError(`Linear bias [${b.dims}] does not fit ${out} outputs`);
      return { dims: [...dims.slice(0, -1), out] };
    },
    define(g, [x, w, b]) {
      const product = g.apply('MatMul', [x, g.apply('Transpose', [w], { perm: [1, 0] })]);
      return b ? g.apply('Add', [product, b]) : product;
    },
    flops: ([x, w]) => 2 * (sizeOf(x!.dims) / x!.dims.at(-1)!) * sizeOf(w!.dims),
  },

  /** Scaled dot-product attention. q [B, Lq, heads·d], k and v [B, Lk, heads·d], bias [1, 1, Lq, Lk]? added before softmax → [B, Lq, heads·d]. */
  Attention: {
    shape([q, k, v, bias], { heads }) {
      const [batch, queries, width] = rank(q, 3, 'Attention query');
      const [keyBatch, keys, keyWidth] = rank(k, 3, 'Attention key');
      rank(v, 3, 'Attention value');
      if (!Number.isInteger(heads) || heads < 1 || width % heads) throw new RangeError(`Attention: ${heads} heads do not divide a width of ${width}`);
      if (width !== keyWidth || batch !== keyBatch || String(k!.dims) !== String(v!.dims)) throw new RangeError(`Attention of [${q!.dims}], [${k!.dims}], [${v!.dims}]`);
      if (bias && String(bias.dims) !== String([1, 1, queries, keys])) throw new RangeError(`Attention bias [${bias.dims}] does not fit ${queries} queries and ${keys} keys`);
      return { dims: q!.dims };
    },
    /** softmax(q·kᵀ/√d + bias)·v, head by head. */
    define(g, [q, k, v, bias], { heads }) {
      const [batch, queries, width] = rank(q, 3, 'Attention query');
      const d = width / heads;
      const split = (value: Value, perm: readonly number[]): Value =>
        g.apply('Transpose', [g.apply('Reshape', [value], { dims: [batch, value.dims[1]!, heads, d] })], { perm });
      const scaled = g.apply('Mul', [split(q!, [0, 2, 1, 3]), g.scalar(1 / Math.sqrt(d))]);
      let scores = g.apply('MatMul', [scaled, split(k!, [0, 2, 3, 1])]);                                                         // [B, heads, Lq, Lk]
      if (bias) scores = g.apply('Add', [scores, bias]);
      const mixed = g.apply('MatMul', [g.apply('Softmax', [scores], { axis: 3 }), split(v!, [0, 2, 1, 3])]);                     // [B, heads, Lq, d]
      return g.apply('Reshape', [g.apply('Transpose', [mixed], { perm: [0, 2, 1, 3] })], { dims: [batch, queries, width] });
    },
    flops: ([q, k]) => 4 * sizeOf(q!.dims) * k!.dims[1]!,
  },

  /** x [B, C, ...], scale [C], bias [C]: each group of channels to mean 0 and variance 1, then each channel scaled. Wu and He 2018, arXiv:1803.08494. */
  GroupNorm: {
    shape([x, scale, bias], { groups }) {
      const { dims } = need(x, 'GroupNorm'), channels = dims[1]!;
      if (dims.length < 3 || channels % groups) throw new RangeError(`GroupNorm of [${dims}] in ${groups} groups`);
      for (const value of [scale, bias]) if (String(need(value, 'GroupNorm').dims) !== String([channels])) throw new RangeError(`GroupNorm of ${channels} channels in ${groups} groups with scale or bias [${value!.dims}]`);
      return { dims };
    },
    define(g, [x, scale, bias], { groups, epsilon }) {
      const { dims } = x!, [batch, channels] = dims as [number, number];
      const grouped = g.apply('Reshape', [x], { dims: [batch, groups, sizeOf(dims) / (batch * groups)] });
      const normed = g.apply('Reshape', [normalise(g, grouped, epsilon)], { dims });
      const perChannel = (value: Value): Value => g.apply('Reshape', [value], { dims: [channels, ...dims.slice(2).map(() => 1)] });
      return g.apply('Add', [g.apply('Mul', [normed, perChannel(scale!)]), perChannel(bias!)]);
    },
  },
  /** Over the last dimension, which scale and bias are as long as. Ba et al. 2016, arXiv:1607.06450. */
  LayerNorm: {
    shape([x, scale, bias]) {
      const { dims } = need(x, 'LayerNorm');
      for (const value of [scale, bias]) if (String(need(value, 'LayerNorm').dims) !== String([dims.at(-1)])) throw new RangeError(`LayerNorm of [${dims}] with scale or bias [${value!.dims}]`);
      return { dims };
    },
    define: (g, [x, scale, bias], { epsilon }) => g.apply('Add', [g.apply('Mul', [normalise(g, x!, epsilon), scale]), bias]),
  },

  /** A weight [out, in, ...] with a low-rank change, W + s·up·down: up [out, r], down [r, in·…], s []. Layers may apply the factors instead (factored.ts). */
  LowRank: {
    shape([w, up, down, s]) {
      const { dims } = need(w, 'LowRank'), [out, r] = rank(up, 2, 'LowRank up'), [inner, columns] = rank(down, 2, 'LowRank down');
      if (r !== inner || out !== dims[0] || columns !== sizeOf(dims.slice(1)) || need(s, 'LowRank').dims.length > 0) throw new RangeError(`LowRank of [${dims}] by [${up!.dims}] and [${down!.dims}]`);
      return { dims };
    },
    define: (g, [w, up, down, s]) => g.apply('Add', [w, g.apply('Reshape', [g.apply('MatMul', [g.apply('Mul', [up, s]), down])], { dims: w!.dims })]),
    flops: ([, up, down]) => 2 * sizeOf(up!.dims) * down!.dims[1]!,
  },
};

/** [to, from]: how much of each old row is in each new one. */
function blend(from: number, to: number): Float32Array {
  const shares = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5)), low = Math.floor(at), high = Math.min(from - 1, low + 1);
    shares[i * from + low]! += 1 - (at - low);
    shares[i * from + high]! += at - low;
  }
  return shares;
}

/** (x − mean)/√(variance + ε) over the last dimension. */
function normalise(g: Graph, x: Value, epsilon: number): Value {
  const axes = [x.dims.length - 1];
  const centred = g.apply('Sub', [x, g.apply('ReduceMean', [x], { axes })]);
  const variance = g.apply('ReduceMean', [g.apply('Mul', [centred, centred])], { axes });
  return g.apply('Div', [centred, g.apply('Sqrt', [g.apply('Add', [variance, g.scalar(epsilon)])])]);
}
