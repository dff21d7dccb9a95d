// From a network to a guided denoiser: prediction type, conditioning and guidance around one batched call of the U-Net.
import { lincomb } from '../sampling/arithmetic';
import { guided, type PairDenoiser } from '../sampling/guidance';
import { scalings, sigmaToT, type Prediction, type SigmaTable } from '../sampling/model-sampling';
import type { Denoiser } from '../sampling/types';
import { float32, sizeOf, type Tensor } from '../tensor';

/** x [B, C, h, w] scaled for the network, t [B], context [B, tokens, D] → the network's prediction, like x. */
export type Predict = (x: Tensor, t: Tensor, context: Tensor) => Promise<Tensor>;

/** Text embeddings for one picture, each [1, tokens, D] and of one length. */
export interface Conditioning {
  /** One, or several joined by AND. Liu et al. 2022, arXiv:2206.01714. */
  readonly conds: readonly { readonly context: Tensor; readonly weight: number }[];
  /** null where guidance is off. */
  readonly uncond: Tensor | null;
}

export interface DenoiserOptions {
  readonly prediction: Prediction;
  readonly table: SigmaTable;
  readonly cfg: number;
  /** What holds at this noise level: prompts may change from step to step. */
  readonly conditioning: (sigma: number) => Conditioning;
  /** One evaluation after the other instead of one batch: slower, with less memory. */
  readonly sequential?: boolean;
}

export function guidedDenoiser(predict: Predict, { prediction, table, cfg, conditioning, sequential = false }: DenoiserOptions): Denoiser {
  const pair: PairDenoiser = async (x, sigma) => {
    const { conds, uncond } = conditioning(sigma);
    const contexts = [...conds.map(({ context }) => context), ...(uncond ? [uncond] : [])];
    const { cIn, cSkip, cOut } = scalings(prediction, sigma);
    const outputs = await evaluate(lincomb([cIn, x]), sigmaToT(table, sigma), contexts);
    const denoised = outputs.map((output) => lincomb([cSkip, x], [cOut, output]));
    const base = uncond ? denoised.at(-1)! : null;
    return { cond: compose(conds.map(({ weight }, i) => ({ weight, denoised: denoised[i]! })), base), uncond: base };
  };

  async function evaluate(x: Tensor, t: number, contexts: readonly Tensor[]): Promise<Tensor[]> {
    if (sequential) {
      const outputs: Tensor[] = [];
      for (const context of contexts) outputs.push(await predict(x, float32([1], Float32Array.of(t)), context));
      return outputs;
    }
    // One batched call, so all see the same x and the weights are read once.
    const n = contexts.length;
    const out = await predict(stack(contexts.map(() => x)), float32([n], new Float32Array(n).fill(t)), stack(contexts));
    return contexts.map((_, i) => float32(x.dims, out.data.slice(i * x.data.length, (i + 1) * x.data.length)));
  }

  return guided(pair, { scale: cfg });
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

/** [1, …] tensors of one shape → [n, …]. */
function stack(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (!first) throw new RangeError('a batch of nothing');
  const size = sizeOf(first.dims);
  const out = float32([parts.length, ...first.dims.slice(1)]);
  parts.forEach((part, i) => out.data.set(part.data, i * size));
  return out;
}
