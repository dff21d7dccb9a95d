// The U-Net of Stable Diffusion in the LDM layout, built by walking the checkpoint's own keys: widths, depths and levels come from them.
import { Graph, type Value } from '../graph/graph';
import { add, attention, concat, conv, fromTokens, gelu, groupNorm, layerNorm, linear, mul, reshape, silu, slice, toTokens, upsample } from '../nn/layers';
import { Weights } from '../nn/weights';
import { float32, type Tensor } from '../tensor';
import type { WeightFile } from '../weights/source';

/** Head counts, which no shape tells. SD 1: 8 heads at every width. SD 2 and SDXL: heads of 64. */
export type Heads = { readonly count: number } | { readonly width: number };

export interface UnetConfig {
  /** Where the network stands in the file, e.g. 'model.diffusion_model'. */
  readonly prefix: string;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly modelChannels: number;
  /** Width of the text embeddings that cross-attention reads. */
  readonly contextDim: number;
  /** Width of the vector condition (pooled text and sizes, SDXL), or 0. */
  readonly vectorDim: number;
  /** Width of the embedded guidance scale, or 0: models distilled with guidance inside (LCM). */
  readonly guidanceDim: number;
  readonly heads: Heads;
}

export interface UnetSize {
  readonly batch: number;
  /** Of the latents: an eighth of the picture's. */
  readonly height: number;
  readonly width: number;
  /** Length of the context: 77 per chunk of the prompt. */
  readonly tokens: number;
}

/** Reads the configuration off names and shapes, or undefined where there is no such network. `heads` overrides the family's rule. */
export function unetConfig(file: WeightFile, prefix = 'model.diffusion_model', heads?: Heads): UnetConfig | undefined {
  const shape = (name: string) => file.tensors.get(`${prefix}.${name}`)?.shape;
  const first = shape('input_blocks.0.0.weight');
  const last = shape('out.2.weight');
  if (!first || !last) return undefined;
  const start = `${prefix}.`;
  let contextDim = 0;
  let linearProjection = false;
  for (const [name, entry] of file.tensors) {
    if (!name.startsWith(start)) continue;
    if (!contextDim && name.endsWith('attn2.to_k.weight')) contextDim = entry.shape[1]!;
    if (name.endsWith('.proj_in.weight')) linearProjection ||= entry.shape.length === 2;
  }
  return {
    prefix, inChannels: first[1]!, outChannels: last[0]!, modelChannels: first[0]!, contextDim,
    vectorDim: shape('label_emb.0.0.weight')?.[1] ?? 0,
    guidanceDim: shape('time_embed.cond_proj.weight')?.[1] ?? 0,
    heads: heads ?? (linearProjection ? { width: 64 } : { count: 8 }),
  };
}

/**
 * Inputs: `x` [B, Cin, H, W] latents at their noise level (already scaled), `t` [B, modelChannels] the timestep as `timestepEmbedding` gives it,
 * `context` [B, tokens, contextDim], `y` [B, vectorDim] where the network has a vector condition, and `w` [B, guidanceDim] where it reads the
 * guidance scale, as `guidanceEmbedding` gives it.
 * Output: `out` [B, Cout, H, W], the predicted noise or velocity. After ldm openaimodel.py UNetModel.
 */
export function buildUnet(file: WeightFile, config: UnetConfig, size: UnetSize): Graph {
  const { batch, height, width, tokens } = size;
  const g = new Graph('unet');
  const w = new Weights(g, file, config.prefix);
  const x = g.input('x', 'float32', [batch, config.inChannels, height, width]);
  const t = g.input('t', 'float32', [batch, config.modelChannels]);
  const context = g.input('context', 'float32', [batch, tokens, config.contextDim]);

  // Luo et al. 2023 (LCM, arXiv:2310.04378): the guidance scale joins the timestep before the perceptron.
  const time = config.guidanceDim ? add(g, t, linear(g, w.at('time_embed.cond_proj'), g.input('w', 'float32', [batch, config.guidanceDim]))) : t;
  let emb = mlp(g, w.at('time_embed'), time);                                                // [B, E]
  if (config.vectorDim) {
    const y = g.input('y', 'float32', [batch, config.vectorDim]);
    emb = add(g, emb, mlp(g, w.at('label_emb.0'), y));
  }
  const embedded = silu(g, emb);                                                             // every residual block begins so

  const skips: Value[] = [];
  let h = x;
  for (let i = 0; w.has(`input_blocks.${i}`); i++) {
    h = block(g, w.at(`input_blocks.${i}`), h, embedded, context, config.heads);
    skips.push(h);
  }
  h = block(g, w.at('middle_block'), h, embedded, context, config.heads);
  for (let i = 0; w.has(`output_blocks.${i}`); i++) {
    const skip = skips.pop();
    if (!skip) throw new RangeError('the U-Net has more output blocks than input blocks');
    const next = skips.at(-1);
    h = block(g, w.at(`output_blocks.${i}`), concat(g, [h, skip], 1), embedded, context, config.heads, next);
  }
  g.output('out', conv(g, w.at('out.2'), silu(g, groupNorm(g, w.at('out.0'), h))));
  return g;
}

