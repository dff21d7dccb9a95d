// How alike two pictures are in structure: Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity".
import type { Pixels } from '../../main/worker/protocol';

const SIDE = 8, STEP = 4, C1 = (0.01 * 255) ** 2, C2 = (0.03 * 255) ** 2;

/** The mean SSIM of their luminance over windows of 8×8, −1…1; 1 is the same. */
export function ssim(a: Pixels, b: Pixels): number {
  const [x, y] = [luminance(a), luminance(b)], { width, height } = a, n = SIDE * SIDE;
  let total = 0, count = 0;
  for (let top = 0; top + SIDE <= height; top += STEP) for (let left = 0; left + SIDE <= width; left += STEP, count++) {
    let sumX = 0, sumY = 0, squaresX = 0, squaresY = 0, products = 0;
    for (let i = 0; i < n; i++) {
      const at = (top + Math.floor(i / SIDE)) * width + left + (i % SIDE), p = x[at]!, q = y[at]!;
      sumX += p; sumY += q; squaresX += p * p; squaresY += q * q; products += p * q;
    }
    const meanX = sumX / n, meanY = sumY / n, varianceX = squaresX / n - meanX ** 2, varianceY = squaresY / n - meanY ** 2, covariance = products / n - meanX * meanY;
    total += ((2 * meanX * meanY + C1) * (2 * covariance + C2)) / ((meanX ** 2 + meanY ** 2 + C1) * (varianceX + varianceY + C2));
  }
  return total / count;
}

const luminance = ({ rgb }: Pixels): Float64Array => Float64Array.from({ length: rgb.length / 3 }, (_, i) => 0.299 * rgb[3 * i]! + 0.587 * rgb[3 * i + 1]! + 0.114 * rgb[3 * i + 2]!);
