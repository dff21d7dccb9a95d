// Lines and edges without a network: white on black, as ControlNets take them.
import { gaussianBlur, sobel } from '../filters';
import { darkest, grey, luma, planeOf, type Picture } from '../picture';

/** Dark lines on light paper, by lllyasviel's lineart_standard: how much darker a pixel is than what lies around it, against the median of the lines. */
export function lineartStandard(picture: Picture, sigma: number, threshold: number): Picture {
  const { width, height, rgb } = picture;
  const difference = gaussianBlur(planeOf(picture), sigma).data.map((value, i) => value - rgb[i]!);
  const darker = Float32Array.from({ length: width * height }, (_, i) => Math.min(255, Math.max(0, darkest(difference, i))));
  const unit = Math.max(16, median(darker.filter((value) => value > threshold)));
  return grey(width, height, (i) => Math.min(255, Math.trunc(Math.fround(Math.fround(darker[i]! / unit) * 127))));
}

/**
 * Scribbles by the difference of two Gaussians (Winnemöller 2011, XDoG), as sd-webui-controlnet's scribble_xdog. There a byte overflows, which leaves holes in
 * the darkest lines; here none are.
 */
export function scribbleXdog(picture: Picture, threshold: number): Picture {
  const near = gaussianBlur(planeOf(picture), 0.5).data, far = gaussianBlur(planeOf(picture), 5).data;
  const difference = far.map((value, i) => value - near[i]!);
  // Their whole numbers are 255 − ⌊255 − d⌋, which is d rounded up.
  return grey(picture.width, picture.height, (i) => (2 * Math.ceil(Math.min(255, Math.max(0, darkest(difference, i)))) > threshold ? 255 : 0));
}

/** A drawing in dark lines as a scribble: what is dark in any channel is white. */
export const scribbleThreshold = ({ width, height, rgb }: Picture, threshold: number): Picture => grey(width, height, (i) => (darkest(rgb, i) < threshold ? 255 : 0));

/** White where all channels are above the threshold. */
export const threshold = ({ width, height, rgb }: Picture, limit: number): Picture => grey(width, height, (i) => (darkest(rgb, i) > limit ? 255 : 0));

/** Thin lines as bright as the edges are strong: gradients of the blurred brightness, thinned across the edge, and drawn with a soft pen. */
export function lineartGradient(picture: Picture, sigma: number, threshold: number): Picture {
  const { width, height } = picture, size = width * height;
  const { dx, dy } = sobel(gaussianBlur({ width, height, channels: 1, data: luma(picture) }, sigma));
  const strength = Float32Array.from({ length: size }, (_, i) => Math.hypot(dx[i]!, dy[i]!) / 4);
  const at = (x: number, y: number): number => (x < 0 || y < 0 || x >= width || y >= height ? 0 : strength[y * width + x]!);
  const ridge = strength.map((value, i) => {
    if (value <= threshold) return 0;
    const x = i % width, y = (i - x) / width, ux = Math.round(dx[i]! / (4 * value)), uy = Math.round(dy[i]! / (4 * value));
    return value > at(x - ux, y - uy) && value >= at(x + ux, y + uy) ? value : 0;
  });
  const full = strongLine(ridge), drawn = gaussianBlur({ width, height, channels: 1, data: ridge }, 0.7).data;
  // A straight line keeps 1 / (0.7 √2π) of its height under the pen.
  return grey(width, height, (i) => Math.min(255, Math.round(255 * 1.75 * drawn[i]! / full)));
}

/** Soft edges at three scales, the finer ones within the coarser: in the place of a HED. */
export function softedgeGradient(picture: Picture): Picture {
  const { width, height } = picture, brightness = { width, height, channels: 1, data: luma(picture) };
  const sum = new Float32Array(width * height);
  for (const sigma of [1, 2, 4]) {
    const { dx, dy } = sobel(gaussianBlur(brightness, sigma));
    for (let i = 0; i < sum.length; i++) sum[i]! += sigma * Math.hypot(dx[i]!, dy[i]!) / 12;
  }
  const full = strongLine(sum);
  return grey(width, height, (i) => Math.min(255, Math.round(255 * sum[i]! / full)));
}

/** What becomes white: the 90th percentile of the lines, but never so little that noise would be drawn. */
function strongLine(strength: Float32Array): number {
  const lines = strength.filter((value) => value > 2).sort();
  return Math.max(16, lines[Math.floor(0.9 * lines.length)] ?? 0);
}

/** 0 of none. */
function median(values: Float32Array): number {
  const sorted = values.sort(), half = sorted.length >> 1;
  return sorted.length === 0 ? 0 : sorted.length % 2 === 1 ? sorted[half]! : Math.fround((sorted[half - 1]! + sorted[half]!) / 2);
}
