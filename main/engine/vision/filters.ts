// Filters over interleaved samples, with OpenCV's borders and kernel sizes.
import { planeOf, type Picture, type Plane } from './picture';
import { roundEven } from './resize';

/** cv2.GaussianBlur of floats, with a kernel that follows from sigma (4 of them to each side) and edges mirrored without repeating the edge (BORDER_REFLECT_101). */
export const gaussianBlur = (plane: Plane<ArrayLike<number>>, sigma: number): Plane => separable(plane, gaussianKernel(sigma, 4));

/** cv2.GaussianBlur of bytes, to the bit: 3 sigmas to each side, weights in 256ths with what rounding leaves carried on to the next. */
export function gaussianBlurBytes(picture: Picture, sigma: number): Picture {
  const kernel = gaussianKernel(sigma, 3), half = kernel.length >> 1, weights = new Float64Array(kernel.length);
  let carried = 0, left = 256;
  for (let i = 0; i < half; i++) {
    const wanted = kernel[i]! * 256 + carried, weight = roundEven(wanted);
    carried = wanted - weight;
    left -= 2 * weight;
    weights[i] = weights[kernel.length - 1 - i] = weight / 256;
  }
  weights[half] = left / 256;
  return { ...picture, rgb: Uint8Array.from(separable(planeOf(picture), weights).data, Math.round) };
}

function separable({ width, height, channels, data }: Plane<ArrayLike<number>>, kernel: ArrayLike<number>): Plane {
  const radius = kernel.length >> 1;
  const rows = new Float32Array(width * height * channels), out = new Float32Array(rows.length);
  const xs = mirrored(width, radius), ys = mirrored(height, radius), stride = width * channels;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let k = 0; k < kernel.length; k++) sum += kernel[k]! * data[y * stride + xs[x + k]! * channels + c]!;
        rows[y * stride + x * channels + c] = sum;
      }
    }
  }
  const sums = new Float64Array(stride);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let k = 0; k < kernel.length; k++) {
      const weight = kernel[k]!, from = ys[y + k]! * stride;
      for (let i = 0; i < stride; i++) sums[i]! += weight * rows[from + i]!;
    }
    out.set(sums, y * stride);
  }
  return { width, height, channels, data: out };
}

/** Sums to 1; at least one tap. `reach`: to so many sigmas. */
function gaussianKernel(sigma: number, reach: number): Float64Array {
  const size = Math.round(sigma * reach * 2 + 1) | 1;
  const taps = Float64Array.from({ length: size }, (_, i) => Math.exp(-((i - (size >> 1)) ** 2) / (2 * sigma * sigma)));
  const sum = taps.reduce((a, b) => a + b, 0);
  return taps.map((tap) => tap / sum);
}

/** Where to read for −radius … size − 1 + radius. */
function mirrored(size: number, radius: number): Int32Array {
  const period = 2 * (size - 1);
  return Int32Array.from({ length: size + 2 * radius }, (_, i) => {
    if (size === 1) return 0;
    const at = (((i - radius) % period) + period) % period;
    return at < size ? at : period - at;
  });
}

export interface Gradients { readonly dx: Float32Array; readonly dy: Float32Array }

/** Sobel 3×3 of each channel, edges repeated (BORDER_REPLICATE). Exact for whole numbers. */
export function sobel({ width, height, channels, data }: Plane<ArrayLike<number>>): Gradients {
  const dx = new Float32Array(width * height * channels), dy = new Float32Array(dx.length), stride = width * channels;
  for (let y = 0; y < height; y++) {
    const here = y * stride, above = Math.max(0, y - 1) * stride, below = Math.min(height - 1, y + 1) * stride;
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const l = Math.max(0, x - 1) * channels + c, m = x * channels + c, r = Math.min(width - 1, x + 1) * channels + c;
        const nw = data[above + l]!, ne = data[above + r]!, sw = data[below + l]!, se = data[below + r]!;
        dx[here + m] = ne + 2 * data[here + r]! + se - nw - 2 * data[here + l]! - sw;
        dy[here + m] = sw + 2 * data[below + m]! + se - nw - 2 * data[above + m]! - ne;
      }
    }
  }
  return { dx, dy };
}
