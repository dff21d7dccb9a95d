// CLIP's image tower, in transformers' and in OpenCLIP's names: ViT-L/14 of OpenAI, ViT-H/14 and ViT-bigG/14 of OpenCLIP. Radford et al. 2021, arXiv:2103.00020.
import { Graph, type Value } from '../../graph/graph';
import { add, concat, conv, gelu, layerNorm, linear, quickGelu, reshape, slice, toTokens } from '../../nn/layers';
import { Weights, type WeightSource } from '../../nn/weights';
import type { WeightFile } from '../../weights/source';
import { clipLayer } from '../clip';
import { openClipLayer } from '../openclip';

export interface ClipVisionConfig {
  readonly prefix: string;
  readonly layout: 'transformers' | 'openclip';
  readonly width: number;
  readonly layers: number;
  readonly mlp: number;
  readonly heads: number;
  /** Pixels along a patch's side, and along the picture's. */
  readonly patch: number;
  readonly side: number;
  /** Width of the picture's embedding. */
  readonly embedding: number;
  readonly activation: 'gelu' | 'quick_gelu';
}

/** Where files keep it, alone or beside a text tower. */
const prefixes = ['', 'image_encoder', 'clip_vision', 'clip', 'embedder.model'];

/** undefined where there is none. No shape tells heads and activation: the published towers have 16 heads, narrow ones 12, and OpenAI's (up to 1024 wide) have the quick form of GELU. */
export function clipVisionConfig(file: WeightFile, known: Partial<Pick<ClipVisionConfig, 'heads' | 'activation'>> = {}): ClipVisionConfig | undefined {
  for (const prefix of prefixes) {
    const shape = (name: string): readonly number[] | undefined => file.tensors.get(prefix ? `${prefix}.${name}` : name)?.shape;
    const count = (name: (i: number) => string): number => { let n = 0; while (shape(name(n))) n++; return n; };
    const own = shape('vision_model.embeddings.patch_embedding.weight'), patches = own ?? shape('visual.conv1.weight');
    const places = (shape('vision_model.embeddings.position_embedding.weight') ?? shape('visual.positional_embedding'))?.[0];
    const embedding = own ? shape('visual_projection.weight')?.[0] : shape('visual.proj')?.[1];
    if (patches?.length !== 4 || places === undefined || embedding === undefined) continue;
    const [width, , patch] = patches as [number, number, number];
    return {
      prefix, layout: own ? 'transformers' : 'openclip', width, patch, side: patch * Math.round(Math.sqrt(places - 1)), embedding,
      layers: own ? count((i) => `vision_model.encoder.layers.${i}.mlp.fc1.weight`) : count((i) => `visual.transformer.resblocks.${i}.mlp.c_fc.weight`),
      mlp: (own ? shape('vision_model.encoder.layers.0.mlp.fc1.weight') : shape('visual.transformer.resblocks.0.mlp.c_fc.weight'))?.[0] ?? 4 * width,
      heads: known.heads ?? (width === 768 ? 12 : 16), activation: known.activation ?? (width <= 1024 ? 'quick_gelu' : 'gelu'),
    };
  }
  return undefined;
}

/**
 * Input: `pixels` [B, 3, side, side], normalised by CLIP's means and deviations.
 * Outputs, with L = 1 + (side/patch)² places, the class first: `embeds` [B, embedding]; `penultimate` [B, L, width], the state before the last layer, as it is;
 * `last` [B, L, width], the last layer's, as it is.
 */
export function buildClipVision(file: WeightSource, config: ClipVisionConfig, batch: number): Graph {
  const { width, side, patch, layers, layout } = config, isOwn = layout === 'transformers', count = (side / patch) ** 2;
  const g = new Graph('clip_vision'), root = new Weights(g, file, config.prefix), w = root.at(isOwn ? 'vision_model' : 'visual');
  const activation = config.activation === 'gelu' ? gelu : quickGelu;
  const pixels = g.input('pixels', 'float32', [batch, 3, side, side]);
  const patches = toTokens(g, conv(g, w.at(isOwn ? 'embeddings.patch_embedding' : 'conv1'), pixels, width, { kernel: patch, stride: patch, pads: [0, 0, 0, 0], bias: false }));
  const ofClass = reshape(g, w.tensor(isOwn ? 'embeddings.class_embedding' : 'class_embedding', [width]), [1, 1, width]);
  const first = add(g, g.constant('float32', [batch, 1, width], new Float32Array(batch * width)), ofClass);                // once a picture
  const places = w.tensor(isOwn ? 'embeddings.position_embedding.weight' : 'positional_embedding', [count + 1, width]);
  let h: Value = layerNorm(g, w.at(isOwn ? 'pre_layrnorm' : 'ln_pre'), add(g, concat(g, [first, patches], 1), places));    // spelled so
  for (let i = 0; i < layers; i++) {
    if (i === layers - 1) g.output('penultimate', h);
    h = isOwn ? clipLayer(g, w.at(`encoder.layers.${i}`), h, undefined, config, activation) : openClipLayer(g, w.at(`transformer.resblocks.${i}`), h, undefined, config, activation);
  }
  g.output('last', h);
  const pooled = layerNorm(g, w.at(isOwn ? 'post_layernorm' : 'ln_post'), reshape(g, slice(g, h, 1, 0, 1), [batch, width]));
  g.output('embeds', isOwn ? linear(g, root.at('visual_projection'), pooled, config.embedding, { bias: false }) : g.apply('MatMul', [pooled, w.tensor('proj', [width, config.embedding])]));
  return g;
}
