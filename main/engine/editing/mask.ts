// Masks as people draw and set them: grown, blurred, turned round, and the part of the picture that they ask for. A mask is [1, 1, H, W] in 0…1, 1 is
// repainted, in steps of 1/255, so that 0 is surely none of it.
import { float32, type Tensor } from '../tensor';

/** Pixels; `right` and `bottom` are the first outside. */
export interface Box { readonly left: number; readonly top: number; readonly right: number; readonly bottom: number }

export interface MaskSettings {
  readonly invert: boolean;
  /** Pixels on each side; below 0 it shrinks. */
  readonly grow: number;
  /** Standard deviation in pixels. */
  readonly blur: number;
}

export const sizeOfBox = ({ left, top, right, bottom }: Box): { width: number; height: number } => ({ width: right - left, height: bottom - top });

/** In this order: turned round, grown, blurred. */
export function shapeMask(mask: Tensor, { invert, grow, blur }: MaskSettings): Tensor {
  const own = invert ? inverted(mask) : mask;
  const grown = grow >= 0 ? growMask(own, grow) : inverted(growMask(inverted(own), -grow));
  return toSteps(blur > 0 ? gaussianBlur(grown, blur) : grown);
}

const inverted = ({ dims, data }: Tensor): Tensor => float32(dims, data.map((value) => 1 - value));
export const toSteps = ({ dims, data }: Tensor): Tensor => float32(dims, data.map((value) => Math.round(Math.min(1, Math.max(0, value)) * 255) / 255));

/** The largest within a square of 2·by + 1 pixels. What lies outside the picture does not count. */
const growMask = (mask: Tensor, by: number): Tensor => (by === 0 ? mask : alongBoth(mask, (line) => slidingMax(line, by)));

/** With windows of 1, 2, 4 … up to the whole one, so that a wide one costs little. */
function slidingMax(line: Float64Array, by: number): Float64Array {
  const length = line.length, window = 2 * by + 1, max = new Float64Array(length + 2 * by);
  max.set(line, by);
  let reach = 1;
  const widen = (step: number): void => { for (let i = 0; i + step < max.length; i++) max[i] = Math.max(max[i]!, max[i + step]!); };
  for (; 2 * reach <= window; reach *= 2) widen(reach);
  if (reach < window) widen(window - reach);
  return max.subarray(0, length);
}

/** As OpenCV blurs for A1111: a kernel of 2·int(2.5·sigma + 0.5) + 1 pixels, and the picture mirrored at its edges. */
export function gaussianBlur(x: Tensor, sigma: number): Tensor {
  const reach = Math.trunc(2.5 * sigma + 0.5);
  if (reach === 0) return x;
  const raw = Array.from({ length: 2 * reach + 1 }, (_, k) => Math.exp(-((k - reach) ** 2) / (2 * sigma * sigma))), sum = raw.reduce((a, b) => a + b, 0);
  const kernel = Float64Array.from(raw, (weight) => weight / sum);
  return alongBoth(x, (line) => {
    const mirrored = Float64Array.from({ length: line.length + 2 * reach }, (_, i) => line[mirror(i - reach, line.length)]!);
    return line.map((_, i) => { let total = 0; for (let k = 0; k < kernel.length; k++) total += kernel[k]! * mirrored[i + k]!; return total; });
  });
}

/** … 2 1 | 0 1 2 … n−1 | n−2 … */
function mirror(i: number, size: number): number {
  if (size === 1) return 0;
  const period = 2 * (size - 1), at = ((i % period) + period) % period;
  return at < size ? at : period - at;
}

/** Each row, then each column, of every plane. */
export function alongBoth(x: Tensor, change: (line: Float64Array) => Float64Array): Tensor {
  const [batch, channels, height, width] = x.dims as [number, number, number, number], out = Float64Array.from(x.data);
  for (let plane = 0; plane < batch * channels; plane++) {
    const base = plane * height * width;
    for (let y = 0; y < height; y++) out.set(change(out.subarray(base + y * width, base + (y + 1) * width)), base + y * width);
    const column = new Float64Array(height);
    for (let i = 0; i < width; i++) {
      for (let y = 0; y < height; y++) column[y] = out[base + y * width + i]!;
      const changed = change(column);
      for (let y = 0; y < height; y++) out[base + y * width + i] = changed[y]!;
    }
  }
  return float32(x.dims, Float32Array.from(out));
}

/** What encloses all that is not 0; null where there is nothing. */
export function boundsOf({ data, dims }: Tensor): Box | null {
  const [, , height, width] = dims as [number, number, number, number];
  let left = width, top = height, right = 0, bottom = 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    const x = i % width, y = Math.floor(i / width);
    left = Math.min(left, x); right = Math.max(right, x + 1);
    top = Math.min(top, y); bottom = Math.max(bottom, y + 1);
  }
  return right === 0 ? null : { left, top, right, bottom };
}

interface Size { readonly width: number; readonly height: number }

/** With `padding` around it, then as wide or as high as the shape of `job` asks for, moved back into the picture where it sticks out. As A1111's expand_crop_region. */
export function expandRegion({ left, top, right, bottom }: Box, padding: number, job: Size, picture: Size): Box {
  const x: Range = [Math.max(0, left - padding), Math.min(picture.width, right + padding)], y: Range = [Math.max(0, top - padding), Math.min(picture.height, bottom + padding)];
  const width = x[1] - x[0], height = y[1] - y[0], shape = job.width / job.height;
  const wide = width / height > shape;
  const across = wide ? x : widen(x, Math.trunc(height * shape - width), picture.width), down = wide ? widen(y, Math.trunc(width / shape - height), picture.height) : y;
  return { left: across[0], top: down[0], right: across[1], bottom: down[1] };
}

type Range = readonly [from: number, to: number];

function widen([from, to]: Range, by: number, size: number): Range {
  let start = from - Math.floor(by / 2), end = to + by - Math.floor(by / 2);
  if (end >= size) { start -= end - size; end = size; }
  if (start < 0) { end -= start; start = 0; }
  return [start, Math.min(end, size)];
}
