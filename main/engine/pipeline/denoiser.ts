// From a network to a guided denoiser: prediction type, conditioning, guidance and masks around one batched call of the U-Net.
import { lincomb } from '../sampling/arithmetic';
import { guided, type PairDenoiser } from '../sampling/guidance';
import { scalings, sigmaToT, type Prediction, type SigmaTable } from '../sampling/model-sampling';
import type { Denoised, Denoiser } from '../sampling/types';
import { float32, type Tensor } from '../tensor';
import { stack, unstack } from './batches';
import type { Asked } from './extensions';
import type { Condition } from './networks';

/** x [B, C, h, w] scaled for the network, t [B] → the network's prediction [B, C, h, w]. */
export type Predict = (x: Tensor, t: Tensor, condition: Condition, asked: Asked) => Promise<Tensor>;

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
  /**
   * What holds at the sampler's i-th evaluation, counted from 0: prompts may change from step to step. One for each picture of x where that holds several,
   * with as many evaluations each.
   */
  readonly conditioning: (evaluation: number) => Conditioning | readonly Conditioning[];
  /** How many evaluations there will be; 1 where left out. */
  readonly evaluations?: number;
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
  const { prediction, table, cfg, rescale, conditioning, concat = null, imageCfg = 1, sequential = false, evaluations = 1 } = options;
  const timestepOf = options.timestepOf ?? ((sigma: number) => sigmaToT(table, sigma));
  const pairAt = (evaluation: number): PairDenoiser => async (x, sigma) => {
    const told = [conditioning(evaluation)].flat(), xs = unstack(x);
    const { cIn, cSkip, cOut } = scalings(prediction, sigma);
    const outputs = await evaluate(xs.map((one) => lincomb([cIn, one])), timestepOf(sigma), told.map(sidesOf), { sigma, progress: Math.min(1, evaluation / evaluations) });
    const pairs = told.map((one, p) => pairOf(one, outputs[p]!.map((output) => lincomb([cSkip, xs[p]!], [cOut, output]))));
    return { cond: stack(pairs.map(({ cond }) => cond)), uncond: pairs[0]!.uncond && stack(pairs.map(({ uncond }) => uncond!)) };
  };

  function sidesOf({ conds, uncond }: Conditioning): Side[] {
    const cond = conds.map(({ condition }) => ({ row: 'cond', condition } as const)), base = uncond ? [{ row: 'uncond', condition: uncond } as const] : [];
    if (!concat) return [...cond, ...base];
    const none = imageCfg === 1 ? [] : base;
    return [...[...cond, ...base].map((side) => withConcat(side, concat)), ...none.map((side) => withConcat(side, float32(concat.dims)))];
  }

  /** Both sides of the guidance by text, from what each evaluation of a picture said. */
  function pairOf({ conds, uncond }: Conditioning, denoised: readonly Tensor[]): { cond: Tensor; uncond: Tensor | null } {
    const base = uncond ? denoised[conds.length]! : null;
    const cond = compose(conds.map(({ weight }, i) => ({ weight, denoised: denoised[i]! })), base);
    const none = denoised[conds.length + 1];
    if (!base || !none) return { cond, uncond: base };
    // The same step towards the picture on both sides of the guidance by text leaves that one as it is.
    const towardsPicture = (side: Tensor): Tensor => lincomb([1, side], [imageCfg - 1, base], [1 - imageCfg, none]);
    return { cond: towardsPicture(cond), uncond: towardsPicture(base) };
  }

  /** What the network says of each picture's sides. A batch has those of the first picture, then as many of the next. */
  async function evaluate(xs: readonly Tensor[], t: number, sides: readonly (readonly Side[])[], asked: Omit<Asked, 'rows'>): Promise<Tensor[][]> {
    // In one batched call all see the same x and the weights are read once.
    const count = sides[0]!.length, size = sequential ? 1 : count, outputs = xs.map((): Tensor[] => []);
    for (let first = 0; first < count; first += size) {
      const batch = sides.flatMap((own, p) => own.slice(first, first + size).map((side) => ({ ...side, p }))), n = batch.length;
      const out = await predict(stack(batch.map(({ p }) => xs[p]!)), float32([n], new Float32Array(n).fill(t)), together(batch.map(({ condition }) => condition)), { rows: batch.map(({ row }) => row), ...asked });
      unstack(out).forEach((one, i) => outputs[batch[i]!.p]!.push(one));
    }
    return outputs;
  }

  return (x, sigma, evaluation = 0) => guided(pairAt(evaluation), { scale: cfg, rescale })(x, sigma);
}

/** One evaluation of a picture. */
interface Side { readonly row: Asked['rows'][number]; readonly condition: Condition }

const withConcat = ({ row, condition }: Side, concat: Tensor): Side => ({ row, condition: { ...condition, concat } });

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
