// The KL autoencoder of Stable Diffusion in the LDM layout: pictures to latents (mean and log-variance) and back. Factor 8 in SD 1 to SDXL.
import { Graph, type Value } from '../graph/graph';
import { add, attention, conv, fromTokens, groupNorm, linear, silu, toTokens, upsample } from '../nn/layers';
import { Weights } from '../nn/weights';
import type { WeightFile } from '../weights/source';

export interface VaeConfig {
  /** 'first_stage_model', or '' for a VAE file of its own. */
  readonly prefix: string;
  readonly latentChannels: number;
  /** Picture pixels per latent, e.g. 8: one halving per downsampler. */
  readonly factor: number;
}

const EPSILON = 1e-6;

export function vaeConfig(file: WeightFile, prefix = 'first_stage_model'): VaeConfig | undefined {
  const dot = prefix ? `${prefix}.` : '';
  const first = file.tensors.get(`${dot}decoder.conv_in.weight`)?.shape;
  if (!first) return undefined;
  let halvings = 0;
  for (let i = 0; file.tensors.has(`${dot}decoder.up.${i}.block.0.conv1.weight`); i++) {
    if (file.tensors.has(`${dot}decoder.up.${i}.upsample.conv.weight`)) halvings++;
  }
  return { prefix, latentChannels: first[1]!, factor: 2 ** halvings };
}

/** Input `latents` [B, 4, H/8, W/8], already divided by the scale. Output `image` [B, 3, H, W], about −1…1, not clamped. */
export function buildVaeDecoder(file: WeightFile, config: VaeConfig, { batch, height, width }: { batch: number; height: number; width: number }): Graph {
  const g = new Graph('vae_decoder');
  const root = new Weights(g, file, config.prefix);
  const w = root.at('decoder');
  const latents = g.input('latents', 'float32', [batch, config.latentChannels, height, width]);
  let h = conv(g, w.at('conv_in'), root.has('post_quant_conv') ? conv(g, root.at('post_quant_conv'), latents) : latents);
  h = middle(g, w.at('mid'), h);
  for (let i = levels(w.at('up')) - 1; i >= 0; i--) {                                        // level 0 is the picture's own size
    const up = w.at(`up.${i}`);
    for (let j = 0; up.has(`block.${j}`); j++) h = resnet(g, up.at(`block.${j}`), h);
    if (up.has('upsample')) h = conv(g, up.at('upsample.conv'), upsample(g, h, h.dims[2]! * 2, h.dims[3]! * 2));
  }
  g.output('image', conv(g, w.at('conv_out'), silu(g, groupNorm(g, w.at('norm_out'), h, EPSILON))));
  return g;
}

/** Input `image` [B, 3, H, W] in −1…1. Output `moments` [B, 8, H/8, W/8]: mean, then log-variance, unscaled and unclamped. */
export function buildVaeEncoder(file: WeightFile, config: VaeConfig, { batch, height, width }: { batch: number; height: number; width: number }): Graph {
  const g = new Graph('vae_encoder');
  const root = new Weights(g, file, config.prefix);
  const w = root.at('encoder');
  let h = conv(g, w.at('conv_in'), g.input('image', 'float32', [batch, 3, height, width]));
  for (let i = 0; i < levels(w.at('down')); i++) {
    const down = w.at(`down.${i}`);
    for (let j = 0; down.has(`block.${j}`); j++) h = resnet(g, down.at(`block.${j}`), h);
    if (down.has('downsample')) h = conv(g, down.at('downsample.conv'), h, { stride: 2, pads: [0, 0, 1, 1] });
  }
  h = middle(g, w.at('mid'), h);
  h = conv(g, w.at('conv_out'), silu(g, groupNorm(g, w.at('norm_out'), h, EPSILON)));
  g.output('moments', root.has('quant_conv') ? conv(g, root.at('quant_conv'), h) : h);
  return g;
}

function levels(w: Weights): number {
  let n = 0;
  while (w.has(n)) n++;
  return n;
}

function middle(g: Graph, w: Weights, x: Value): Value {
  const h = resnet(g, w.at('block_1'), x);
  return resnet(g, w.at('block_2'), w.has('attn_1') ? selfAttention(g, w.at('attn_1'), h) : h);
}

/** x [B, Cin, H, W] → [B, Cout, H, W]. */
function resnet(g: Graph, w: Weights, x: Value): Value {
  let h = conv(g, w.at('conv1'), silu(g, groupNorm(g, w.at('norm1'), x, EPSILON)));
  h = conv(g, w.at('conv2'), silu(g, groupNorm(g, w.at('norm2'), h, EPSILON)));
  return add(g, w.has('nin_shortcut') ? conv(g, w.at('nin_shortcut'), x) : x, h);
}

/** One head over all positions; the projections are stored as 1×1 convolutions. */
function selfAttention(g: Graph, w: Weights, x: Value): Value {
  const [, , height, width] = x.dims as [number, number, number, number];
  const tokens = toTokens(g, groupNorm(g, w.at('norm'), x, EPSILON));
  const mixed = attention(g, linear(g, w.at('q'), tokens), linear(g, w.at('k'), tokens), linear(g, w.at('v'), tokens), 1);
  return add(g, x, fromTokens(g, linear(g, w.at('proj_out'), mixed), height, width));
}
