// IP-Adapter: a picture as tokens beside the text's, with keys and values of their own in every cross-attention. Ye et al. 2023, arXiv:2308.06721;
// tencent-ailab/IP-Adapter: plain, plus (a resampler of patches) and full (a perceptron over patches).
import { Graph, type Value } from '../../graph/graph';
import type { Hooks } from '../../graph/hooks';
import { add, attention, concat, gelu, layerNorm, linear, mul, reshape, slice } from '../../nn/layers';
import { Weights, type WeightSource } from '../../nn/weights';
import type { WeightFile } from '../../weights/source';
import type { UnetConfig } from '../unet';
import { spreadDepths } from '../unet-blocks';

export interface IpAdapterConfig {
  readonly form: 'plain' | 'plus' | 'full';
  /** Of what it is told of the picture: its embedding, or in the other forms each patch's state before the last layer. */
  readonly inputs: number;
  /** Width of its tokens, which is that of the text's. */
  readonly contextDim: number;
  /** Tokens of a picture; in the full form as many as it is told. */
  readonly tokens: number | null;
  readonly resampler?: { readonly layers: number; readonly width: number; readonly inner: number; readonly mlp: number; readonly heads: number };
}

/** undefined where the file has no projection of these forms. `headWidth`: of a resampler, 64 in all that were published. */
export function ipAdapterConfig(file: WeightFile, headWidth = 64): IpAdapterConfig | undefined {
  const shape = (name: string): readonly number[] | undefined => file.tensors.get(`image_proj.${name}`)?.shape;
  const [plain, width] = [shape('proj.weight'), shape('norm.weight')?.[0]];
  if (plain && width) return { form: 'plain', inputs: plain[1]!, contextDim: width, tokens: plain[0]! / width };
  const latents = shape('latents'), [input, output] = [shape('proj_in.weight'), shape('proj_out.weight')];
  if (latents && input && output) {
    const inner = shape('layers.0.0.to_q.weight')?.[0] ?? latents[2]!;
    let layers = 0;
    while (shape(`layers.${layers}.0.to_q.weight`)) layers++;
    return { form: 'plus', inputs: input[1]!, contextDim: output[0]!, tokens: latents[1]!, resampler: { layers, width: latents[2]!, inner, mlp: shape('layers.0.1.1.weight')?.[0] ?? 4 * latents[2]!, heads: inner / headWidth } };
  }
  const [first, second] = [shape('proj.0.weight'), shape('proj.2.weight')];
  return first && second && shape('proj.3.weight')?.[0] === second[0] ? { form: 'full', inputs: first[1]!, contextDim: second[0]!, tokens: null } : undefined;
}

/** Input: `picture` [B, inputs], or [B, L, inputs] where it reads patches. Output: `tokens` [B, tokens, contextDim]. */
export function buildImageTokens(file: WeightSource, config: IpAdapterConfig, batch: number, patches = 257): Graph {
  const { form, inputs, contextDim } = config, g = new Graph('image_tokens'), w = new Weights(g, file, 'image_proj');
  const picture = g.input('picture', 'float32', form === 'plain' ? [batch, inputs] : [batch, patches, inputs]);
  if (form === 'plain') {
    const tokens = config.tokens!;
    g.output('tokens', layerNorm(g, w.at('norm'), reshape(g, linear(g, w.at('proj'), picture, tokens * contextDim), [batch, tokens, contextDim])));
  } else if (form === 'full') {
    g.output('tokens', layerNorm(g, w.at('proj.3'), linear(g, w.at('proj.2'), gelu(g, linear(g, w.at('proj.0'), picture, inputs)), contextDim)));
  } else g.output('tokens', resampled(g, w, picture, config));
  return g;
}

