// CLIP's text tower in transformers' names, as SD 1.x and SDXL's first encoder have it, and diffusers' files for the OpenCLIP towers too.
import type { Graph, Value } from '../graph/graph';
import { attention, gelu, layerNorm, linear, quickGelu } from '../nn/layers';
import type { Weights, WeightSource } from '../nn/weights';
import type { WeightFile } from '../weights/source';
import { partOf, projectionPath, textSizes, type TextSizes } from './sizes';
import { residual, type TextTower, type TowerParts } from './text-tower';

export interface ClipOptions {
  /** 64-wide ones unless it says otherwise. */
  readonly heads?: number;
  /** The weights are OpenCLIP's in these names: exact gelu, and a projection beside 'text_model'. */
  readonly openClip?: boolean;
}

/** The tower below `root`, or undefined. NovelAI's files leave out 'text_model'. */
export function clipTower(file: WeightFile, root = 'cond_stage_model.transformer', options: ClipOptions = {}): TextTower | undefined {
  for (const prefix of [`${root}.text_model`, root]) {
    if (!file.tensors.has(`${prefix}.embeddings.token_embedding.weight`) || !file.tensors.has(`${prefix}.embeddings.position_embedding.weight`)) continue;
    const sizes = textSizes(partOf(file, `${prefix}.`));
    if (!sizes) continue;
    const projection = options.openClip ? file.tensors.get(`${projectionPath(`${prefix}.`)}.weight`)?.shape[0] : undefined;
    return clipTowerOf(file, prefix, { ...sizes, ...(projection !== undefined && { projection }) }, options);
  }
  return undefined;
}

export function clipTowerOf(source: WeightSource, prefix: string, { projection = 0, ...sizes }: TextSizes, { heads, openClip = false }: ClipOptions = {}): TextTower {
  return {
    ...sizes, source, prefix, heads: heads ?? Math.max(1, sizes.width / 64), pooledWidth: projection, clipSkip: 1, normed: true,
    fill: openClip ? 'zero' : 'end', parts: partsWith(openClip ? gelu : quickGelu),
  };
}

const partsWith = (activation: (g: Graph, x: Value) => Value) => (w: Weights, tower: TextTower): TowerParts => ({
  tokens: (g, ids) => g.apply('Gather', [w.tensor('embeddings.token_embedding.weight', [tower.vocabulary, tower.width]), ids]),
  positions: () => w.tensor('embeddings.position_embedding.weight', [tower.positions, tower.width]),
  layer: (g, i, x, bias) => clipLayer(g, w.at(`encoder.layers.${i}`), x, bias, tower, activation),
  norm: (g, x) => layerNorm(g, w.at('final_layer_norm'), x),
  project: (g, x) => linear(g, w.elsewhere(projectionPath(`${w.path}.`)), x, tower.pooledWidth, { bias: false }),
});

/** x [B, L, width]; also of the image tower, which masks nothing. */
export function clipLayer(g: Graph, w: Weights, x: Value, bias: Value | undefined, { width, mlp, heads }: Pick<TextTower, 'width' | 'mlp' | 'heads'>, activation: (g: Graph, x: Value) => Value): Value {
  const a = w.at('self_attn');
  return residual(g, w, x, (h) => {
    const normed = layerNorm(g, w.at('layer_norm1'), h);
    const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((name) => linear(g, a.at(name), normed, width)) as [Value, Value, Value];
    return linear(g, a.at('out_proj'), attention(g, { path: a.path, q, k, v, heads, bias }), width);
  }, (h) => linear(g, w.at('mlp.fc2'), activation(g, linear(g, w.at('mlp.fc1'), layerNorm(g, w.at('layer_norm2'), h), mlp)), width));
}
