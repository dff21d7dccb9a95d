// What stands for the masked part before it is repainted: the colours around it.
import { float32, type Tensor } from '../tensor';
import { alongBoth } from './mask';

/** Radius, and how often its blur is laid over the last: A1111's. */
const layers = [[256, 1], [64, 1], [16, 2], [4, 4], [2, 2], [0, 1]] as const;

/**
 * The picture [1, 3, H, W] with its masked part [1, 1, H, W] filled with what lies around it: near the edge nearly its pixels, farther away more and more of
 * their mean. As A1111's "fill": blurs of the rest laid over each other, the finest last, in straight numbers in place of 8 bits.
 */
export function fillFromAround(picture: Tensor, mask: Tensor): Tensor {
  const size = mask.data.length, kept = float32([1, 4, ...picture.dims.slice(2)]);
  for (let i = 0; i < size; i++) {
    const share = 1 - mask.data[i]!;
    for (let c = 0; c < 3; c++) kept.data[c * size + i] = share * picture.data[c * size + i]!;
    kept.data[3 * size + i] = share;
  }
  // As layers of paint: colour times opacity, and opacity.
  const paint = float32(kept.dims);
  for (const [radius, times] of layers) {
    const blurred = radius === 0 ? kept : softBlur(kept, radius);
    for (let i = 0; i < size; i++) {
      const share = Math.min(1, blurred.data[3 * size + i]!), left = (1 - share) ** times;
      if (share > 0) for (let c = 0; c < 4; c++) paint.data[c * size + i] = blurred.data[c * size + i]! * ((1 - left) / share) + paint.data[c * size + i]! * left;
    }
  }
  const mean = [0, 1, 2].map((c) => sumOf(kept, c) / Math.max(1, sumOf(kept, 3)));       // where no blur reaches
  return float32(picture.dims, picture.data.map((_, i) => { const opacity = paint.data[3 * size + i % size]!; return opacity > 0 ? paint.data[i]! / opacity : mean[Math.floor(i / size)]!; }));
}

const sumOf = ({ data }: Tensor, channel: number): number => data.subarray(channel * (data.length / 4), (channel + 1) * (data.length / 4)).reduce((a, b) => a + b, 0);

/** [1, C, H, W]. Nearly a Gaussian: three box blurs, as Pillow makes it (Gwosdek et al. 2011). */
export function softBlur(x: Tensor, sigma: number): Tensor {
  const variance = sigma * sigma / 3, whole = Math.floor((Math.sqrt(12 * variance + 1) - 1) / 2);
  const edge = ((2 * whole + 1) * (whole * (whole + 1) - 3 * variance)) / (6 * (variance - (whole + 1) ** 2));
  return alongBoth(x, (line) => boxBlur(boxBlur(boxBlur(line, whole, edge), whole, edge), whole, edge));
}

/** The mean of `whole` samples on each side and a part `edge` of the next; the line's ends go on. */
function boxBlur(line: Float64Array, whole: number, edge: number): Float64Array {
  const last = line.length - 1, at = (i: number): number => line[Math.min(last, Math.max(0, i))]!, weight = 1 / (2 * whole + 1 + 2 * edge);
  let sum = 0;
  for (let i = -whole; i <= whole; i++) sum += at(i);
  return line.map((_, i) => {
    const mean = (sum + edge * (at(i - whole - 1) + at(i + whole + 1))) * weight;
    sum += at(i + whole + 1) - at(i - whole);
    return mean;
  });
}
