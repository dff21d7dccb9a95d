// Between pixels and the network's range: the pictures that a job brings, and the one that comes out.
import { crop, type Canvas, type Part } from '../engine/editing/repaint';
import { resample } from '../engine/editing/resample';
import { AppError } from '../engine/errors';
import { float32, type Tensor } from '../engine/tensor';
import { decodeKept, decodeRgb } from '../files/decode-picture';
import type { Pixels } from './protocol';

/** Any picture file → [1, 3, height, width] in −1…1, cut to the shape around its middle. Throws picture.unreadable. */
export async function readInitPicture(path: string, width: number, height: number): Promise<Tensor> {
  const rgb = await decodeRgb(path, width, height);
  const size = width * height;
  const image = float32([1, 3, height, width]);
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) image.data[c * size + i] = rgb[3 * i + c]! / 127.5 - 1;
  }
  return image;
}

/**
 * A mask or a depth map: any picture file → its brightness [1, 1, height, width] in 0…1, cut as `readInitPicture` cuts. What is transparent
 * counts as white. Resized without overshoot, so that black stays black beside an edge. Throws picture.unreadable.
 */
export async function readGreyPicture(path: string, width: number, height: number): Promise<Tensor> {
  const rgb = await decodeRgb(path, width, height, 'linear');
  // Rec. 601 in whole thousandths: black is exactly 0 and white exactly 1.
  return float32([1, 1, height, width], Float32Array.from({ length: width * height }, (_, i) => (299 * rgb[3 * i]! + 587 * rgb[3 * i + 1]! + 114 * rgb[3 * i + 2]!) / 255_000));
}

/** The same of a part of the picture, at `size`. */
export async function readGreyPart(path: string, size: { width: number; height: number }, { width, height, region }: Part): Promise<Tensor> {
  return resample(crop(await readGreyPicture(path, width, height), region), size.height, size.width, 'bilinear-antialiased');
}

/** Of a picture that is repainted in part: as numbers it takes up to 30 bytes a pixel beside the model. */
const MOST_PIXELS = 32e6;

/** A picture that is repainted in part or outpainted, in its own size or in that of the job, with its opacity; mask and depth map cut and stretched to it. Throws picture.unreadable, job.largeCanvas. */
export async function readCanvas({ init, mask, depth }: { init: string; mask?: string | undefined; depth?: string | undefined }, size?: { width: number; height: number }): Promise<Canvas> {
  const { data, width, height, channels } = await decodeKept(init, size), pixels = width * height;
  if (pixels > MOST_PIXELS) throw new AppError('job.largeCanvas', { width, height, most: MOST_PIXELS / 1e6 });
  const kept = channels === 2 || channels === 4 && !data.every((value, i) => i % 4 !== 3 || value === 255) ? 4 : 3;
  const picture = float32([1, kept, height, width]);
  for (let c = 0; c < kept; c++) {
    const from = channels >= 3 ? c : c === 3 ? channels - 1 : 0;
    for (let i = 0; i < pixels; i++) picture.data[c * pixels + i] = data[channels * i + from]! / 127.5 - 1;
  }
  return { picture, mask: mask === undefined ? float32([1, 1, height, width]) : await readGreyPicture(mask, width, height), depth: depth === undefined ? undefined : await readGreyPicture(depth, width, height) };
}

/** [1, 3 or 4, H, W] in −1…1, clamped → 8-bit RGB, and alpha. */
export function toPixels({ data, dims }: Tensor): Pixels {
  const [, channels, height, width] = dims as [number, number, number, number];
  const size = width * height;
  const rgb = new Uint8Array(3 * size), byte = (value: number): number => Math.min(255, Math.max(0, Math.round((value + 1) * 127.5)));
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = byte(data[c * size + i]!);
  }
  return { width, height, rgb, ...(channels === 4 && { alpha: Uint8Array.from(data.subarray(3 * size), byte) }) };
}
