// Pictures and latents made larger or smaller, by the filters that other programs name: torch's interpolate with and without antialiasing, and Pillow's.
import { resize } from '../pipeline/resize';
import { float32, type Tensor } from '../tensor';

/** `antialiased`: as Pillow does and torch with that option; made larger they differ from the others at the edges, and in bicubic's curve. */
export type Filter = 'nearest' | 'nearest-exact' | 'bilinear' | 'bicubic' | 'bilinear-antialiased' | 'bicubic-antialiased' | 'lanczos';

/** Of one output: the first input that counts, and how much it and those behind it do. */
interface Taps { readonly first: number; readonly weights: readonly number[] }

/** [B, C, h, w] → [B, C, height, width]. */
export function resample(x: Tensor, height: number, width: number, filter: Filter): Tensor {
  const [batch, channels, h, w] = x.dims as [number, number, number, number];
  if (h === height && w === width) return x;
  if (filter === 'lanczos') return resize(x, height, width);
  const across = tapsOf(w, width, filter), down = tapsOf(h, height, filter);
  const out = float32([batch, channels, height, width]), wide = new Float64Array(h * width);
  for (let plane = 0; plane < batch * channels; plane++) {
    const from = plane * h * w, to = plane * height * width;
    for (let y = 0; y < h; y++) {
      for (let i = 0; i < width; i++) {
        const { first, weights } = across[i]!;
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * x.data[from + y * w + first + k]!;
        wide[y * width + i] = sum;
      }
    }
    for (let j = 0; j < height; j++) {
      const { first, weights } = down[j]!;
      for (let i = 0; i < width; i++) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * wide[(first + k) * width + i]!;
        out.data[to + j * width + i] = sum;
      }
    }
  }
  return out;
}

function tapsOf(from: number, to: number, filter: Exclude<Filter, 'lanczos'>): Taps[] {
  const scale = from / to, each = (tap: (i: number) => Taps): Taps[] => Array.from({ length: to }, (_, i) => tap(i));
  switch (filter) {
    case 'nearest': return each((i) => ({ first: Math.min(from - 1, Math.floor(i * scale)), weights: [1] }));
    case 'nearest-exact': return each((i) => ({ first: Math.min(from - 1, Math.floor((i + 0.5) * scale)), weights: [1] }));
    // Torch moves what lies before the first sample onto it.
    case 'bilinear': return each((i) => around(Math.max(0, (i + 0.5) * scale - 0.5), from, [0, 1], triangle));
    case 'bicubic': return each((i) => around((i + 0.5) * scale - 0.5, from, [-1, 0, 1, 2], cubic(-0.75)));
    case 'bilinear-antialiased': return each((i) => within(i, from, scale, 1, triangle));
    case 'bicubic-antialiased': return each((i) => within(i, from, scale, 2, cubic(-0.5)));
  }
}

/** Samples beyond the edge are the edge's. */
function around(at: number, size: number, offsets: readonly number[], curve: (x: number) => number): Taps {
  const base = Math.floor(at), clamp = (k: number): number => Math.min(size - 1, Math.max(0, k)), first = clamp(base + offsets[0]!);
  const weights = new Array<number>(clamp(base + offsets.at(-1)!) - first + 1).fill(0);
  for (const offset of offsets) weights[clamp(base + offset) - first]! += curve(base + offset - at);
  return { first, weights };
}

/** Samples beyond the edge do not count. Made smaller, the curve is as wide as an output. */
function within(i: number, size: number, scale: number, radius: number, curve: (x: number) => number): Taps {
  const stretch = Math.max(1, scale), centre = (i + 0.5) * scale;
  const first = Math.max(0, Math.trunc(centre - radius * stretch + 0.5)), end = Math.min(size, Math.trunc(centre + radius * stretch + 0.5));
  const raw = Array.from({ length: end - first }, (_, k) => curve((first + k + 0.5 - centre) / stretch)), sum = raw.reduce((a, b) => a + b, 0);
  return { first, weights: raw.map((weight) => weight / sum) };
}

const triangle = (x: number): number => Math.max(0, 1 - Math.abs(x));

/** Keys 1981. `a`: the slope at 1. */
const cubic = (a: number) => (x: number): number => {
  const d = Math.abs(x);
  return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
};
