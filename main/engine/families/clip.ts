// CLIP's text tower in transformers' layout, as SD 1.x and SDXL's first encoder have it. Radford et al. 2021, arXiv:2103.00020.
import { Graph, type Value } from '../graph/graph';
import { add, attention, layerNorm, linear, quickGelu } from '../nn/layers';
import { Weights } from '../nn/weights';
import type { WeightFile } from '../weights/source';

export interface ClipConfig {
  /** Where the tower stands: 'cond_stage_model.transformer.text_model', or without 'text_model' in NovelAI's files. */
  readonly prefix: string;
  readonly vocabulary: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Longest sequence, 77. */
  readonly positions: number;
}

/** Heads are 64 wide in every tower of the family unless `heads` says otherwise. */
export function clipConfig(file: WeightFile, root = 'cond_stage_model.transformer', heads?: number): ClipConfig | undefined {
  for (const prefix of [`${root}.text_model`, root, 'text_model']) {
    const table = file.tensors.get(`${prefix}.embeddings.token_embedding.weight`)?.shape;
    const positions = file.tensors.get(`${prefix}.embeddings.position_embedding.weight`)?.shape;
    if (!table || !positions) continue;
    let layers = 0;
    while (file.tensors.has(`${prefix}.encoder.layers.${layers}.layer_norm1.weight`)) layers++;
    return { prefix, vocabulary: table[0]!, width: table[1]!, layers, heads: heads ?? Math.max(1, table[1]! / 64), positions: positions[0]! };
  }
  return undefined;
}

/**
 * Input: `ids` int64 [B, 77]. Output: `hidden` [B, 77, width], the state after all layers but the last `clipSkip − 1`, with the final norm
 * (clip skip 1 is the last layer's). With `raw`, every state is an output of its own, without norm: `hidden.0` (embeddings) to `hidden.N`.
 */
export function buildClip(file: WeightFile, config: ClipConfig, { batch, clipSkip = 1, raw = false }: { batch: number; clipSkip?: number; raw?: boolean }): Graph {
  const g = new Graph('clip');
  const w = new Weights(g, file, config.prefix);
  const length = config.positions;
  const ids = g.input('ids', 'int64', [batch, length]);
  const bias = causalBias(g, length);

  let h = add(g, g.apply('Gather', [w.tensor('embeddings.token_embedding.weight'), ids]), w.tensor('embeddings.position_embedding.weight'));
  if (raw) g.output('hidden.0', h);
  const layers = raw ? config.layers : Math.max(1, config.layers - (clipSkip - 1));
  for (let i = 0; i < layers; i++) {
    h = layer(g, w.at(`encoder.layers.${i}`), h, config.heads, bias);
    if (raw) g.output(`hidden.${i + 1}`, h);
  }
  g.output('hidden', layerNorm(g, w.at('final_layer_norm'), h));
  return g;
}

/** x [B, 77, width] → the same; pre-norm attention and a two-layer perceptron. */
function layer(g: Graph, w: Weights, x: Value, heads: number, bias: Value): Value {
  const a = w.at('self_attn');
  const normed = layerNorm(g, w.at('layer_norm1'), x);
  const mixed = attention(g, linear(g, a.at('q_proj'), normed), linear(g, a.at('k_proj'), normed), linear(g, a.at('v_proj'), normed), heads, bias);
  const h = add(g, x, linear(g, a.at('out_proj'), mixed));
  return add(g, h, linear(g, w.at('mlp.fc2'), quickGelu(g, linear(g, w.at('mlp.fc1'), layerNorm(g, w.at('layer_norm2'), h)))));
}

/** [1, 1, L, L]: a token sees itself and what stands before it. */
function causalBias(g: Graph, length: number): Value {
  const data = new Float32Array(length * length);
  for (let row = 0; row < length; row++) data.fill(-3.4e38, row * length + row + 1, (row + 1) * length);
  return g.constant('float32', [1, 1, length, length], data);
}
