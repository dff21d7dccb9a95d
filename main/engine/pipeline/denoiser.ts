// From a network to a guided denoiser: prediction type, conditioning, guidance and masks around one batched call of the U-Net.
import { lincomb } from '../sampling/arithmetic';
import { guided, type PairDenoiser } from '../sampling/guidance';
import { scalings, sigmaToT, type Prediction, type SigmaTable } from '../sampling/model-sampling';
import type { Denoised, Denoiser } from '../sampling/types';
import { float32, type Tensor } from '../tensor';
import { stack } from './batches';
import type { Condition } from './networks';

/** x [B, C, h, w] scaled for the network, t [B] → the network's prediction [B, C, h, w]. */
export type Predict = (x: Tensor, t: Tensor, condition: Condition) => Promise<Tensor>;

/** What the network is told for one picture: everything is [1, …], contexts of one length. */
export interface Conditioning {
  /** One, or several joined by AND. Liu et al. 2022, arXiv:2206.01714. */
  readonly conds: readonly { readonly condition: Condition; readonly weight: number }[];
  /** null where guidance is off. */
  readonly uncond: Condition | null;
}

export interface DenoiserOptions {
  readonly prediction: Prediction;
  readonly table: SigmaTable;
  /** Which timestep the network is told at a noise level; the table's, fractional, where left out. */
  readonly timestepOf?: (sigma: number) => number;
  readonly cfg: number;
  /** How far guidance is kept from raising the contrast, 0–1. */
  readonly rescale?: number;
  /** What holds at the sampler's i-th evaluation, counted from 0: prompts may change from step to step. */
  readonly conditioning: (evaluation: number) => Conditioning;
  /** Channels that every evaluation reads behind the latents [1, n, h, w]: mask and masked picture, a picture, a depth map. */
  readonly concat?: Tensor | null;
  /**
   * Guidance towards the picture in `concat`, for models that edit by instruction; 1 is none. Brooks et al. 2023, arXiv:2211.09800, eq. 3:
   * none + imageCfg·(picture − none) + cfg·(both − picture). Needs `uncond`.
   */
  readonly imageCfg?: number;
  /** One evaluation after the other instead of one batch: slower, with less memory. */
  readonly sequential?: boolean;
}

/** How many evaluations one step takes, which is the batch where they go together. */
export const evaluationsOf = ({ conds, uncond }: Conditioning, imageCfg = 1): number => conds.length + (uncond ? (imageCfg === 1 ? 1 : 2) : 0);

export function guidedDenoiser(predict: Predict, options: DenoiserOptions): (x: Tensor, sigma: number, evaluation?: number) => Promise<Denoised> {
  const { prediction, table, cfg, rescale, conditioning, concat = null, imageCfg = 1, sequential = false } = options;
  const timestepOf = options.timestepOf ?? ((sigma: number) => sigmaToT(table, sigma));
  const pairAt = (evaluation: number): PairDenoiser => async (x, sigma) => {
    const { conds, uncond } = conditioning(evaluation);
    const { cIn, cSkip, cOut } = scalings(prediction, sigma);
    const texts = [...conds.map(({ condition }) => condition), ...(uncond ? [uncond] : [])];
    const told = concat ? texts.map((condition) => ({ ...condition, concat })) : texts;
    const pictureless = uncond && concat && imageCfg !== 1 ? [{ ...uncond, concat: float32(concat.dims) }] : [];
    const outputs = await evaluate(lincomb([cIn, x]), timestepOf(sigma), [...told, ...pictureless]);
    const denoised = outputs.map((output) => lincomb([cSkip, x], [cOut, output]));
    const base = uncond ? denoised[conds.length]! : null;
    const cond = compose(conds.map(({ weight }, i) => ({ weight, denoised: denoised[i]! })), base);
    const none = denoised[conds.length + 1];
    if (!base || !none) return { cond, uncond: base };
    // The same step towards the picture on both sides of the guidance by text leaves that one as it is.
    const towardsPicture = (side: Tensor): Tensor => lincomb([1, side], [imageCfg - 1, base], [1 - imageCfg, none]);
    return { cond: towardsPicture(cond), uncond: towardsPicture(base) };
  };

  async function evaluate(x: Tensor, t: number, conditions: readonly Condition[]): Promise<Tensor[]> {
    // In one batched call all see the same x and the weights are read once.
    const batches = sequential ? conditions.map((condition) => [condition]) : [conditions];
    const outputs: Tensor[] = [];
    for (const batch of batches) {
      const n = batch.length;
      const out = await predict(stack(batch.map(() => x)), float32([n], new Float32Array(n).fill(t)), together(batch));
      outputs.push(...batch.map((_, i) => float32(x.dims, out.data.slice(i * x.data.length, (i + 1) * x.data.length))));
    }
    return outputs;
  }

  return (x, sigma, evaluation = 0) => guided(pairAt(evaluation), { scale: cfg, rescale })(x, sigma);
}

/** Conditions of one picture each, all with the same names, as one of the batch. */
function together(conditions: readonly Condition[]): Condition {
  const rows = (name: string): Tensor => stack(conditions.map((condition) => condition[name]!));
  const names = Object.keys(conditions[0] ?? {});
  return { ...Object.fromEntries(names.map((name) => [name, rows(name)])), context: rows('context') };
}

/** Outside the mask, believe the original. mask [1, 1, h, w], 1 = repaint. */
export const keepOutside = (denoise: Denoiser, original: Tensor, mask: Tensor): Denoiser =>
  async (x, sigma) => {
    const denoised = await denoise(x, sigma);
    return { ...mix(original, denoised, mask), ...(denoised.uncond && { uncond: mix(original, denoised.uncond, mask) }) };
  };

/** [1, C, h, w]: `original` where the mask [1, 1, h, w] is 0, to the bit, and `repainted` where it is 1. */
export function mix(original: Tensor, repainted: Tensor, mask: Tensor): Tensor {
  const size = mask.data.length;
  return float32(repainted.dims, repainted.data.map((value, i) => original.data[i]! + mask.data[i % size]! * (value - original.data[i]!)));
}

/** uncond + Σ weight·(cond − uncond); without uncond the weighted mean. */
function compose(parts: readonly { weight: number; denoised: Tensor }[], uncond: Tensor | null): Tensor {
  const [first] = parts;
  if (first && parts.length === 1 && (first.weight === 1 || !uncond)) return first.denoised;
  const total = parts.reduce((sum, { weight }) => sum + weight, 0);
  const scale = uncond ? 1 : 1 / total;
  const terms = parts.map(({ weight, denoised }) => [weight * scale, denoised] as const);
  return lincomb(...terms, ...(uncond ? [[1 - total, uncond] as const] : []));
}
