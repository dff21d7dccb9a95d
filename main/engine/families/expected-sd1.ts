// The tensors of a Stable Diffusion 1.x checkpoint, name → shape, for any widths and depths. After CompVis stable-diffusion: ldm openaimodel.py
// (U-Net), model.py (autoencoder) and transformers' CLIPTextModel. SD 1.5 itself is `sd15`.
import type { Dims } from '../tensor';

export interface UnetSizes {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly modelChannels: number;
  readonly timeEmbed: number;
  /** One entry a level, from full resolution down. */
  readonly channels: readonly number[];
  readonly resBlocks: number;
  /** Transformer blocks after each res block of a level; 0: no attention there. */
  readonly depths: readonly number[];
  readonly middleDepth: number;
  readonly contextDim: number;
}
export interface TextSizes { readonly width: number; readonly layers: number; readonly mlp: number; readonly vocabulary: number; readonly positions: number }
export interface VaeSizes {
  readonly channels: readonly number[];
  /** Of the encoder; the decoder has one more a level. */
  readonly resBlocks: number;
  readonly latentChannels: number;
  readonly embedChannels: number;
}
export interface Sd1Sizes { readonly unet: UnetSizes; readonly text: TextSizes; readonly vae: VaeSizes }

export const sd15: Sd1Sizes = {
  unet: { inChannels: 4, outChannels: 4, modelChannels: 320, timeEmbed: 1280, channels: [320, 640, 1280, 1280], resBlocks: 2, depths: [1, 1, 1, 0],
    middleDepth: 1, contextDim: 768 },
  text: { width: 768, layers: 12, mlp: 3072, vocabulary: 49408, positions: 77 },
  vae: { channels: [128, 256, 512, 512], resBlocks: 2, latentChannels: 4, embedChannels: 4 },
};

export type Shapes = Map<string, Dims>;

/** All tensors of a checkpoint; `position_ids` and schedules are buffers, which files may have or not. */
export function expectedSd1(sizes: Sd1Sizes, textPrefix = 'cond_stage_model.transformer.text_model.'): Shapes {
  return new Map([...expectedText(sizes.text, textPrefix), ...expectedVae(sizes.vae), ...expectedUnet(sizes.unet)]);
}

/** Adds layers under a growing name. */
class Namer {
  readonly shapes: Shapes;
  readonly prefix: string;
  constructor(shapes: Shapes, prefix: string) { this.shapes = shapes; this.prefix = prefix; }

  at(name: string): Namer { return new Namer(this.shapes, `${this.prefix}${name}.`); }
  set(name: string, ...dims: number[]): this { this.shapes.set(this.prefix + name, dims); return this; }
  conv(name: string, cin: number, cout: number, k = 3): this { return this.set(`${name}.weight`, cout, cin, k, k).set(`${name}.bias`, cout); }
  linear(name: string, cin: number, cout: number): this { return this.set(`${name}.weight`, cout, cin).set(`${name}.bias`, cout); }
  norm(name: string, c: number): this { return this.set(`${name}.weight`, c).set(`${name}.bias`, c); }
}

export function expectedUnet(s: UnetSizes, prefix = 'model.diffusion_model.'): Shapes {
  const g = new Namer(new Map(), prefix);
  g.linear('time_embed.0', s.modelChannels, s.timeEmbed).linear('time_embed.2', s.timeEmbed, s.timeEmbed);
  g.conv('input_blocks.0.0', s.inChannels, s.modelChannels);
  const skips = [s.modelChannels];
  let block = 1, c = s.modelChannels;
  s.channels.forEach((width, level) => {
    for (let i = 0; i < s.resBlocks; i++, block++) {
      resBlock(g.at(`input_blocks.${block}.0`), c, width, s.timeEmbed);
      transformer(g.at(`input_blocks.${block}.1`), width, s.contextDim, s.depths[level]!);
      skips.push(c = width);
    }
    if (level + 1 < s.channels.length) {
      g.conv(`input_blocks.${block++}.0.op`, c, c);
      skips.push(c);
    }
  });
  resBlock(g.at('middle_block.0'), c, c, s.timeEmbed);
  transformer(g.at('middle_block.1'), c, s.contextDim, s.middleDepth);
  resBlock(g.at('middle_block.2'), c, c, s.timeEmbed);
  block = 0;
  for (let level = s.channels.length - 1; level >= 0; level--) {
    const width = s.channels[level]!, depth = s.depths[level]!;
    for (let i = 0; i <= s.resBlocks; i++, block++) {
      resBlock(g.at(`output_blocks.${block}.0`), c + skips.pop()!, width, s.timeEmbed);
      transformer(g.at(`output_blocks.${block}.1`), width, s.contextDim, depth);
      c = width;
      if (level > 0 && i === s.resBlocks) g.conv(`output_blocks.${block}.${depth > 0 ? 2 : 1}.conv`, c, c);
    }
  }
  return g.norm('out.0', c).conv('out.2', c, s.outChannels).shapes;
}

