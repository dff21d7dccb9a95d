// The KL autoencoder of Stable Diffusion in the LDM layout: pictures to latents (mean and log-variance) and back. Factor 8 in SD 1 to SDXL.
import { Graph, type Value } from '../graph/graph';
import type { Hooks } from '../graph/hooks';
import { add, attention, block, conv, fromTokens, groupNorm, linear, mul, reshape, silu, toTokens, upsample } from '../nn/layers';
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

/**
 * Input `latents` [B, 4, H/8, W/8], already divided by the scale. Output `image` [B, 3, H, W], about −1…1, not clamped. `only: 'low'`: its first part alone, whose
 * output `low` buildVaeDecoderLarge reads.
 */
export function buildVaeDecoder(source: WeightSource, config: VaeConfig, { batch, height, width }: Shape, hooks: Hooks = {}, only?: 'low'): Graph {
  const { channels, resBlocks, latentChannels, embedChannels } = config;
  const g = new Graph('vae_decoder', hooks);
  const root = new Weights(g, source, config.prefix), w = root.at('decoder');
  const latents = g.input('latents', 'float32', [batch, embedChannels, height, width]), last = channels.length - 1;
  let h = conv(g, w.at('conv_in'), conv(g, root.at('post_quant_conv'), latents, latentChannels, { kernel: 1 }), channels.at(-1)!);
  h = upwards(g, w, middle(g, w.at('mid'), h), { channels, resBlocks, from: last, to: only === 'low' ? largeLevels(config) : 0 });
  if (only === 'low') g.output('low', h);
  else g.output('image', finished(g, w, h));
  return g;
}

/**
 * The rest behind its first part (`only: 'low'`), for a piece of it. Input `low` [B, C, h, w], of the whole or of pieces; output `image` [B, 3, f·h, f·w], where
 * f = 2^largeLevels.
 */
export function buildVaeDecoderLarge(source: WeightSource, config: VaeConfig, { batch, height, width }: Shape, norms: Norms): Graph {
  const { channels, resBlocks } = config, large = largeLevels(config);
  const g = new Graph('vae_decoder_large'), w = new Weights(g, source, config.prefix).at('decoder'), norm = normOf(g, norms);
  const low = g.input('low', 'float32', [batch, channels[large]!, height, width]);
  const first = conv(g, w.at(`up.${large}.upsample.conv`), upsample(g, low, 2 * height, 2 * width), channels[large]!);
  g.output('image', finished(g, w, upwards(g, w, first, { channels, resBlocks, from: large - 1, to: 0, norm }), norm));
  return g;
}

/** How many levels, of those nearest to the picture's own size, are evaluated in pieces: they are what takes memory. */
export const largeLevels = ({ channels }: VaeSizes): number => Math.min(2, channels.length - 1);

interface Levels { readonly channels: readonly number[]; readonly resBlocks: number; readonly from: number; readonly to: number; readonly norm?: Norm }

/** Level 0 is the picture's own size. The upsampling behind level `to` is left to whoever goes on. */
function upwards(g: Graph, w: Weights, x: Value, { channels, resBlocks, from, to, norm }: Levels): Value {
  let h = x;
  for (let level = from; level >= to; level--) {
    const up = w.at(`up.${level}`);
    for (let j = 0; j <= resBlocks; j++) h = resnet(g, up.at(`block.${j}`), h, channels[level]!, norm);
    if (level > to) h = conv(g, up.at('upsample.conv'), upsample(g, h, h.dims[2]! * 2, h.dims[3]! * 2), channels[level]!);
  }
  return h;
}

const finished = (g: Graph, w: Weights, h: Value, norm = wholeNorm(g)): Value => conv(g, w.at('conv_out'), silu(g, norm(w.at('norm_out'), h)), 3);

type Norm = (w: Weights, x: Value) => Value;
const wholeNorm = (g: Graph): Norm => (w, x) => groupNorm(g, w, x, EPSILON);

/**
 * What group norms take for the picture's mean and variance where they see pieces of it. 'measured': those of all pieces together, which are outputs `mean.i` and
 * `variance.i` [1, 32, 1] of the i-th norm; 'given': inputs of these names.
 */
export type Norms = 'measured' | 'given';

