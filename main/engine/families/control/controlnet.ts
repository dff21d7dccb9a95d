// ControlNet: a copy of the U-Net's first half that reads a picture, and adds to the U-Net's skips and middle through convolutions that began at zero.
// Zhang et al. 2023, arXiv:2302.05543; lllyasviel/ControlNet cldm.py. With xinsir's union of several kinds in one file (ControlNet++, github.com/xinsir6).
import { AppError } from '../../errors';
import { Graph, type Value } from '../../graph/graph';
import type { Hooks } from '../../graph/hooks';
import { add, attention, conv, layerNorm, linear, packedLinear, quickGelu, reshape, silu } from '../../nn/layers';
import { Weights, WeightRecord, type WeightSource } from '../../nn/weights';
import { sizeOf } from '../../tensor';
import type { WeightFile } from '../../weights/source';
import { partOf, unetSizes, type Part } from '../sizes';
import { unetConfigOf, type Heads, type UnetConfig, type UnetShape } from '../unet';
import { buildEncoder, mlp, spreadDepths } from '../unet-blocks';
import { BASE, CONTROL } from './controlnet-file';

export interface ControlNetConfig extends UnetConfig {
  readonly hintChannels: number;
  /** Kinds of control that one network was trained on, told by a number; 0 where it knows but its own. */
  readonly kinds: number;
}

/** `file`: as `controlNetFile` gives it. undefined where it is no ControlNet of a U-Net. */
export function controlNetConfig(file: WeightFile, heads?: Heads): ControlNetConfig | undefined {
  const part = partOf(file, `${CONTROL}.`), sizes = unetSizes(withProducts(part), { contextDim: 0 });
  const hint = part.get('input_hint_block.0.weight');
  return sizes && hint ? { ...unetConfigOf(sizes, CONTROL, heads), hintChannels: hint[1]!, kinds: part.get('task_embedding')?.[0] ?? 0 } : undefined;
}

/** Where a weight is there as `up` and `down` alone, as the weight that they make. */
function withProducts(part: Part): Part {
  const shapes = new Map(part);
  for (const [name, up] of part) {
    const layer = /^(.+)\.up$/.exec(name)?.[1], down = layer === undefined ? undefined : part.get(`${layer}.down`);
    if (layer !== undefined && down && !shapes.has(`${layer}.weight`)) shapes.set(`${layer}.weight`, [up[0]!, ...down.slice(1)]);
  }
  return shapes;
}

/**
 * Input: `hint` [B, hintChannels, 8·H, 8·W] in 0…1, and of a union `kind` int64 [1].
 * Output: `features` [B, modelChannels, H, W], which stay the same at every step.
 */
export function buildControlHint(source: WeightSource, config: ControlNetConfig, { batch, height, width }: Omit<UnetShape, 'tokens'>, hasKind = false): Graph {
  const g = new Graph('control_hint'), w = new Weights(g, source, config.prefix);
  let h = g.input('hint', 'float32', [batch, config.hintChannels, 8 * height, 8 * width]);
  hintLayers.forEach(([channels, stride], i) => { h = conv(g, w.at(`input_hint_block.${2 * i}`), i > 0 ? silu(g, h) : h, channels || config.modelChannels, { stride }); });
  g.output('features', hasKind ? markedWithKind(g, w, h, config) : h);
  return g;
}

/** Outputs of each convolution, 0 for the U-Net's width, and its stride. */
const hintLayers: readonly (readonly [channels: number, stride: number])[] = [[16, 1], [16, 1], [32, 2], [32, 1], [96, 2], [96, 1], [256, 2], [0, 1]];

/** h [B, C, H, W] → the same, each channel moved by what a transformer makes of its mean and of the kind of control. Spelled as in the files. */
function markedWithKind(g: Graph, w: Weights, h: Value, { modelChannels: c, kinds }: ControlNetConfig): Value {
  const batch = h.dims[0]!, table = w.tensor('task_embedding', [kinds, c]);
  const mean = reshape(g, g.apply('ReduceMean', [h], { axes: [2, 3] }), [batch, 1, c]);
  let x = add(g, mean, reshape(g, g.apply('Gather', [table, g.input('kind', 'int64', [1])]), [1, 1, c]));                // [B, 1, C]
  x = residualAttention(g, w.at('transformer_layes.0'), x);
  return add(g, h, reshape(g, linear(g, w.at('spatial_ch_projs'), x, c), [batch, c, 1, 1]));
}