/** One block: its parts in order, each told by the keys that it has. `grown` is the skip tensor whose size an upsampler grows to. */
function block(g: Graph, w: Weights, x: Value, embedded: Value, context: Value, heads: Heads, grown?: Value): Value {
  let h = x;
  for (let j = 0; w.has(j); j++) {
    const part = w.at(j);
    if (part.has('in_layers')) h = resBlock(g, part, h, embedded);
    else if (part.has('transformer_blocks')) h = spatialTransformer(g, part, h, context, heads);
    else if (part.has('op')) h = conv(g, part.at('op'), h, { stride: 2 });
    else if (part.has('conv')) h = grow(g, part, h, grown);
    else h = conv(g, part, h);
  }
  return h;
}

/** Doubles the size, or grows to the skip tensor's where a side was odd (diffusers and ComfyUI resize before the convolution). */
function grow(g: Graph, w: Weights, x: Value, skip: Value | undefined): Value {
  const [, , height, width] = (skip ?? x).dims as [number, number, number, number];
  const scale = skip ? 1 : 2;
  return conv(g, w.at('conv'), upsample(g, x, height * scale, width * scale));
}

/** x [B, Cin, H, W], embedded [B, E] (after SiLU) → [B, Cout, H, W]. */
function resBlock(g: Graph, w: Weights, x: Value, embedded: Value): Value {
  let h = conv(g, w.at('in_layers.2'), silu(g, groupNorm(g, w.at('in_layers.0'), x)));       // [B, Cout, H, W]
  const shift = linear(g, w.at('emb_layers.1'), embedded);                                   // [B, Cout]
  h = add(g, h, reshape(g, shift, [...shift.dims, 1, 1]));
  h = conv(g, w.at('out_layers.3'), silu(g, groupNorm(g, w.at('out_layers.0'), h)));
  return add(g, w.has('skip_connection') ? conv(g, w.at('skip_connection'), x) : x, h);
}

/** x [B, C, H, W], context [B, tokens, D] → [B, C, H, W]. The projections are 1×1 convolutions in SD 1 and linear in SD 2 and SDXL. */
function spatialTransformer(g: Graph, w: Weights, x: Value, context: Value, heads: Heads): Value {
  const [, , height, width] = x.dims as [number, number, number, number];
  const normed = groupNorm(g, w.at('norm'), x, 1e-6);
  let h = linear(g, w.at('proj_in'), toTokens(g, normed));                                   // [B, H·W, C]
  for (let i = 0; w.has(`transformer_blocks.${i}`); i++) h = transformerBlock(g, w.at(`transformer_blocks.${i}`), h, context, heads);
  return add(g, fromTokens(g, linear(g, w.at('proj_out'), h), height, width), x);
}

function transformerBlock(g: Graph, w: Weights, x: Value, context: Value, heads: Heads): Value {
  const own = layerNorm(g, w.at('norm1'), x);
  let h = add(g, crossAttention(g, w.at('attn1'), own, own, heads), x);
  h = add(g, crossAttention(g, w.at('attn2'), layerNorm(g, w.at('norm2'), h), context, heads), h);
  return add(g, feedForward(g, w.at('ff.net'), layerNorm(g, w.at('norm3'), h)), h);
}

/** x [B, L, C] asks, context [B, tokens, D] answers. */
function crossAttention(g: Graph, w: Weights, x: Value, context: Value, heads: Heads): Value {
  const q = linear(g, w.at('to_q'), x);
  const count = 'count' in heads ? heads.count : q.dims[2]! / heads.width;
  return linear(g, w.at('to_out.0'), attention(g, q, linear(g, w.at('to_k'), context), linear(g, w.at('to_v'), context), count));
}

/** GEGLU (Shazeer 2020, arXiv:2002.05202): one projection gives value and gate. */
function feedForward(g: Graph, w: Weights, x: Value): Value {
  const projected = linear(g, w.at('0.proj'), x);                                            // [B, L, 8·C]
  const half = projected.dims[2]! / 2;
  const gated = mul(g, slice(g, projected, 2, 0, half), gelu(g, slice(g, projected, 2, half, 2 * half)));
  return linear(g, w.at('2'), gated);
}

const mlp = (g: Graph, w: Weights, x: Value): Value => linear(g, w.at('2'), silu(g, linear(g, w.at('0'), x)));

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
