// Layers as plain functions over graph values. Weights are asked for by the sizes that the network means them to have.
import type { Graph, Value } from '../graph/graph';
import type { AttentionSite } from '../graph/hooks';
import type { Pads } from '../graph/primitives';
import type { Dims } from '../tensor';
import type { Weights } from './weights';

export const add = (g: Graph, a: Value, b: Value): Value => g.apply('Add', [a, b]);
export const mul = (g: Graph, a: Value, b: Value): Value => g.apply('Mul', [a, b]);
export const silu = (g: Graph, x: Value): Value => g.apply('Silu', [x]);
export const gelu = (g: Graph, x: Value): Value => g.apply('Gelu', [x]);
export const quickGelu = (g: Graph, x: Value): Value => g.apply('QuickGelu', [x]);
export const relu = (g: Graph, x: Value): Value => g.apply('Relu', [x]);
export const leakyRelu = (g: Graph, x: Value, alpha: number): Value => g.apply('LeakyRelu', [x], { alpha });
export const reshape = (g: Graph, x: Value, dims: Dims): Value => g.apply('Reshape', [x], { dims });
export const transpose = (g: Graph, x: Value, perm: readonly number[]): Value => g.apply('Transpose', [x], { perm });
export const concat = (g: Graph, values: readonly Value[], axis: number): Value => g.apply('Concat', values, { axis });
export const slice = (g: Graph, x: Value, axis: number, start: number, end: number): Value => g.apply('Slice', [x], { axis, start, end });
export const upsample = (g: Graph, x: Value, height: number, width: number): Value => g.apply('Upsample', [x], { height, width });

interface LinearOptions {
  /** false: the network has none here; one that a file brings all the same counts. */
  readonly bias?: boolean;
  /** The file keeps the matrix as the weight of a 1×1 convolution. */
  readonly as1x1?: boolean;
}

/** x [..., in] → [..., out]. */
export function linear(g: Graph, w: Weights, x: Value, out: number, { bias = true, as1x1 = false }: LinearOptions = {}): Value {
  const inner = x.dims.at(-1)!, matrix = [out, inner];
  const weight = w.tensor('weight', as1x1 ? [out, inner, 1, 1] : matrix, matrix);
  const shift = bias ? w.tensor('bias', [out]) : w.optional('bias', [out]);
  return g.within(w.path, () => g.apply('Linear', [x, weight, shift]));
}

/** The i-th of the three projections that `in_proj` packs one below the other. */
export function packedLinear(g: Graph, w: Weights, i: number, x: Value): Value {
  const width = x.dims.at(-1)!;
  const weight = w.rows('in_proj_weight', [3 * width, width], i * width, width), bias = w.rows('in_proj_bias', [3 * width], i * width, width);
  return g.within(w.path, () => g.apply('Linear', [x, weight, bias]));
}

interface ConvOptions { readonly kernel?: number; readonly stride?: number; readonly pads?: Pads; readonly bias?: boolean }

/** x [B, Cin, H, W] → [B, out, H', W']. By default the padding keeps the size. */
export function conv(g: Graph, w: Weights, x: Value, out: number, { kernel = 3, stride = 1, pads, bias = true }: ConvOptions = {}): Value {
  const half = Math.floor(kernel / 2);
  const weight = w.tensor('weight', [out, x.dims[1]!, kernel, kernel]);
  const shift = bias ? w.tensor('bias', [out]) : w.optional('bias', [out]);
  const own = { x, pads: pads ?? [half, half, half, half] } as const;
  return g.within(w.path, () => {
    const bordered = kernel > 1 ? g.hooks.border?.(g, own) ?? own : own;
    return g.apply('Conv', [bordered.x, weight, shift], { stride, pads: bordered.pads });
  });
}

/** A slope for each channel of x [B, C, ...]. */
export function prelu(g: Graph, w: Weights, x: Value): Value {
  const slope = w.tensor('weight', [x.dims[1]!]);
  return g.within(w.path, () => g.apply('Prelu', [x, slope]));
}

/** x [B, C·f², H, W] → [B, C, H·f, W·f]: each f² channels are the pixels of a square. Shi et al. 2016, arXiv:1609.05158. */
export function pixelShuffle(g: Graph, x: Value, factor: number): Value {
  const [b, channels, h, w] = x.dims as [number, number, number, number], c = channels / factor ** 2;
  const squares = reshape(g, x, [b, c, factor, factor, h, w]);
  return reshape(g, transpose(g, squares, [0, 1, 4, 2, 5, 3]), [b, c, h * factor, w * factor]);
}

/** Back: x [B, C, H·f, W·f] → [B, C·f², H, W]. */
export function pixelUnshuffle(g: Graph, x: Value, factor: number): Value {
  const [b, c, height, width] = x.dims as [number, number, number, number], [h, w] = [height / factor, width / factor];
  const squares = reshape(g, x, [b, c, h, factor, w, factor]);
  return reshape(g, transpose(g, squares, [0, 1, 3, 5, 2, 4]), [b, c * factor ** 2, h, w]);
}

/** 32 groups, as everywhere in Stable Diffusion. x [B, C, ...]. */
export function groupNorm(g: Graph, w: Weights, x: Value, epsilon = 1e-5): Value {
  const channels = x.dims[1]!, scale = w.tensor('weight', [channels]), bias = w.tensor('bias', [channels]);
  return g.within(w.path, () => g.apply('GroupNorm', [x, scale, bias], { groups: 32, epsilon }));
}

/** Over the last dimension. */
export function layerNorm(g: Graph, w: Weights, x: Value, epsilon = 1e-5): Value {
  const width = x.dims.at(-1)!, scale = w.tensor('weight', [width]), bias = w.tensor('bias', [width]);
  return g.within(w.path, () => g.apply('LayerNorm', [x, scale, bias], { epsilon }));
}

/** → [B, Lq, heads·d], by the layer at `path`, where hooks may change it. */
export function attention(g: Graph, site: AttentionSite): Value {
  const own = ({ q, k, v, bias, heads }: AttentionSite): Value => g.apply('Attention', [q, k, v, bias], { heads });
  return g.within(site.path, () => g.hooks.attention?.(g, site, own, own) ?? own(site));
}

/** What `build` adds is the block at `w`, whose output hooks may change. */
export function block(g: Graph, { path }: Weights, build: () => Value): Value {
  return g.within(path, () => {
    const h = build();
    return g.hooks.block?.(g, { path, role: 'output' }, h) ?? h;
  });
}

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
