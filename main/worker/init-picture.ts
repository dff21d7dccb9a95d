// The picture that img2img starts from, and the one that comes out: between encoded files, pixels and the network's range.
import sharp from 'sharp';
import { AppError } from '../engine/errors';
import { float32, type Tensor } from '../engine/tensor';
import type { Pixels } from './protocol';

/** Any picture file → [1, 3, height, width] in −1…1: turned upright, cut to the shape around its middle, transparency over white. */
export async function readInitPicture(path: string, width: number, height: number): Promise<Tensor> {
  let data: Buffer;
  try {
    data = await sharp(path).rotate().resize(width, height, { fit: 'cover', kernel: 'lanczos3' })
      .flatten({ background: '#ffffff' }).toColourspace('srgb').removeAlpha().raw().toBuffer();
  } catch (cause) {
    throw new AppError('picture.unreadable', {
      message: `${path.split(/[\\/]/).at(-1)} cannot be read as a picture`, data: { file: path }, cause,
      hint: 'Choose a PNG, JPEG or WebP picture to start from.',
    });
  }
  const size = width * height;
  const channels = data.length / size;                         // grey pictures have one
  const image = float32([1, 3, height, width]);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < size; i++) image.data[c * size + i] = data[i * channels + Math.min(c, channels - 1)]! / 127.5 - 1;
  }
  return image;
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
