// OpenCLIP's text tower in its own names, as SD 2 (ViT-H) and SDXL (ViT-bigG) have it: packed query, key and value, exact gelu. After open_clip
// transformer.py.
import type { Graph, Value } from '../graph/graph';
import { attention, gelu, layerNorm, linear, packedLinear } from '../nn/layers';
import type { Weights, WeightSource } from '../nn/weights';
import type { WeightFile } from '../weights/source';
import { openClipSizes, partOf, type TextSizes } from './sizes';
import { residual, type TextTower, type TowerParts } from './text-tower';

/** The tower below `prefix`, or undefined. `heads`: 64-wide ones unless it says otherwise. */
export function openClipTower(file: WeightFile, prefix: string, heads?: number): TextTower | undefined {
  if (!file.tensors.has(`${prefix}.token_embedding.weight`) || !file.tensors.has(`${prefix}.positional_embedding`)) return undefined;
  const sizes = openClipSizes(partOf(file, `${prefix}.`)), projection = file.tensors.get(`${prefix}.text_projection`)?.shape[1];
  return sizes ? openClipTowerOf(file, prefix, { ...sizes, ...(projection !== undefined && { projection }) }, heads) : undefined;
}

export function openClipTowerOf(source: WeightSource, prefix: string, { projection = 0, ...sizes }: TextSizes, heads?: number): TextTower {
  return { ...sizes, source, prefix, heads: heads ?? Math.max(1, sizes.width / 64), pooledWidth: projection, clipSkip: 1, normed: true, fill: 'zero', parts };
}

const parts = (w: Weights, tower: TextTower): TowerParts => ({
  tokens: (g, ids) => g.apply('Gather', [w.tensor('token_embedding.weight', [tower.vocabulary, tower.width]), ids]),
  positions: () => w.tensor('positional_embedding', [tower.positions, tower.width]),
  layer: (g, i, x, bias) => openClipLayer(g, w.at(`transformer.resblocks.${i}`), x, bias, tower),
  norm: (g, x) => layerNorm(g, w.at('ln_final'), x),
  // Kept [width, pooledWidth] and multiplied from the right, unlike every linear layer.
  project: (g, x) => g.apply('MatMul', [x, w.tensor('text_projection', [tower.width, tower.pooledWidth])]),
});

/** x [B, L, width]; also of the image tower, which masks nothing. */
export function openClipLayer(g: Graph, w: Weights, x: Value, bias: Value | undefined, { width, mlp, heads }: Pick<TextTower, 'width' | 'mlp' | 'heads'>, activation = gelu): Value {
  const a = w.at('attn');
  return residual(g, w, x, (h) => {
    const normed = layerNorm(g, w.at('ln_1'), h);
    const [q, k, v] = [0, 1, 2].map((i) => packedLinear(g, a, i, normed)) as [Value, Value, Value];
    return linear(g, a.at('out_proj'), attention(g, { path: a.path, q, k, v, heads, bias }), width);
  }, (h) => linear(g, w.at('mlp.c_proj'), activation(g, linear(g, w.at('mlp.c_fc'), layerNorm(g, w.at('ln_2'), h), mlp)), width));
}