/** A layer of CLIP's form with 8 heads. x [B, L, C]. */
function residualAttention(g: Graph, w: Weights, x: Value): Value {
  const c = x.dims.at(-1)!, a = w.at('attn'), normed = layerNorm(g, w.at('ln_1'), x);
  const [q, k, v] = [0, 1, 2].map((i) => packedLinear(g, a, i, normed)) as [Value, Value, Value];
  const h = add(g, x, linear(g, a.at('out_proj'), attention(g, { path: a.path, q, k, v, heads: 8 }), c));
  return add(g, h, linear(g, w.at('mlp.c_proj'), quickGelu(g, linear(g, w.at('mlp.c_fc'), layerNorm(g, w.at('ln_2'), h), 4 * c)), c));
}

/** Numbers that stand for each kind of control. */
export const KIND_WIDTH = 256;

/**
 * Inputs: those of the U-Net (`context` only where it has cross-attention), `features` [1 or B, modelChannels, H, W] of `buildControlHint`, and of a union
 * `kinds` [1, 256·n], the timestep embeddings of 1 for its kind and 0 for each other.
 * Outputs: `residual.0`… for each input block in order, and `residual.middle`.
 */
export function buildControlNet(source: WeightSource, config: ControlNetConfig, { batch, height, width, tokens }: UnetShape, hints = 1): Graph {
  const { modelChannels, timeEmbed, kinds } = config, depths = (config.blockDepths ?? spreadDepths(config)).input;
  const g = new Graph('control', source instanceof WeightRecord ? {} : onBase(source)), w = new Weights(g, source, config.prefix);
  const x = g.input('x', 'float32', [batch, config.inChannels, height, width]);
  const readsContext = config.middleDepth > 0 || depths.some((depth) => depth > 0);
  const context = readsContext ? g.input('context', 'float32', [batch, tokens, config.contextDim]) : x;
  let emb = mlp(g, w.at('time_embed'), g.input('t', 'float32', [batch, modelChannels]), timeEmbed);
  if (kinds) {
    const at = w.at('control_add_embedding'), told = g.input('kinds', 'float32', [1, KIND_WIDTH * kinds]);
    emb = add(g, emb, linear(g, at.at('linear_2'), silu(g, linear(g, at.at('linear_1'), told, timeEmbed)), timeEmbed));
  }
  if (config.vectorDim) emb = add(g, emb, mlp(g, w.at('label_emb.0'), g.input('y', 'float32', [batch, config.vectorDim]), timeEmbed));
  const features = g.input('features', 'float32', [hints, modelChannels, height, width]);
  const { skips, middle } = buildEncoder(g, w, x, depths, { config, context, embedded: silu(g, emb) }, (h) => add(g, h, features));
  const zero = (at: Weights, h: Value): Value => conv(g, at, h, h.dims[1]!, { kernel: 1 });
  skips.forEach((skip, i) => g.output(`residual.${i}`, zero(w.at(`zero_convs.${i}.0`), skip)));
  g.output('residual.middle', zero(w.at('middle_block_out.0'), middle));
  return g;
}

/** How many input blocks it has, which is how many residuals beside the middle's. */
export const residualsOf = ({ channels, resBlocks }: Pick<UnetConfig, 'channels' | 'resBlocks'>): number => channels.length * (resBlocks + 1);

/** Weights of files that mean changes of a base: the base's own added, or the product up·down. */
function onBase(file: WeightFile): Hooks {
  const has = (name: string): boolean => file.tensors.has(name);
  if (![...file.tensors.keys()].some((name) => name.startsWith(`${BASE}.`) || name.endsWith('.up'))) return {};
  return {
    weight(g, { path }, own) {
      const layer = path.replace(/\.weight$/, ''), base = `${BASE}.${path.slice(CONTROL.length + 1)}`, at = new Weights(g, file);
      if (path.startsWith(`${CONTROL}.`) && has(base)) return add(g, own, at.tensor(base, own.dims));
      if (layer === path || !has(`${layer}.up`)) return own;
      const [up, down] = [`${layer}.up`, `${layer}.down`].map((name) => {
        const { shape } = file.tensors.get(name) ?? missing(file, name);
        return at.tensor(name, shape, [shape[0]!, sizeOf(shape) / shape[0]!]);
      }) as [Value, Value];
      return add(g, own, reshape(g, g.apply('MatMul', [up, down]), own.dims));
    },
  };
}

function missing({ path }: WeightFile, key: string): never {
  throw new AppError('weights.missingTensor', { file: path, key });
}
