// The blocks that a U-Net is made of, and its half up to the middle, which a ControlNet has too. After ldm openaimodel.py.
import type { Graph, Value } from '../graph/graph';
import { add, attention, block, conv, fromTokens, gelu, groupNorm, layerNorm, linear, mul, reshape, silu, slice, toTokens } from '../nn/layers';
import type { Weights } from '../nn/weights';
import type { UnetSizes } from './sizes';

/** Head counts, which no shape tells. SD 1: 8 heads at every width. SD 2 and SDXL: heads of 64. */
export type Heads = { readonly count: number } | { readonly width: number };

type HalfSizes = Pick<UnetSizes, 'modelChannels' | 'channels' | 'resBlocks' | 'middleDepth' | 'linear'>;

/** What all blocks read: context [B, tokens, D], embedded [B, E] (after SiLU). */
export interface Told { readonly config: HalfSizes & { readonly heads: Heads }; readonly context: Value; readonly embedded: Value }

/** x [B, Cin, H, W] → every input block's output, and the middle block's. `depths`: of every input res block. `begin` may add to what the first convolution makes. */
export function buildEncoder(g: Graph, w: Weights, x: Value, depths: readonly number[], told: Told, begin: (h: Value) => Value = (h) => h): { skips: Value[]; middle: Value } {
  const { modelChannels, channels, resBlocks } = told.config;
  const skips: Value[] = [];
  const inputBlock = (build: (w: Weights) => Value): Value => {
    const at = w.at(`input_blocks.${skips.length}`), made = block(g, at, () => build(at));
    skips.push(made);
    return made;
  };
  let h = inputBlock((at) => begin(conv(g, at.at(0), x, modelChannels)));
  channels.forEach((cout, level) => {
    for (let i = 0; i < resBlocks; i++) h = inputBlock((at) => resAndTransformer(g, at, h, cout, depths[level * resBlocks + i]!, told));
    if (level + 1 < channels.length) h = inputBlock((at) => conv(g, at.at('0.op'), h, cout, { stride: 2 }));
  });
  return { skips, middle: block(g, w.at('middle_block'), () => middle(g, w.at('middle_block'), h, told)) };
}

/** The same depth in all blocks of a level. */
export function spreadDepths({ depths, resBlocks }: UnetSizes): { input: number[]; output: number[] } {
  const times = (count: number) => (depth: number): number[] => Array<number>(count).fill(depth);
  return { input: depths.flatMap(times(resBlocks)), output: depths.toReversed().flatMap(times(resBlocks + 1)) };
}

export function resAndTransformer(g: Graph, w: Weights, x: Value, cout: number, depth: number, told: Told): Value {
  const h = resBlock(g, w.at(0), x, cout, told.embedded);
  return depth > 0 ? spatialTransformer(g, w.at(1), h, depth, told) : h;
}

function middle(g: Graph, w: Weights, x: Value, told: Told): Value {
  const { middleDepth } = told.config, width = x.dims[1]!;
  const h = resAndTransformer(g, w, x, width, middleDepth, told);
  return middleDepth > 0 ? resBlock(g, w.at(2), h, width, told.embedded) : h;
}

/** x [B, Cin, H, W], embedded [B, E] (after SiLU) → [B, Cout, H, W]. */
function resBlock(g: Graph, w: Weights, x: Value, cout: number, embedded: Value): Value {
  return g.within(w.path, () => {
    let h = conv(g, w.at('in_layers.2'), silu(g, groupNorm(g, w.at('in_layers.0'), x)), cout);
    const shift = linear(g, w.at('emb_layers.1'), embedded, cout);                           // [B, Cout]
    h = add(g, h, reshape(g, shift, [...shift.dims, 1, 1]));
    h = conv(g, w.at('out_layers.3'), silu(g, groupNorm(g, w.at('out_layers.0'), h)), cout);
    return add(g, x.dims[1] === cout ? x : conv(g, w.at('skip_connection'), x, cout, { kernel: 1 }), h);
  });
}

/** x [B, C, H, W] → [B, C, H, W]. The projections are 1×1 convolutions in SD 1 and linear in SD 2 and SDXL. */
function spatialTransformer(g: Graph, w: Weights, x: Value, depth: number, { config: { linear: isLinear, heads }, context }: Told): Value {
  const [, c, height, width] = x.dims as [number, number, number, number], stored = { as1x1: !isLinear };
  return g.within(w.path, () => {
    const normed = groupNorm(g, w.at('norm'), x, 1e-6);
    let h = linear(g, w.at('proj_in'), toTokens(g, normed), c, stored);                      // [B, H·W, C]
    for (let i = 0; i < depth; i++) h = transformerBlock(g, w.at(`transformer_blocks.${i}`), h, context, heads);
    return add(g, fromTokens(g, linear(g, w.at('proj_out'), h, c, stored), height, width), x);
  });
}

function transformerBlock(g: Graph, w: Weights, x: Value, context: Value, heads: Heads): Value {
  return g.within(w.path, () => {
    const own = layerNorm(g, w.at('norm1'), x);
    let h = add(g, crossAttention(g, w.at('attn1'), own, own, heads), x);
    h = add(g, crossAttention(g, w.at('attn2'), layerNorm(g, w.at('norm2'), h), context, heads), h);
    return add(g, feedForward(g, w.at('ff.net'), layerNorm(g, w.at('norm3'), h)), h);
  });
}

/** x [B, L, C] asks, context [B, tokens, D] answers. */
function crossAttention(g: Graph, w: Weights, x: Value, context: Value, heads: Heads): Value {
  const c = x.dims[2]!, bias = false;
  const q = linear(g, w.at('to_q'), x, c, { bias }), k = linear(g, w.at('to_k'), context, c, { bias }), v = linear(g, w.at('to_v'), context, c, { bias });
  return linear(g, w.at('to_out.0'), attention(g, { path: w.path, q, k, v, heads: 'count' in heads ? heads.count : c / heads.width }), c);
}

/** GEGLU (Shazeer 2020, arXiv:2002.05202): one projection gives value and gate, 4·C each. */
function feedForward(g: Graph, w: Weights, x: Value): Value {
  const c = x.dims[2]!, half = 4 * c;
  return g.within(w.path, () => {
    const projected = linear(g, w.at('0.proj'), x, 2 * half);                                // [B, L, 8·C]
    const gated = mul(g, slice(g, projected, 2, 0, half), gelu(g, slice(g, projected, 2, half, 2 * half)));
    return linear(g, w.at('2'), gated, c);
  });
}

/** Two linear layers with SiLU between. */
export const mlp = (g: Graph, w: Weights, x: Value, width: number): Value => g.within(w.path, () => linear(g, w.at('2'), silu(g, linear(g, w.at('0'), x, width)), width));
