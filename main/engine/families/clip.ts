// CLIP's text tower in transformers' names, as SD 1.x and SDXL's first encoder have it, and diffusers' files for the OpenCLIP towers too.
import type { Graph, Value } from '../graph/graph';
import { attention, gelu, layerNorm, linear, quickGelu } from '../nn/layers';
import { Weights } from '../nn/weights';
import type { WeightFile } from '../weights/source';
import { residual, type TextTower, type TowerParts } from './text-tower';

export interface ClipOptions {
  /** 64-wide ones unless it says otherwise. */
  readonly heads?: number;
  /** The weights are OpenCLIP's in these names: exact gelu, and a projection beside 'text_model'. */
  readonly openClip?: boolean;
}

/** The tower below `root`, or undefined. NovelAI's files leave out 'text_model'. */
export function clipTower(file: WeightFile, root = 'cond_stage_model.transformer', { heads, openClip = false }: ClipOptions = {}): TextTower | undefined {
  for (const prefix of [`${root}.text_model`, root]) {
    const table = file.tensors.get(`${prefix}.embeddings.token_embedding.weight`)?.shape;
    const positions = file.tensors.get(`${prefix}.embeddings.position_embedding.weight`)?.shape;
    if (!table || !positions) continue;
    const [vocabulary, width] = table as [number, number];
    let layers = 0;
    while (file.tensors.has(`${prefix}.encoder.layers.${layers}.layer_norm1.weight`)) layers++;
    const projection = `${root}.text_projection`;
    return {
      file, prefix, vocabulary, width, layers, heads: heads ?? Math.max(1, width / 64), positions: positions[0]!,
      pooledWidth: openClip ? file.tensors.get(`${projection}.weight`)?.shape[0] ?? 0 : 0,
      clipSkip: 1, normed: true, fill: openClip ? 'zero' : 'end', parts: partsWith(openClip ? gelu : quickGelu, projection),
    };
  }
  return undefined;
}

const partsWith = (activation: (g: Graph, x: Value) => Value, projection: string) => (w: Weights, heads: number): TowerParts => ({
  tokens: (g, ids) => g.apply('Gather', [w.tensor('embeddings.token_embedding.weight'), ids]),
  positions: () => w.tensor('embeddings.position_embedding.weight'),
  layer: (g, i, x, bias) => layer(g, w.at(`encoder.layers.${i}`), x, heads, bias, activation),
  norm: (g, x) => layerNorm(g, w.at('final_layer_norm'), x),
  project: (g, x) => linear(g, new Weights(g, w.file, projection), x),
});

function layer(g: Graph, w: Weights, x: Value, heads: number, bias: Value, activation: (g: Graph, x: Value) => Value): Value {
  const a = w.at('self_attn');
  return residual(g, x, (h) => {
    const normed = layerNorm(g, w.at('layer_norm1'), h);
    return linear(g, a.at('out_proj'), attention(g, linear(g, a.at('q_proj'), normed), linear(g, a.at('k_proj'), normed), linear(g, a.at('v_proj'), normed), heads, bias));
  }, (h) => linear(g, w.at('mlp.fc2'), activation(g, linear(g, w.at('mlp.fc1'), layerNorm(g, w.at('layer_norm2'), h)))));
}
