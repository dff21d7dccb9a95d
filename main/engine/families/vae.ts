// The KL autoencoder of Stable Diffusion in the LDM layout: pictures to latents (mean and log-variance) and back. Factor 8 in SD 1 to SDXL.
import { Graph, type Value } from '../graph/graph';
import type { Hooks } from '../graph/hooks';
import { add, attention, block, conv, fromTokens, groupNorm, linear, silu, toTokens, upsample } from '../nn/layers';
import { Weights, type WeightSource } from '../nn/weights';
import type { WeightFile } from '../weights/source';
import { partOf, vaeSizes, type VaeSizes } from './sizes';

export interface VaeConfig extends VaeSizes {
  /** 'first_stage_model', or '' for a VAE file of its own. */
  readonly prefix: string;
  /** Picture pixels per latent, e.g. 8: one halving between levels. */
  readonly factor: number;
}

/** One run's, in pixels of the picture for the encoder and of the latents for the decoder. */
interface Shape { readonly batch: number; readonly height: number; readonly width: number }

const EPSILON = 1e-6;

export function vaeConfig(file: WeightFile, prefix = 'first_stage_model'): VaeConfig | undefined {
  const sizes = vaeSizes(partOf(file, prefix && `${prefix}.`));
  return sizes ? vaeConfigOf(sizes, prefix) : undefined;
}

export const vaeConfigOf = (sizes: VaeSizes, prefix: string): VaeConfig => ({ ...sizes, prefix, factor: 2 ** (sizes.channels.length - 1) });

/** Input `latents` [B, 4, H/8, W/8], already divided by the scale. Output `image` [B, 3, H, W], about −1…1, not clamped. */
export function buildVaeDecoder(source: WeightSource, config: VaeConfig, { batch, height, width }: Shape, hooks: Hooks = {}): Graph {
  const { channels, resBlocks, latentChannels, embedChannels } = config;
  const g = new Graph('vae_decoder', hooks);
  const root = new Weights(g, source, config.prefix), w = root.at('decoder');
  const latents = g.input('latents', 'float32', [batch, embedChannels, height, width]);
  let h = conv(g, w.at('conv_in'), conv(g, root.at('post_quant_conv'), latents, latentChannels, { kernel: 1 }), channels.at(-1)!);
  h = middle(g, w.at('mid'), h);
  for (let level = channels.length - 1; level >= 0; level--) {                               // level 0 is the picture's own size
    const up = w.at(`up.${level}`);
    for (let j = 0; j <= resBlocks; j++) h = resnet(g, up.at(`block.${j}`), h, channels[level]!);
    if (level > 0) h = conv(g, up.at('upsample.conv'), upsample(g, h, h.dims[2]! * 2, h.dims[3]! * 2), channels[level]!);
  }
  g.output('image', conv(g, w.at('conv_out'), silu(g, groupNorm(g, w.at('norm_out'), h, EPSILON)), 3));
  return g;
}

/** Input `image` [B, 3, H, W] in −1…1. Output `moments` [B, 8, H/8, W/8]: mean, then log-variance, unscaled and unclamped. */
export function buildVaeEncoder(source: WeightSource, config: VaeConfig, { batch, height, width }: Shape, hooks: Hooks = {}): Graph {
  const { channels, resBlocks, latentChannels, embedChannels } = config;
  const g = new Graph('vae_encoder', hooks);
  const root = new Weights(g, source, config.prefix), w = root.at('encoder');
  let h = conv(g, w.at('conv_in'), g.input('image', 'float32', [batch, 3, height, width]), channels[0]!);
  channels.forEach((cout, level) => {
    const down = w.at(`down.${level}`);
    for (let j = 0; j < resBlocks; j++) h = resnet(g, down.at(`block.${j}`), h, cout);
    if (level + 1 < channels.length) h = conv(g, down.at('downsample.conv'), h, cout, { stride: 2, pads: [0, 0, 1, 1] });
  });
  h = middle(g, w.at('mid'), h);
  h = conv(g, w.at('conv_out'), silu(g, groupNorm(g, w.at('norm_out'), h, EPSILON)), 2 * latentChannels);
  g.output('moments', conv(g, root.at('quant_conv'), h, 2 * embedChannels, { kernel: 1 }));
  return g;
}

function middle(g: Graph, w: Weights, x: Value): Value {
  const width = x.dims[1]!;
  return resnet(g, w.at('block_2'), selfAttention(g, w.at('attn_1'), resnet(g, w.at('block_1'), x, width)), width);
}

/** x [B, Cin, H, W] → [B, Cout, H, W]. */
function resnet(g: Graph, w: Weights, x: Value, cout: number): Value {
  return block(g, w, () => {
    let h = conv(g, w.at('conv1'), silu(g, groupNorm(g, w.at('norm1'), x, EPSILON)), cout);
    h = conv(g, w.at('conv2'), silu(g, groupNorm(g, w.at('norm2'), h, EPSILON)), cout);
    return add(g, x.dims[1] === cout ? x : conv(g, w.at('nin_shortcut'), x, cout, { kernel: 1 }), h);
  });
}

/** One head over all positions; the projections are stored as 1×1 convolutions. */
function selfAttention(g: Graph, w: Weights, x: Value): Value {
  const [, c, height, width] = x.dims as [number, number, number, number], stored = { as1x1: true };
  return g.within(w.path, () => {
    const tokens = toTokens(g, groupNorm(g, w.at('norm'), x, EPSILON));
    const [q, k, v] = ['q', 'k', 'v'].map((name) => linear(g, w.at(name), tokens, c, stored)) as [Value, Value, Value];
    return add(g, x, fromTokens(g, linear(g, w.at('proj_out'), attention(g, { path: w.path, q, k, v, heads: 1 }), c, stored), height, width));
  });
}
