// Layers as plain functions over graph values. A weight enters a product only in `linear` and `conv`: what wraps layers stands here.
import type { Graph, Value } from '../graph/graph';
import type { Dims } from '../tensor';
import type { Weights } from './weights';

export const add = (g: Graph, a: Value, b: Value): Value => g.apply('Add', [a, b]);
export const mul = (g: Graph, a: Value, b: Value): Value => g.apply('Mul', [a, b]);
export const silu = (g: Graph, x: Value): Value => g.apply('Silu', [x]);
export const gelu = (g: Graph, x: Value): Value => g.apply('Gelu', [x]);
export const quickGelu = (g: Graph, x: Value): Value => g.apply('QuickGelu', [x]);
export const relu = (g: Graph, x: Value): Value => g.apply('Relu', [x]);
export const reshape = (g: Graph, x: Value, dims: Dims): Value => g.apply('Reshape', [x], { dims });
const transpose = (g: Graph, x: Value, perm: readonly number[]): Value => g.apply('Transpose', [x], { perm });
export const concat = (g: Graph, values: readonly Value[], axis: number): Value => g.apply('Concat', values, { axis });
export const slice = (g: Graph, x: Value, axis: number, start: number, end: number): Value => g.apply('Slice', [x], { axis, start, end });
export const upsample = (g: Graph, x: Value, height: number, width: number): Value => g.apply('Upsample', [x], { height, width });
export const scalar = (g: Graph, value: number): Value => g.constant('float32', [], Float32Array.of(value));

/** x [..., in] → [..., out]. A 1×1 convolution's weight is read as the matrix that it is. */
export function linear(g: Graph, w: Weights, x: Value): Value {
  const [out, inner] = w.shape('weight') ?? [];
  return g.apply('Linear', [x, w.tensor('weight', out === undefined ? undefined : [out, inner!]), w.optional('bias')]);
}

/** x [B, Cin, H, W] → [B, Cout, H', W']. `pads` are [top, left, bottom, right]; by default they keep the size of an odd kernel. */
export function conv(g: Graph, w: Weights, x: Value, { stride = 1, pads }: { stride?: number; pads?: readonly number[] } = {}): Value {
  const weight = w.tensor('weight');
  const half = Math.floor((weight.dims[2] ?? 1) / 2);
  return g.apply('Conv', [x, weight, w.optional('bias')], { stride, pads: pads ?? [half, half, half, half] });
}

/** 32 groups, as everywhere in Stable Diffusion. x [B, C, ...]. */
export const groupNorm = (g: Graph, w: Weights, x: Value, epsilon = 1e-5): Value =>
  g.apply('GroupNorm', [x, w.tensor('weight'), w.tensor('bias')], { groups: 32, epsilon });

/** Over the last dimension. */
export const layerNorm = (g: Graph, w: Weights, x: Value, epsilon = 1e-5): Value =>
  g.apply('LayerNorm', [x, w.tensor('weight'), w.tensor('bias')], { epsilon });

/** q [B, Lq, heads·d], k and v [B, Lk, heads·d] → [B, Lq, heads·d]. */
export const attention = (g: Graph, q: Value, k: Value, v: Value, heads: number, bias?: Value): Value =>
  g.apply('Attention', [q, k, v, bias], { heads });

/** x [B, C, H, W] → [B, H·W, C]. */
export function toTokens(g: Graph, x: Value): Value {
  const [b, c, h, w] = x.dims as [number, number, number, number];
  return transpose(g, reshape(g, x, [b, c, h * w]), [0, 2, 1]);
}

/** x [B, H·W, C] → [B, C, H, W]. */
export function fromTokens(g: Graph, x: Value, height: number, width: number): Value {
  const [b, , c] = x.dims as [number, number, number];
  return reshape(g, transpose(g, x, [0, 2, 1]), [b, c, height, width]);
}
