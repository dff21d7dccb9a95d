// The tensors of the families' networks, name → shape, for any widths and depths. After CompVis stable-diffusion and Stability's generative-models:
// ldm openaimodel.py (U-Net), model.py (autoencoder); transformers' CLIPTextModel; open_clip's text transformer.
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
  /** Where a pruned SDXL has other depths from block to block: of every input res block in order, and of every output block. */
  readonly blockDepths?: { readonly input: readonly number[]; readonly output: readonly number[] };
  /** 0: the middle is one res block without attention (pruned SDXL). */
  readonly middleDepth: number;
  readonly contextDim: number;
  /** SD 2 and SDXL project into their transformers with linear layers, SD 1 with 1×1 convolutions. */
  readonly linear?: boolean;
  /** Width of the vector condition (SDXL). */
  readonly vectorDim?: number;
  /** Width of the embedded guidance scale (LCM). */
  readonly guidanceDim?: number;
}
/** `projection`: width of the pooled vector, where the tower is asked for one. */
export interface TextSizes { readonly projection?: number; readonly width: number; readonly layers: number; readonly mlp: number; readonly vocabulary: number; readonly positions: number }
export interface VaeSizes {
  readonly channels: readonly number[];
  /** Of the encoder; the decoder has one more a level. */
  readonly resBlocks: number;
  readonly latentChannels: number;
  readonly embedChannels: number;
}
export type Shapes = Map<string, Dims>;

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
  const { input, output } = s.blockDepths ?? spreadDepths(s);
  g.linear('time_embed.0', s.modelChannels, s.timeEmbed).linear('time_embed.2', s.timeEmbed, s.timeEmbed);
  if (s.guidanceDim) g.set('time_embed.cond_proj.weight', s.modelChannels, s.guidanceDim);
  if (s.vectorDim) g.linear('label_emb.0.0', s.vectorDim, s.timeEmbed).linear('label_emb.0.2', s.timeEmbed, s.timeEmbed);
  g.conv('input_blocks.0.0', s.inChannels, s.modelChannels);
  const skips = [s.modelChannels];
  let block = 1, c = s.modelChannels;
  s.channels.forEach((width, level) => {
    for (let i = 0; i < s.resBlocks; i++, block++) {
      resBlock(g.at(`input_blocks.${block}.0`), c, width, s.timeEmbed);
      transformer(g.at(`input_blocks.${block}.1`), s, width, input[level * s.resBlocks + i]!);
      skips.push(c = width);
    }
    if (level + 1 < s.channels.length) {
      g.conv(`input_blocks.${block++}.0.op`, c, c);
      skips.push(c);
    }
  });
  resBlock(g.at('middle_block.0'), c, c, s.timeEmbed);
  transformer(g.at('middle_block.1'), s, c, s.middleDepth);
  if (s.middleDepth > 0) resBlock(g.at('middle_block.2'), c, c, s.timeEmbed);
  block = 0;
  for (let level = s.channels.length - 1; level >= 0; level--) {
    const width = s.channels[level]!;
    for (let i = 0; i <= s.resBlocks; i++, block++) {
      const depth = output[block]!;
      resBlock(g.at(`output_blocks.${block}.0`), c + skips.pop()!, width, s.timeEmbed);
      transformer(g.at(`output_blocks.${block}.1`), s, width, depth);
      c = width;
      if (level > 0 && i === s.resBlocks) g.conv(`output_blocks.${block}.${depth > 0 ? 2 : 1}.conv`, c, c);
    }
  }
  return g.norm('out.0', c).conv('out.2', c, s.outChannels).shapes;
}

/** The same depth in all blocks of a level. */
function spreadDepths({ depths, resBlocks }: UnetSizes): { input: number[]; output: number[] } {
  const times = (n: number) => (depth: number): number[] => Array<number>(n).fill(depth);
  return { input: depths.flatMap(times(resBlocks)), output: depths.toReversed().flatMap(times(resBlocks + 1)) };
}

function resBlock(g: Namer, cin: number, cout: number, timeEmbed: number): void {
  g.norm('in_layers.0', cin).conv('in_layers.2', cin, cout).linear('emb_layers.1', timeEmbed, cout);
  g.norm('out_layers.0', cout).conv('out_layers.3', cout, cout);
  if (cin !== cout) g.conv('skip_connection', cin, cout, 1);
}

function transformer(g: Namer, { contextDim, linear }: UnetSizes, c: number, depth: number): void {
  if (depth === 0) return;
  const project = (name: string): unknown => (linear ? g.linear(name, c, c) : g.conv(name, c, c, 1));
  g.norm('norm', c);
  project('proj_in');
  for (let i = 0; i < depth; i++) {
    const b = g.at(`transformer_blocks.${i}`);
    for (const [name, source] of [['attn1', c], ['attn2', contextDim]] as const) {
      b.set(`${name}.to_q.weight`, c, c).set(`${name}.to_k.weight`, c, source).set(`${name}.to_v.weight`, c, source).linear(`${name}.to_out.0`, c, c);
    }
    b.linear('ff.net.0.proj', c, 8 * c).linear('ff.net.2', 4 * c, c);                   // GEGLU: value and gate, 4c each
    b.norm('norm1', c).norm('norm2', c).norm('norm3', c);
  }
  project('proj_out');
}

/** In transformers' names a tower's projection stands beside 'text_model.', with which `prefix` then ends. */
export const convertedProjection = (prefix: string): string => `${prefix.replace(/text_model\.$/, '')}text_projection.weight`;

export function expectedText(s: TextSizes, prefix: string): Shapes {
  const g = new Namer(new Map(), prefix);
  g.set('embeddings.token_embedding.weight', s.vocabulary, s.width).set('embeddings.position_embedding.weight', s.positions, s.width);
  for (let i = 0; i < s.layers; i++) {
    const layer = g.at(`encoder.layers.${i}`);
    for (const name of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) layer.linear(`self_attn.${name}`, s.width, s.width);
    layer.norm('layer_norm1', s.width).norm('layer_norm2', s.width).linear('mlp.fc1', s.width, s.mlp).linear('mlp.fc2', s.mlp, s.width);
  }
  g.norm('final_layer_norm', s.width);
  if (s.projection) g.shapes.set(convertedProjection(prefix), [s.projection, s.width]);
  return g.shapes;
}

/** In OpenCLIP's names. */
export function expectedOpenClip(s: TextSizes, prefix: string): Shapes {
  const g = new Namer(new Map(), prefix);
  g.set('token_embedding.weight', s.vocabulary, s.width).set('positional_embedding', s.positions, s.width);
  for (let i = 0; i < s.layers; i++) {
    const layer = g.at(`transformer.resblocks.${i}`);
    layer.set('attn.in_proj_weight', 3 * s.width, s.width).set('attn.in_proj_bias', 3 * s.width).linear('attn.out_proj', s.width, s.width);
    layer.norm('ln_1', s.width).norm('ln_2', s.width).linear('mlp.c_fc', s.width, s.mlp).linear('mlp.c_proj', s.mlp, s.width);
  }
  g.norm('ln_final', s.width);
  if (s.projection) g.set('text_projection', s.width, s.projection);
  return g.shapes;
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
