// The U-Net of Stable Diffusion in the LDM layout, built from its sizes. Its code reads like the checkpoint's keys.
import { Graph, type Value } from '../graph/graph';
import type { Hooks } from '../graph/hooks';
import { add, attention, block, concat, conv, fromTokens, gelu, groupNorm, layerNorm, linear, mul, reshape, silu, slice, toTokens, upsample } from '../nn/layers';
import { Weights, type WeightSource } from '../nn/weights';
import { float32, type Tensor } from '../tensor';
import type { WeightFile } from '../weights/source';
import { partOf, unetSizes, type UnetSizes } from './sizes';

/** Head counts, which no shape tells. SD 1: 8 heads at every width. SD 2 and SDXL: heads of 64. */
export type Heads = { readonly count: number } | { readonly width: number };

export interface UnetConfig extends UnetSizes {
  /** Where the network stands in the file, e.g. 'model.diffusion_model'. */
  readonly prefix: string;
  readonly heads: Heads;
  /** 0 where the network has no such input. */
  readonly vectorDim: number;
  readonly guidanceDim: number;
}

/** One evaluation's. */
export interface UnetShape {
  readonly batch: number;
  /** Of the latents: an eighth of the picture's. */
  readonly height: number;
  readonly width: number;
  /** Length of the context: 77 per chunk of the prompt. */
  readonly tokens: number;
}

/** Reads the configuration off names and shapes, or undefined where there is no such network. `heads` overrides the family's rule. */
export function unetConfig(file: WeightFile, prefix = 'model.diffusion_model', heads?: Heads): UnetConfig | undefined {
  const sizes = unetSizes(partOf(file, prefix && `${prefix}.`));
  return sizes ? unetConfigOf(sizes, prefix, heads) : undefined;
}

export const unetConfigOf = (sizes: UnetSizes, prefix: string, heads: Heads = sizes.linear ? { width: 64 } : { count: 8 }): UnetConfig =>
  ({ vectorDim: 0, guidanceDim: 0, ...sizes, prefix, heads });

/**
 * Inputs: `x` [B, Cin, H, W] latents at their noise level (already scaled), `t` [B, modelChannels] the timestep as `timestepEmbedding` gives it,
 * `context` [B, tokens, contextDim], `y` [B, vectorDim] where the network has a vector condition, and `w` [B, guidanceDim] where it reads the
 * guidance scale, as `guidanceEmbedding` gives it.
 * Output: `out` [B, Cout, H, W], the predicted noise or velocity. After ldm openaimodel.py UNetModel.
 */
export function buildUnet(source: WeightSource, config: UnetConfig, { batch, height, width, tokens }: UnetShape, hooks: Hooks = {}): Graph {
  const { channels, resBlocks, timeEmbed } = config;
  const g = new Graph('unet', hooks);
  const w = new Weights(g, source, config.prefix);
  const x = g.input('x', 'float32', [batch, config.inChannels, height, width]);
  const t = g.input('t', 'float32', [batch, config.modelChannels]);
  const context = g.input('context', 'float32', [batch, tokens, config.contextDim]);
  const { input, output } = config.blockDepths ?? spreadDepths(config);

  // Luo et al. 2023 (LCM, arXiv:2310.04378): the guidance scale joins the timestep before the perceptron.
  const time = config.guidanceDim
    ? add(g, t, linear(g, w.at('time_embed.cond_proj'), g.input('w', 'float32', [batch, config.guidanceDim]), config.modelChannels, { bias: false })) : t;
  let emb = mlp(g, w.at('time_embed'), time, timeEmbed);                                     // [B, E]
  if (config.vectorDim) emb = add(g, emb, mlp(g, w.at('label_emb.0'), g.input('y', 'float32', [batch, config.vectorDim]), timeEmbed));
  const told: Told = { config, context, embedded: silu(g, emb) };                         // every residual block begins so

  const skips: Value[] = [];
  let n = 0;
  const inputBlock = (build: (w: Weights) => Value): Value => {
    const at = w.at(`input_blocks.${n++}`);
    const made = block(g, at, () => build(at));
    skips.push(made);
    return made;
  };
  let h = inputBlock((at) => conv(g, at.at(0), x, config.modelChannels));
  channels.forEach((cout, level) => {
    for (let i = 0; i < resBlocks; i++) h = inputBlock((at) => resAndTransformer(g, at, h, cout, input[level * resBlocks + i]!, told));
    if (level + 1 < channels.length) h = inputBlock((at) => conv(g, at.at('0.op'), h, cout, { stride: 2 }));
  });

  h = block(g, w.at('middle_block'), () => middle(g, w.at('middle_block'), h, told));

  n = 0;
  for (let level = channels.length - 1; level >= 0; level--) {
    const cout = channels[level]!;
    for (let i = 0; i <= resBlocks; i++, n++) {
      const at = w.at(`output_blocks.${n}`), depth = output[n]!;
      const skip = skipped(g, at, skips.pop()!);
      h = block(g, at, () => {
        const made = resAndTransformer(g, at, concat(g, [h, skip], 1), cout, depth, told);
        return level > 0 && i === resBlocks ? grow(g, at.at(depth > 0 ? 2 : 1), made, skips.at(-1)!) : made;
      });
    }
  }
  g.output('out', conv(g, w.at('out.2'), silu(g, groupNorm(g, w.at('out.0'), h)), config.outChannels));
  return g;
}

