// Soft inpainting: the mask's greys say how much may change. A1111's way, which blends latents as they form and takes of the answer what became another
// picture, and the original one (Levin & Fried 2023, arXiv:2306.00950), in which a part joins in when its turn comes.
import type { SoftInpaint } from '../../../preload/contract/editing';
import { lincomb } from '../sampling/arithmetic';
import { sigmaToT, type SigmaTable } from '../sampling/model-sampling';
import { float32, type Tensor } from '../tensor';
import { softBlur } from './infill';
import { resample } from './resample';

/** The mask at a noise level: small powers of it, so that at the last every part that may change at all does. */
export const maskAt = (mask: Tensor, sigma: number, { bias, preservation }: SoftInpaint): Tensor =>
  float32(mask.dims, mask.data.map((value) => value ** (sigma ** bias * preservation)));

/** [1, C, h, w] on the line from `original` to `repainted`, as long as their lengths' mean in the power `contrast` says. `share` [1, 1, h, w]. */
export function blendLatents(original: Tensor, repainted: Tensor, share: Tensor, contrast: number): Tensor {
  const size = share.data.length, channels = original.data.length / size, out = float32(original.dims);
  const length = ({ data }: Tensor, i: number): number => { let sum = 0; for (let c = 0; c < channels; c++) sum += data[c * size + i]! ** 2; return Math.sqrt(sum); };
  for (let i = 0; i < size; i++) {
    const to = share.data[i]!;
    for (let c = 0; c < channels; c++) out.data[c * size + i] = original.data[c * size + i]! * (1 - to) + repainted.data[c * size + i]! * to;
    if (to === 0 || to === 1) continue;
    const wanted = (length(original, i) ** contrast * (1 - to) + length(repainted, i) ** contrast * to) ** (1 / contrast), scale = wanted / (length(out, i) + 1e-5);
    for (let c = 0; c < channels; c++) out.data[c * size + i]! *= scale;
  }
  return out;
}

/** Of the answer, how much is taken [1, 1, H, W]: where latents have become others, more than where they have hardly changed. */
export function changedParts(original: Tensor, repainted: Tensor, mask: Tensor, { preservation, influence, threshold, edge }: SoftInpaint, height: number, width: number): Tensor {
  const size = mask.data.length, difference = lincomb([1, repainted], [-1, original]), distance = float32(mask.dims);
  for (let i = 0; i < difference.data.length; i++) distance.data[i % size]! += difference.data[i]! ** 2;
  distance.data.forEach((value, i) => { distance.data[i] = Math.sqrt(value); });
  const steady = weightedMean(weightedMean(distance, 0.9, 1), 0.25, 0.75);
  const taken = steady.data.map((value, i) => {
    const kept = 0.5 * (1 - influence) + (1 - mask.data[i]! ** (preservation / 2)) * influence, half = threshold * (kept / (1.00001 - kept));
    const opacity = half === 0 ? (value > 0 ? 0 : 1) : 1 / (1 + (value / half) ** edge);
    return Math.floor(255 * (1 - smootherstep(opacity))) / 255;
  });
  return softBlur(resample(float32(mask.dims, taken), height, width, 'lanczos'), 4);
}

const smootherstep = (x: number): number => x * x * x * (x * (6 * x - 15) + 10);

/** Around each place, the mean of those values that lie between two shares of the order, nearer ones counting more. */
function weightedMean(x: Tensor, from: number, to: number): Tensor {
  const [, , height, width] = x.dims as [number, number, number, number];
  return float32(x.dims, x.data.map((_, at) => {
    const column = at % width, row = Math.floor(at / width), near: [value: number, weight: number][] = [];
    for (let dy = -2; dy <= 2; dy++) {
      for (let dx = -2; dx <= 2; dx++) {
        if (row + dy >= 0 && row + dy < height && column + dx >= 0 && column + dx < width) near.push([x.data[(row + dy) * width + column + dx]!, nearness(dx * dx + dy * dy)]);
      }
    }
    near.sort(([a], [b]) => a - b);
    const sum = near.reduce((all, [, weight]) => all + weight, 0);
    let low = sum * from, high = sum * to, below = 0, total = 0, share = 0;
    if (high - low < 1) {
      [low, high] = [(low + high) / 2 - 0.5, (low + high) / 2 + 0.5];
      if (high > sum) [low, high] = [sum - 1, sum];
      if (low < 0) [low, high] = [0, 1];
    }
    for (const [value, weight] of near) {
      const part = Math.max(0, Math.min(high, below + weight) - Math.max(low, below));
      total += value * part; share += part; below += weight;
    }
    return share > 0 ? total / share : 0;
  }));
}

/** A Gaussian of radius 1.5 that is 0 at a distance of 3. */
const nearness = (squared: number): number => Math.max(0, (Math.exp(-squared / 2.25) - Math.exp(-4)) / (1 - Math.exp(-4)));

/** 1 where a part's turn has come: white ones at the first noise level, `first`, dark ones at the last, `last`. As ComfyUI's DifferentialDiffusion. */
export function turnsAt(mask: Tensor, sigma: number, { first, last, table }: { first: number; last: number; table: SigmaTable }): Tensor {
  const [t, from, to] = [sigma, first, Math.max(last, table.sigmas[0]!)].map((level) => sigmaToT(table, level)) as [number, number, number];
  const threshold = from > to ? (t - to) / (from - to) : 0;
  return float32(mask.dims, mask.data.map((value) => (value >= threshold ? 1 : 0)));
}