/** Latents that ask the patches, and each other, layer by layer. Alayrac et al. 2022, arXiv:2204.14198. */
function resampled(g: Graph, w: Weights, picture: Value, { tokens, resampler, contextDim }: IpAdapterConfig): Value {
  const batch = picture.dims[0]!, { layers, width, inner, mlp, heads } = resampler!;
  const x = linear(g, w.at('proj_in'), picture, width);
  let h = add(g, g.constant('float32', [batch, tokens!, width], new Float32Array(batch * tokens! * width)), w.tensor('latents', [1, tokens!, width]));
  for (let i = 0; i < layers; i++) {
    const a = w.at(`layers.${i}.0`), f = w.at(`layers.${i}.1`);
    const own = layerNorm(g, a.at('norm2'), h), all = concat(g, [layerNorm(g, a.at('norm1'), x), own], 1);
    const kv = linear(g, a.at('to_kv'), all, 2 * inner, { bias: false }), q = linear(g, a.at('to_q'), own, inner, { bias: false });
    const attended = attention(g, { path: a.path, q, k: slice(g, kv, 2, 0, inner), v: slice(g, kv, 2, inner, 2 * inner), heads });
    h = add(g, linear(g, a.at('to_out'), attended, width, { bias: false }), h);
    h = add(g, linear(g, f.at('3'), gelu(g, linear(g, f.at('1'), layerNorm(g, f.at('0'), h), mlp, { bias: false })), width, { bias: false }), h);
  }
  return layerNorm(g, w.at('norm_out'), linear(g, w.at('proj_out'), h, contextDim));
}

/** The U-Net's cross-attentions in diffusers' order, which the file's numbers follow (1, 3, 5, …): on the way down, on the way up, the middle. */
export function crossAttentions(config: UnetConfig): string[] {
  const { resBlocks, middleDepth, prefix } = config, { input, output } = config.blockDepths ?? spreadDepths(config);
  const within = (block: string, depth: number): string[] => Array.from({ length: depth }, (_, i) => `${prefix}.${block}.1.transformer_blocks.${i}.attn2`);
  return [
    ...input.flatMap((depth, i) => within(`input_blocks.${1 + Math.floor(i / resBlocks) * (resBlocks + 1) + i % resBlocks}`, depth)),
    ...output.flatMap((depth, i) => within(`output_blocks.${i}`, depth)), ...within('middle_block', middleDepth),
  ];
}

/** How a picture stands in a graph. `input`: what its inputs' names begin with. */
interface Attended { readonly batch: number; readonly tokens: number; readonly input?: string; readonly places?: readonly number[] | undefined }

/**
 * Adds to the graph the inputs `image.tokens` [B, tokens, contextDim] and `image.weight` [B, 1, 1]: what the picture's tokens answer is added so strongly. With
 * `places`, how many each level of the U-Net has, the weight is [1, Σ places, 1]: of each place of each level, one level after the other.
 */
export function attendToPicture(file: WeightSource, { contextDim }: IpAdapterConfig, unet: UnetConfig, { batch, tokens, input = 'image', places }: Attended): Hooks {
  const numbers = new Map(crossAttentions(unet).map((path, i) => [path, 2 * i + 1])), total = places?.reduce((sum, count) => sum + count, 0) ?? 0;
  let inputs: readonly [tokens: Value, weight: Value] | undefined;
  return {
    attention(g, site, attend, own) {
      const text = attend(site), number = numbers.get(site.path);
      if (number === undefined) return text;
      const [picture, weight] = inputs ??= [g.input(`${input}.tokens`, 'float32', [batch, tokens, contextDim]), g.input(`${input}.weight`, 'float32', places ? [1, total, 1] : [batch, 1, 1])];
      const w = new Weights(g, file, `ip_adapter.${number}`), c = site.q.dims[2]!, bias = false;
      const k = linear(g, w.at('to_k_ip'), picture, c, { bias }), v = linear(g, w.at('to_v_ip'), picture, c, { bias });
      const level = places?.indexOf(site.q.dims[1]!), start = places?.slice(0, level).reduce((sum, count) => sum + count, 0) ?? 0;
      return add(g, text, mul(g, own({ ...site, k, v, bias: undefined }), places ? slice(g, weight, 1, start, start + places[level!]!) : weight));
    },
  };
}

/** FaceID's files: they read a face's embedding, and change the U-Net's attentions by LoRAs as well. */
export const isFaceId = ({ tensors }: WeightFile): boolean => tensors.has('image_proj.perceiver_resampler.proj_in.weight') || tensors.has('ip_adapter.0.to_q_lora.down.weight') || tensors.get('image_proj.proj.0.weight')?.shape[1] === 512;

/** Whether the file has a pair of layers for each cross-attention of such a U-Net. */
export const fitsUnet = ({ tensors }: WeightFile, { contextDim }: IpAdapterConfig, unet: UnetConfig): boolean =>
  contextDim === unet.contextDim && crossAttentions(unet).every((_, i, all) => tensors.has(`ip_adapter.${2 * i + 1}.to_k_ip.weight`) && !tensors.has(`ip_adapter.${2 * all.length + 1}.to_k_ip.weight`));