/** What all blocks read: context [B, tokens, D], embedded [B, E] (after SiLU). */
interface Told { readonly config: UnetConfig; readonly context: Value; readonly embedded: Value }

/** An input block's output as the output block at `path` reads it. */
const skipped = (g: Graph, { path }: Weights, skip: Value): Value => g.within(path, () => g.hooks.block?.(g, { path, role: 'skip' }, skip) ?? skip);

/** The same depth in all blocks of a level. */
function spreadDepths({ depths, resBlocks }: UnetSizes): { input: number[]; output: number[] } {
  const times = (count: number) => (depth: number): number[] => Array<number>(count).fill(depth);
  return { input: depths.flatMap(times(resBlocks)), output: depths.toReversed().flatMap(times(resBlocks + 1)) };
}

function resAndTransformer(g: Graph, w: Weights, x: Value, cout: number, depth: number, told: Told): Value {
  const h = resBlock(g, w.at(0), x, cout, told.embedded);
  return depth > 0 ? spatialTransformer(g, w.at(1), h, depth, told) : h;
}

function middle(g: Graph, w: Weights, x: Value, told: Told): Value {
  const { middleDepth } = told.config, width = x.dims[1]!;
  const h = resAndTransformer(g, w, x, width, middleDepth, told);
  return middleDepth > 0 ? resBlock(g, w.at(2), h, width, told.embedded) : h;
}

/** Doubles the size, or grows to the next skip tensor's where a side was odd (diffusers and ComfyUI resize before the convolution). */
function grow(g: Graph, w: Weights, x: Value, { dims: [, , height, width] }: Value): Value {
  return conv(g, w.at('conv'), upsample(g, x, height!, width!), x.dims[1]!);
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

const mlp = (g: Graph, w: Weights, x: Value, width: number): Value => g.within(w.path, () => linear(g, w.at('2'), silu(g, linear(g, w.at('0'), x, width)), width));

/**
 * Training timesteps 0–999, fractional or not, [B] → [B, dim]: cosines, then sines, of t at dim/2 frequencies from 1 down to 1/10000.
 * Made here in double, not in the graph: a GPU's cosine of an angle of 900 is good to three digits.
 */
export function timestepEmbedding(timesteps: ArrayLike<number>, dim: number): Tensor {
  const half = dim / 2;
  const out = float32([timesteps.length, dim]);
  for (let b = 0; b < timesteps.length; b++) {
    for (let i = 0; i < half; i++) {
      const angle = timesteps[b]! * Math.exp((-Math.log(10000) * i) / half);
      out.data[b * dim + i] = Math.cos(angle);
      out.data[b * dim + half + i] = Math.sin(angle);
    }
  }
  return out;
}

/** Guidance scale → [batch, dim] for LCM's projection: sines, then cosines, of 1000·(scale − 1), at frequencies that reach 1/10000. After diffusers. */
export function guidanceEmbedding(scale: number, dim: number, batch: number): Tensor {
  const half = dim / 2;
  const row = Float32Array.from({ length: dim }, (_, i) => {
    const angle = 1000 * (scale - 1) * Math.exp((-Math.log(10000) * (i % half)) / (half - 1));
    return i < half ? Math.sin(angle) : Math.cos(angle);
  });
  const out = float32([batch, dim]);
  for (let b = 0; b < batch; b++) out.data.set(row, b * dim);
  return out;
}
