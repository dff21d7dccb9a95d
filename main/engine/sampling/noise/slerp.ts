// Spherical interpolation between two noises, for variation seeds: the result keeps the length of noise, which a straight mix would not.
import { float32, type Tensor } from '../../tensor';
import { lincomb } from '../arithmetic';

/**
 * AUTOMATIC1111's slerp for latents of one picture, [C, H, W]: `low` at 0, `high` at 1. Lengths and angles are taken
 * along H, one for each channel and column, because that is what the program does and seeds shared by people rely on it.
 */
export function slerp(strength: number, low: Tensor, high: Tensor): Tensor {
  const [channels = 0, height = 0, width = 0] = low.dims;
  const dots = new Float64Array(channels * width);
  for (let column = 0; column < dots.length; column++) dots[column] = cosine(low.data, high.data, start(column, height, width), height, width);

  // Nearly the same noise: a straight mix, with the two ends exchanged as in the program that people compare with.
  if (dots.reduce((a, b) => a + b, 0) / dots.length > 0.9995) return lincomb([strength, low], [1 - strength, high]);

  const out = float32(low.dims);
  for (let column = 0; column < dots.length; column++) {
    const omega = Math.acos(dots[column]!);
    const a = Math.sin((1 - strength) * omega) / Math.sin(omega);
    const b = Math.sin(strength * omega) / Math.sin(omega);
    for (let row = 0, i = start(column, height, width); row < height; row++, i += width) out.data[i] = a * low.data[i]! + b * high.data[i]!;
  }
  return out;
}

/** Index of the first value of column `column`, counted over all channels. */
const start = (column: number, height: number, width: number): number => Math.floor(column / width) * height * width + (column % width);

function cosine(a: Float32Array, b: Float32Array, at: number, count: number, stride: number): number {
  let ab = 0, aa = 0, bb = 0;
  for (let k = 0, i = at; k < count; k++, i += stride) {
    ab += a[i]! * b[i]!;
    aa += a[i]! * a[i]!;
    bb += b[i]! * b[i]!;
  }
  return ab / Math.sqrt(aa * bb);
}
