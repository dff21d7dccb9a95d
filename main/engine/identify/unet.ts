// Stable Diffusion's own U-Nets, told apart by structure first and by their usual widths second, in the original (LDM) and the diffusers layout.
// SD 1 projects into its transformers with 1×1 convolutions, SD 2 and SDXL with linear layers; SDXL adds a vector condition (label_emb).
import type { ModelReport } from '../../../preload/contract/model';
import type { WeightFile } from '../weights/source';
import { countDistinct, firstShape, hasName, shapeOf } from './types';

interface UnetFacts {
  readonly inChannels: number;
  /** Width of the text context; null where no cross-attention is. */
  readonly contextDim: number | null;
  /** The transformers' first layer is linear, not a 1×1 convolution. */
  readonly linear: boolean | null;
  /** Width of the vector condition; 0 without one. */
  readonly vectorDim: number;
  /** Conditioned on a noise level's number, as the ×4 upscaler is. */
  readonly hasClassTable: boolean;
  readonly levels: number;
}

/** U-Nets and the encoder halves of ControlNets. null where `prefix` holds neither layout. */
export function unetFacts(file: WeightFile, prefix: string): UnetFacts | null {
  const at = prefix.replaceAll('.', '\\.');
  const ldm = shapeOf(file, `${prefix}input_blocks.0.0.weight`);
  const input = ldm ?? shapeOf(file, `${prefix}conv_in.weight`);
  const blocks = ldm ? 'input_blocks' : 'down_blocks';
  if (input?.length !== 4 || !hasName(file, new RegExp(`^${at}${blocks}\\.1\\.`))) return null;
  const projection = firstShape(file, new RegExp(`^${at}(?!.*(?:motion_modules|temporal)).*proj_in\\.weight$`));
  const vector = shapeOf(file, `${prefix}label_emb.0.0.weight`) ?? shapeOf(file, `${prefix}add_embedding.linear_1.weight`)
    ?? shapeOf(file, `${prefix}class_embedding.linear_1.weight`);
  return {
    inChannels: input[1]!,
    contextDim: firstShape(file, new RegExp(`^${at}.*attn2\\.to_k\\.weight$`))?.[1] ?? null,
    linear: projection ? projection.length === 2 : null,
    vectorDim: vector?.[1] ?? 0,
    hasClassTable: file.tensors.has(`${prefix}label_emb.weight`) || file.tensors.has(`${prefix}class_embedding.weight`),
    levels: ldm ? 1 + countDistinct(file, new RegExp(`^${at}input_blocks\\.(\\d+)\\.0\\.op\\.`)) : countDistinct(file, new RegExp(`^${at}down_blocks\\.(\\d+)\\.`)),
  };
}

/** Family, and how sure: an unusual width (tiny test models) leaves structure alone to tell. */
export function unetFamily(facts: UnetFacts): { family: string | null; confidence: number } {
  const { contextDim, vectorDim } = facts;
  if (facts.hasClassTable || facts.inChannels === 7) return { family: 'sd-x4-upscaler', confidence: 0.95 };
  if (vectorDim > 0) {
    if (contextDim === 1024) return { family: 'sd2-unclip', confidence: 0.9 };
    if (contextDim === 1280 || vectorDim === 2560) return { family: 'sdxl-refiner', confidence: 0.99 };
    if (contextDim === 2048 || vectorDim === 2816) return { family: 'sdxl', confidence: 0.99 };
    return { family: facts.levels > 3 ? 'sdxl-refiner' : 'sdxl', confidence: 0.7 };
  }
  // Small and distilled models mix the projections; the text that they were taught with stays.
  if (contextDim === 768) return { family: 'sd1', confidence: 0.99 };
  if (contextDim === 1024) return { family: 'sd2', confidence: 0.99 };
  if (facts.linear === null) return { family: null, confidence: 0.3 };
  return facts.linear ? { family: 'sd2', confidence: 0.7 } : { family: 'sd1', confidence: 0.85 };
}

/** By latent inputs: 4 noise; + 1 mask + 4 masked picture; + 4 picture; + 1 depth. */
export function variantOf(inChannels: number): ModelReport['variant'] {
  return ({ 4: 'base', 9: 'inpaint', 8: 'pix2pix', 5: 'depth' } as const)[inChannels] ?? null;
}
