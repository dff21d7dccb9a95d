// Which layers an extracted LoRA has and under which names, as kohya's networks choose them: all layers of transformers, and on demand the rest.
import type { LoraTarget, LoraTargets } from './targets';

export interface ExtractOptions {
  /** Of the transformers' layers; a layer narrower than this gets its own width. alpha is the same, so that the scale is 1. */
  readonly rank: number;
  /** Of the resnets and samplers (LoCon). Without it they are left out. */
  readonly convRank?: number;
}

/** A layer to extract; `weight` is the tuned model's. */
export interface ExtractedLayer {
  readonly target: LoraTarget;
  /** [out, in · kernel]. */
  readonly rows: number;
  readonly columns: number;
  readonly rank: number;
}

const transformerLayer = /_(?:proj_(?:in|out)|attn[12]_to_(?:q|k|v|out_0)|ff_net_(?:0_proj|2))$/;
const convLayer = /_(?:conv[12]?|time_emb_proj|conv_shortcut|in_layers_2|out_layers_3|emb_layers_1|skip_connection|op)$/;
const textLayer = /_(?:self_attn_(?:q|k|v|out)_proj|mlp_fc[12])$/;

/** In the order of the checkpoint. */
export function layersToExtract(targets: LoraTargets, { rank, convRank = 0 }: ExtractOptions): ExtractedLayer[] {
  return [...new Set(targets.values())].flatMap((target) => {
    const { kohyaName, network, weight, rows: slice } = target;
    if (weight.shape.length < 2) return [];
    const wanted = (network === 'unet' ? transformerLayer : textLayer).test(kohyaName) ? rank : network === 'unet' && convLayer.test(kohyaName) ? convRank : 0;
    const rows = slice?.count ?? weight.shape[0]!, columns = weight.shape.slice(1).reduce((a, b) => a * b, 1);
    return wanted > 0 ? [{ target, rows, columns, rank: Math.min(wanted, rows, columns) }] : [];
  });
}

/** Shapes of `lora_down` and `lora_up`: those of the layer, with the kernel in the first. */
export function loraShapes({ target: { weight }, rows, rank }: ExtractedLayer): { down: number[]; up: number[] } {
  const [, input = 1, ...kernel] = weight.shape;
  return { down: [rank, input, ...kernel], up: [rows, rank, ...kernel.map(() => 1)] };
}
