// Between pixels and the network's range: the pictures that a job brings, and the one that comes out.
import { float32, type Tensor } from '../engine/tensor';
import { decodeRgb } from '../files/decode-picture';
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

/** [1, 3, H, W] in −1…1, clamped → 8-bit RGB. */
export function toPixels({ data, dims }: Tensor): Pixels {
  const [, , height, width] = dims as [number, number, number, number];
  const size = width * height;
  const rgb = new Uint8Array(3 * size);
  for (let i = 0; i < size; i++) {
    for (let c = 0; c < 3; c++) rgb[3 * i + c] = Math.min(255, Math.max(0, Math.round((data[c * size + i]! + 1) * 127.5)));
  }
  return { width, height, rgb };
}
