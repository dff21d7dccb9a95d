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
export const reshape = (g: Graph, x: Value, dims: Dims): Value => g.apply('Reshape', [x], { dims });
const transpose = (g: Graph, x: Value, perm: readonly number[]): Value => g.apply('Transpose', [x], { perm });
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

interface ConvOptions { readonly kernel?: number; readonly stride?: number; readonly pads?: Pads; readonly bias?: boolean }

/** x [B, Cin, H, W] → [B, out, H', W']. By default the padding keeps the size. */
export function conv(g: Graph, w: Weights, x: Value, out: number, { kernel = 3, stride = 1, pads, bias = true }: ConvOptions = {}): Value {
  const half = Math.floor(kernel / 2);
  const weight = w.tensor('weight', [out, x.dims[1]!, kernel, kernel]);
  const shift = bias ? w.tensor('bias', [out]) : w.optional('bias', [out]);
  return g.within(w.path, () => g.apply('Conv', [x, weight, shift], { stride, pads: pads ?? [half, half, half, half] }));
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
  return g.within(site.path, () => g.hooks.attention?.(g, site, own) ?? own(site));
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