function normOf(g: Graph, norms: Norms): Norm {
  let i = 0;
  return (w, x) => {
    const [batch, channels, height, width] = x.dims as [number, number, number, number], name = i++;
    const told = { scale: w.tensor('weight', [channels]), bias: w.tensor('bias', [channels]) }, perGroup = [1, 32, 1];
    return g.within(w.path, () => {
      const grouped = reshape(g, x, [batch, 32, (channels / 32) * height * width]);
      const mean = norms === 'given' ? g.input(`mean.${name}`, 'float32', perGroup) : g.apply('ReduceMean', [grouped], { axes: [0, 2] });
      const variance = norms === 'given' ? g.input(`variance.${name}`, 'float32', perGroup) : spread(g, grouped, mean);
      if (norms === 'measured') { g.output(`mean.${name}`, mean); g.output(`variance.${name}`, variance); }
      // γ·(x − μ)/σ + β as one factor and one shift a channel, so that no more than two values of x's size are made.
      const deviation = g.apply('Sqrt', [add(g, variance, g.scalar(EPSILON))]), groups = [32, channels / 32];
      const factor = g.apply('Div', [reshape(g, told.scale, groups), reshape(g, deviation, [32, 1])]);
      const shift = g.apply('Sub', [reshape(g, told.bias, groups), mul(g, factor, reshape(g, mean, [32, 1]))]);
      return add(g, mul(g, x, reshape(g, factor, [channels, 1, 1])), reshape(g, shift, [channels, 1, 1]));
    });
  };
}

function spread(g: Graph, grouped: Value, mean: Value): Value {
  const centred = g.apply('Sub', [grouped, mean]);
  return g.apply('ReduceMean', [mul(g, centred, centred)], { axes: [0, 2] });
}

/**
 * Input `image` [B, 3, H, W] in −1…1. Output `moments` [B, 8, H/8, W/8]: mean, then log-variance, unscaled and unclamped. `only: 'low'`: its second part alone, which
 * reads `low` as buildVaeEncoderLarge makes it, in the size of that.
 */
export function buildVaeEncoder(source: WeightSource, config: VaeConfig, { batch, height, width }: Shape, hooks: Hooks = {}, only?: 'low'): Graph {
  const { channels, resBlocks, latentChannels, embedChannels } = config;
  const g = new Graph('vae_encoder', hooks);
  const root = new Weights(g, source, config.prefix), w = root.at('encoder'), first = only === 'low' ? largeLevels(config) : 0, name = only ?? 'image';
  let h = g.input(name, 'float32', [batch, only === 'low' ? channels[first - 1]! : 3, height, width]);
  if (first === 0) h = conv(g, w.at('conv_in'), h, channels[0]!);
  h = downwards(g, w, h, { channels, resBlocks, from: first, to: channels.length });
  h = middle(g, w.at('mid'), h);
  h = conv(g, w.at('conv_out'), silu(g, groupNorm(g, w.at('norm_out'), h, EPSILON)), 2 * latentChannels);
  g.output('moments', conv(g, root.at('quant_conv'), h, 2 * embedChannels, { kernel: 1 }));
  return g;
}

/** Its first part, for a piece of the picture. Input `image` [B, 3, H, W], sides multiples of f = 2^largeLevels. Output `low` [B, C, H/f, W/f]. */
export function buildVaeEncoderLarge(source: WeightSource, config: VaeConfig, { batch, height, width }: Shape, norms: Norms): Graph {
  const { channels, resBlocks } = config;
  const g = new Graph('vae_encoder_large'), w = new Weights(g, source, config.prefix).at('encoder');
  const h = conv(g, w.at('conv_in'), g.input('image', 'float32', [batch, 3, height, width]), channels[0]!);
  g.output('low', downwards(g, w, h, { channels, resBlocks, from: 0, to: largeLevels(config), norm: normOf(g, norms) }));
  return g;
}

function downwards(g: Graph, w: Weights, x: Value, { channels, resBlocks, from, to, norm }: Levels): Value {
  let h = x;
  for (let level = from; level < to; level++) {
    const down = w.at(`down.${level}`);
    for (let j = 0; j < resBlocks; j++) h = resnet(g, down.at(`block.${j}`), h, channels[level]!, norm);
    if (level + 1 < channels.length) h = conv(g, down.at('downsample.conv'), h, channels[level]!, { stride: 2, pads: [0, 0, 1, 1] });
  }
  return h;
}

function middle(g: Graph, w: Weights, x: Value): Value {
  const width = x.dims[1]!;
  return resnet(g, w.at('block_2'), selfAttention(g, w.at('attn_1'), resnet(g, w.at('block_1'), x, width)), width);
}

/** x [B, Cin, H, W] → [B, Cout, H, W]. */
function resnet(g: Graph, w: Weights, x: Value, cout: number, norm = wholeNorm(g)): Value {
  return block(g, w, () => {
    let h = conv(g, w.at('conv1'), silu(g, norm(w.at('norm1'), x)), cout);
    h = conv(g, w.at('conv2'), silu(g, norm(w.at('norm2'), h)), cout);
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
