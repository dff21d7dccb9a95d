// Keeps an edit to its place: outside of what chosen words attend to, in either picture, the source's latents count. After the local blending in the code of
// Hertz et al. 2022 (arXiv:2208.01626).
import { lincomb } from '../sampling/arithmetic';
import type { Answer, Moment } from '../sampling/pass';
import type { Denoised } from '../sampling/types';
import { float32, type Tensor } from '../tensor';
import { stack, unstack } from './batches';
import { mix } from './denoiser';
import type { Extension } from './extensions';
import { watchWords } from './word-maps';

/** Where a context [tokens] has the words of either picture, at an evaluation. */
export type WordPlaces = (evaluation: number, tokens: number) => { readonly source: readonly number[]; readonly edited: readonly number[] };

/**
 * `denoise` is over both pictures [2, C, h, w] and has `extension` in its network. The maps are added up over the evaluations, which is the answer's
 * memory [2, h', w']; a place counts from `threshold` of the highest sum on, 0–1.
 */
export function localBlend(threshold: number, places: WordPlaces): { extension: Extension; blended: (denoise: (x: Tensor, sigma: number, moment: Moment) => Promise<Denoised>) => (x: Tensor, sigma: number, moment: Moment) => Promise<Answer> } {
  interface Seen { readonly shares: Tensor; readonly edited: number }
  const last: { seen: Seen | null } = { seen: null };
  return {
    extension: watchWords((shares, { rows }) => { if (rows[0] === 'cond') last.seen = { shares, edited: rows.length / 2 }; }),
    blended: (denoise) => async (x, sigma, moment) => {
      last.seen = null;
      const denoised = await denoise(x, sigma, moment), seen = last.seen as Seen | null;
      if (!seen) return denoised;
      const { shares, edited } = seen, words = places(moment.evaluation, shares.dims[3]!);
      const now = stack([attendedTo(shares, 0, words.source), attendedTo(shares, edited, words.edited)]);
      // A second model may have maps of another size.
      const memory = moment.memory && String(moment.memory.dims) === String(now.dims) ? lincomb([1, moment.memory], [1, now]) : now;
      const mask = maskOf(memory, threshold, x.dims[2]!, x.dims[3]!);
      const within = (both: Tensor): Tensor => { const [own, other] = unstack(both) as [Tensor, Tensor]; return stack([own, mix(own, other, mask)]); };
      return { ...within(denoised), ...(denoised.uncond && { uncond: within(denoised.uncond) }), memory };
    },
  };
}

/** [1, h', w']: the share of these tokens. */
function attendedTo({ dims, data }: Tensor, row: number, tokens: readonly number[]): Tensor {
  const [, height, width, count] = dims as [number, number, number, number], size = height * width;
  return float32([1, height, width], Float32Array.from({ length: size }, (_, at) => tokens.reduce((sum, token) => sum + data[(row * size + at) * count + token]!, 0)));
}

/** sums [2, h', w'] → [1, 1, h, w] of 0 and 1: the highest of each 3×3 places, in shares of the highest of all; either picture's place counts. */
export function maskOf(sums: Tensor, threshold: number, height: number, width: number): Tensor {
  const [, rows, columns] = sums.dims as [number, number, number];
  const marked = unstack(sums).map(({ data }) => {
    const spread = data.map((_, at) => {
      const y = Math.floor(at / columns), x = at % columns;
      let highest = 0;
      for (let j = Math.max(0, y - 1); j <= Math.min(rows - 1, y + 1); j++) for (let i = Math.max(0, x - 1); i <= Math.min(columns - 1, x + 1); i++) highest = Math.max(highest, data[j * columns + i]!);
      return highest;
    });
    const most = spread.reduce((a, b) => Math.max(a, b), 0);
    return spread.map((value) => (value > threshold * most ? 1 : 0));
  });
  const mask = float32([1, 1, height, width]);
  for (let i = 0; i < mask.data.length; i++) {
    const at = Math.floor((Math.floor(i / width) * rows) / height) * columns + Math.floor(((i % width) * columns) / width);
    mask.data[i] = Math.max(...marked.map((places) => places[at]!));
  }
  return mask;
}
