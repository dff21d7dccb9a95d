// The U-Net of Stable Diffusion in the LDM layout, built from its sizes. Its code reads like the checkpoint's keys.
import { Graph, type Value } from '../graph/graph';
import type { Hooks } from '../graph/hooks';
import { add, block, concat, conv, groupNorm, linear, silu, upsample } from '../nn/layers';
import { Weights, type WeightSource } from '../nn/weights';
import { float32, type Tensor } from '../tensor';
import type { WeightFile } from '../weights/source';
import { partOf, unetSizes, type UnetSizes } from './sizes';
import { buildEncoder, mlp, resAndTransformer, spreadDepths, type Heads, type Told } from './unet-blocks';

export type { Heads } from './unet-blocks';

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

  const { skips, middle } = buildEncoder(g, w, x, input, told);

  let h = middle, n = 0;
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

/** An input block's output as the output block at `path` reads it. */
const skipped = (g: Graph, { path }: Weights, skip: Value): Value => g.within(path, () => g.hooks.block?.(g, { path, role: 'skip' }, skip) ?? skip);

/** Doubles the size, or grows to the next skip tensor's where a side was odd (diffusers and ComfyUI resize before the convolution). */
function grow(g: Graph, w: Weights, x: Value, { dims: [, , height, width] }: Value): Value {
  return conv(g, w.at('conv'), upsample(g, x, height!, width!), x.dims[1]!);
}

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
