// Pictures in another size, by Lanczos' kernel of three lobes, widened where the picture gets smaller so that nothing is left out, as Pillow's LANCZOS.
import { float32, type Tensor } from '../tensor';

const LOBES = 3;

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const lanczos = (x: number): number => (Math.abs(x) < LOBES ? sinc(x) * sinc(x / LOBES) : 0);

/** x [B, C, H, W] → [B, C, height, width]. Beside edges values may go a little beyond those of x. */
export function resize(x: Tensor, height: number, width: number): Tensor {
  const [, , rows, columns] = x.dims;
  const across = columns === width ? x : alongRows(x, tapsOf(columns!, width));
  return rows === height ? across : alongColumns(across, tapsOf(rows!, height));
}

/** Of one place of the result: the weights, which add up to 1, of the places from `first` on. */
interface Taps { readonly first: number; readonly weights: Float64Array }

function tapsOf(from: number, to: number): Taps[] {
  const step = from / to, spread = Math.max(1, step), reach = LOBES * spread;
  return Array.from({ length: to }, (_, i) => {
    const middle = (i + 0.5) * step, first = Math.max(0, Math.round(middle - reach)), end = Math.min(from, Math.round(middle + reach));
    const weights = Float64Array.from({ length: end - first }, (__, k) => lanczos((first + k + 0.5 - middle) / spread));
    const sum = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

function alongRows({ dims: [batch, channels, height, width], data }: Tensor, taps: readonly Taps[]): Tensor {
  const out = float32([batch!, channels!, height!, taps.length]);
  let at = 0;
  for (let row = 0; row < data.length; row += width!) {
    for (const { first, weights } of taps) {
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += weights[k]! * data[row + first + k]!;
      out.data[at++] = sum;
    }
  }
  return out;
}

function alongColumns({ dims: [batch, channels, height, width], data }: Tensor, taps: readonly Taps[]): Tensor {
  const out = float32([batch!, channels!, taps.length, width!]), sum = new Float64Array(width!);
  let at = 0;
  for (let plane = 0; plane < data.length; plane += height! * width!) {
    for (const { first, weights } of taps) {
      sum.fill(0);
      weights.forEach((weight, k) => {
        const row = plane + (first + k) * width!;
        for (let i = 0; i < width!; i++) sum[i]! += weight * data[row + i]!;
      });
      out.data.set(sum, at);
      at += width!;
    }
  }
  return out;
}
