// Pictures from anywhere, as pixels. They are upright (EXIF orientation), sRGB, 8 bit, and what is transparent shows white.
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { AppError } from '../engine/errors';
import { withoutTexts } from './png-chunks';

/** SVG and PDF are programs that draw, so they are not on the list. */
const formats = ['png', 'jpeg', 'webp', 'heif', 'gif', 'tiff'];      // AVIF is told as 'heif'
/** The largest cameras make 100 to 200 million; a small file that claims more is a bomb. */
const MAX_PIXELS = 200e6;

/** An encoded picture: its bytes, or the path of its file. */
export type PictureSource = Uint8Array | string;

/** The picture as width·height·3 bytes of RGB: scaled to cover the size, the rest cut off evenly. Throws picture.unreadable. */
export const decodeRgb = (source: PictureSource, width: number, height: number, kernel: 'lanczos3' | 'linear' = 'lanczos3'): Promise<Uint8Array> => withPicture(source, async (picture) =>
  picture.resize(width, height, { fit: 'cover', position: 'centre', kernel }).flatten({ background: '#ffffff' }).toColourspace('srgb').raw({ depth: 'uchar' }).toBuffer());

/** The upright size of a picture that can be decoded to its last row. `name`: what people call it. Throws picture.unreadable. */
export const checkPicture = (source: PictureSource, name?: string): Promise<{ width: number; height: number }> => withPicture(source, async (picture) => {
  const { autoOrient } = await picture.metadata();
  await picture.clone().resize(16, 16).raw().toBuffer();
  return { width: autoOrient.width, height: autoOrient.height };
}, name);

async function withPicture<T>(source: PictureSource, use: (picture: Sharp) => Promise<T>, name = typeof source === 'string' ? basename(source) : 'The picture'): Promise<T> {
  try {
    // Read here, not by path: the decoder would keep the file open, and Windows would not let us move it.
    const picture = sharp(withoutTexts(typeof source === 'string' ? await readFile(source) : source), { autoOrient: true, limitInputPixels: MAX_PIXELS, failOn: 'error' });
    const { format } = await picture.metadata();
    if (!formats.includes(format)) throw new Error(`it is of the form ${format}`);
    return await use(picture);
  } catch (cause) {
    throw new AppError('picture.unreadable', {
      message: `${name} cannot be read as a picture: ${cause instanceof Error ? cause.message : String(cause)}`,
      hint: 'Use a PNG, JPEG, WebP, AVIF, GIF or TIFF of at most 200 million pixels. If it is one, save it again in another program.',
      data: typeof source === 'string' ? { file: source } : {}, cause,
    });
  }
}
