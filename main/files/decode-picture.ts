// Pictures from anywhere, as pixels. They are upright (EXIF orientation), sRGB, 8 bit, and what is transparent shows white.
import { basename } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { AppError, detailOf } from '../engine/errors';
import { readPlain } from './plain-file';
import { withoutTexts } from './png-chunks';
import { throwIfPassing } from './system-faults';

/** SVG and PDF are programs that draw, so they are not on the list. */
const formats = ['png', 'jpeg', 'webp', 'heif', 'gif', 'tiff'];      // AVIF is told as 'heif'
/** The largest cameras make 100 to 200 million; a small file that claims more is a bomb. */
const MAX_PIXELS = 200e6;

/** An encoded picture: its bytes, or the path of its file. */
export type PictureSource = Uint8Array | string;

/** The picture as width·height·3 bytes of RGB: scaled to cover the size, the rest cut off evenly. Throws picture.unreadable. */
export const decodeRgb = (source: PictureSource, width: number, height: number, kernel: 'lanczos3' | 'linear' = 'lanczos3'): Promise<Uint8Array> => withPicture(source, async (picture) =>
  picture.resize(width, height, { fit: 'cover', position: 'centre', kernel }).flatten({ background: '#ffffff' }).toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer());

/** The picture's own pixels, or with a size scaled and cut as `decodeRgb` does: width·height bytes of each of red, green, blue and, where it is not opaque, alpha, interleaved. Throws picture.unreadable. */
export const decodeKept = (source: PictureSource, size?: { width: number; height: number }): Promise<{ data: Uint8Array; width: number; height: number; channels: number }> => withPicture(source, async (picture) => {
  const fitted = size ? picture.resize(size.width, size.height, { fit: 'cover', position: 'centre', kernel: 'lanczos3' }) : picture;
  const { data, info: { width, height, channels } } = await fitted.toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return { data, width, height, channels };
});

/** The picture in its own size. Throws picture.unreadable. */
export const decodePicture = (source: PictureSource): Promise<{ width: number; height: number; rgb: Uint8Array }> => withPicture(source, async (picture) => {
  const { data, info: { width, height } } = await picture.flatten({ background: '#ffffff' }).toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return { width, height, rgb: data };
});

/** The upright size of a picture that can be decoded to its last row. `name`: what people call it, '' where it has none. Throws picture.unreadable. */
export const checkPicture = (source: PictureSource, name?: string): Promise<{ width: number; height: number }> => withPicture(source, async (picture) => {
  const { autoOrient } = await picture.metadata();
  await picture.clone().resize(16, 16).raw().toBuffer();
  return { width: autoOrient.width, height: autoOrient.height };
}, name);

async function withPicture<T>(source: PictureSource, use: (picture: Sharp) => Promise<T>, name = typeof source === 'string' ? basename(source) : ''): Promise<T> {
  try {
    // Read here, not by path: the decoder would keep the file open, and Windows would not let us move it.
    const picture = sharp(withoutTexts(typeof source === 'string' ? await readPlain(source) : source), { autoOrient: true, limitInputPixels: MAX_PIXELS, failOn: 'error' });
    const { format } = await picture.metadata();
    if (!formats.includes(format)) throw new Error(`it is of the form ${format}`);
    return await use(picture);
  } catch (cause) {
    throwIfPassing(cause, typeof source === 'string' ? source : name);
    throw new AppError('picture.unreadable', { why: 'format', name, detail: detailOf(cause) }, { cause });
  }
}