function resBlock(g: Namer, cin: number, cout: number, timeEmbed: number): void {
  g.norm('in_layers.0', cin).conv('in_layers.2', cin, cout).linear('emb_layers.1', timeEmbed, cout);
  g.norm('out_layers.0', cout).conv('out_layers.3', cout, cout);
  if (cin !== cout) g.conv('skip_connection', cin, cout, 1);
}

function transformer(g: Namer, c: number, contextDim: number, depth: number): void {
  if (depth === 0) return;
  g.norm('norm', c).conv('proj_in', c, c, 1);
  for (let i = 0; i < depth; i++) {
    const b = g.at(`transformer_blocks.${i}`);
    for (const [name, source] of [['attn1', c], ['attn2', contextDim]] as const) {
      b.set(`${name}.to_q.weight`, c, c).set(`${name}.to_k.weight`, c, source).set(`${name}.to_v.weight`, c, source).linear(`${name}.to_out.0`, c, c);
    }
    b.linear('ff.net.0.proj', c, 8 * c).linear('ff.net.2', 4 * c, c);                   // GEGLU: value and gate, 4c each
    b.norm('norm1', c).norm('norm2', c).norm('norm3', c);
  }
  g.conv('proj_out', c, c, 1);
}

export function expectedText(s: TextSizes, prefix: string): Shapes {
  const g = new Namer(new Map(), prefix);
  g.set('embeddings.token_embedding.weight', s.vocabulary, s.width).set('embeddings.position_embedding.weight', s.positions, s.width);
  for (let i = 0; i < s.layers; i++) {
    const layer = g.at(`encoder.layers.${i}`);
    for (const name of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) layer.linear(`self_attn.${name}`, s.width, s.width);
    layer.norm('layer_norm1', s.width).norm('layer_norm2', s.width).linear('mlp.fc1', s.width, s.mlp).linear('mlp.fc2', s.mlp, s.width);
  }
  return g.norm('final_layer_norm', s.width).shapes;
}

export function expectedVae(s: VaeSizes, prefix = 'first_stage_model.'): Shapes {
  const g = new Namer(new Map(), prefix);
  const first = s.channels[0]!, last = s.channels.at(-1)!;
  const encoder = g.at('encoder').conv('conv_in', 3, first);
  let c = first;
  s.channels.forEach((width, level) => {
    for (let i = 0; i < s.resBlocks; i++, c = width) vaeBlock(encoder.at(`down.${level}.block.${i}`), c, width);
    if (level + 1 < s.channels.length) encoder.conv(`down.${level}.downsample.conv`, c, c);
  });
  vaeMiddle(encoder, last);
  encoder.norm('norm_out', last).conv('conv_out', last, 2 * s.latentChannels);         // mean and log-variance
  const decoder = g.at('decoder').conv('conv_in', s.latentChannels, last);
  vaeMiddle(decoder, last);
  c = last;
  for (let level = s.channels.length - 1; level >= 0; level--) {
    const width = s.channels[level]!;
    for (let i = 0; i <= s.resBlocks; i++, c = width) vaeBlock(decoder.at(`up.${level}.block.${i}`), c, width);
    if (level > 0) decoder.conv(`up.${level}.upsample.conv`, c, c);
  }
  decoder.norm('norm_out', first).conv('conv_out', first, 3);
  return g.conv('quant_conv', 2 * s.latentChannels, 2 * s.embedChannels, 1).conv('post_quant_conv', s.embedChannels, s.latentChannels, 1).shapes;
}

function vaeBlock(g: Namer, cin: number, cout: number): void {
  g.norm('norm1', cin).conv('conv1', cin, cout).norm('norm2', cout).conv('conv2', cout, cout);
  if (cin !== cout) g.conv('nin_shortcut', cin, cout, 1);
}

function vaeMiddle(g: Namer, c: number): void {
  vaeBlock(g.at('mid.block_1'), c, c);
  const attention = g.at('mid.attn_1').norm('norm', c);
  for (const name of ['q', 'k', 'v', 'proj_out']) attention.conv(name, c, c, 1);
  vaeBlock(g.at('mid.block_2'), c, c);
}
