// OpenCLIP's text tower in its own names, as SD 2 (ViT-H) and SDXL (ViT-bigG) have it: packed query, key and value, exact gelu. After open_clip
// transformer.py.
import type { Graph, Value } from '../graph/graph';
import { attention, gelu, layerNorm, linear } from '../nn/layers';
import type { Weights } from '../nn/weights';
import type { WeightFile } from '../weights/source';
import { residual, type TextTower, type TowerParts } from './text-tower';

/** The tower below `prefix`, or undefined. `heads`: 64-wide ones unless it says otherwise. */
export function openClipTower(file: WeightFile, prefix: string, heads?: number): TextTower | undefined {
  const table = file.tensors.get(`${prefix}.token_embedding.weight`)?.shape;
  const positions = file.tensors.get(`${prefix}.positional_embedding`)?.shape;
  if (!table || !positions) return undefined;
  const [vocabulary, width] = table as [number, number];
  let layers = 0;
  while (file.tensors.has(`${prefix}.transformer.resblocks.${layers}.ln_1.weight`)) layers++;
  return {
    file, prefix, vocabulary, width, layers, heads: heads ?? Math.max(1, width / 64), positions: positions[0]!,
    pooledWidth: file.tensors.get(`${prefix}.text_projection`)?.shape[1] ?? 0,
    clipSkip: 1, normed: true, fill: 'zero', parts,
  };
}

const parts = (w: Weights, heads: number): TowerParts => ({
  tokens: (g, ids) => g.apply('Gather', [w.tensor('token_embedding.weight'), ids]),
  positions: () => w.tensor('positional_embedding'),
  layer: (g, i, x, bias) => layer(g, w.at(`transformer.resblocks.${i}`), x, heads, bias),
  norm: (g, x) => layerNorm(g, w.at('ln_final'), x),
  // Kept [width, pooledWidth] and multiplied from the right, unlike every linear layer.
  project: (g, x) => g.apply('MatMul', [x, w.tensor('text_projection')]),
});

function layer(g: Graph, w: Weights, x: Value, heads: number, bias: Value): Value {
  return residual(g, x, (h) => {
    const normed = layerNorm(g, w.at('ln_1'), h);
    const [q, k, v] = [0, 1, 2].map((i) => packedLinear(g, w.at('attn'), i, normed)) as [Value, Value, Value];
    return linear(g, w.at('attn.out_proj'), attention(g, q, k, v, heads, bias));
  }, (h) => linear(g, w.at('mlp.c_proj'), gelu(g, linear(g, w.at('mlp.c_fc'), layerNorm(g, w.at('ln_2'), h)))));
}

/** The i-th of the three projections that `in_proj` packs one below the other. */
function packedLinear(g: Graph, w: Weights, i: number, x: Value): Value {
  const width = x.dims.at(-1)!;
  return g.apply('Linear', [x, w.rows('in_proj_weight', i * width, width), w.rows('in_proj_bias', i * width, width)]);
}
