// From pixels to files: PNG for good, WebP for the strip.
import sharp, { type Sharp } from 'sharp';
import type { Cutout } from '../../engine/vision/cutout';
import type { Picture } from '../../engine/vision/picture';
import type { Pixels } from '../../worker/protocol';
import { withoutTexts } from '../../files/png-chunks';
import { addPngTexts, type PngText } from '../../files/png-text';

const THUMBNAIL_PX = 384;

/** The same pixels and texts give the same bytes: there is no time in them. */
export async function encodePng({ width, height, rgb, alpha }: Pixels, texts: readonly PngText[]): Promise<Uint8Array> {
  const opaque = sharp(rgb, { raw: { width, height, channels: 3 } });
  const png = await (alpha ? opaque.joinChannel(Buffer.from(alpha.buffer, alpha.byteOffset, alpha.length), { raw: { width, height, channels: 1 } }) : opaque).png({ compressionLevel: 6, palette: false }).toBuffer();
  return addPngTexts(png, texts);
}

/** With its transparency. */
export const encodeCutout = ({ width, height, rgba }: Cutout): Promise<Uint8Array> => sharp(rgba, { raw: { width, height, channels: 4 } }).png({ compressionLevel: 6, palette: false }).toBuffer();

/** WebP, longest side 384; a smaller picture keeps its size. */
export const encodeThumbnail = (png: Uint8Array): Promise<Uint8Array> =>
  small(sharp(withoutTexts(png)));

/** The same of pixels. */
export const encodeSmall = ({ width, height, rgb }: Picture): Promise<Uint8Array> => small(sharp(rgb, { raw: { width, height, channels: 3 } }));

const small = (picture: Sharp): Promise<Uint8Array> => picture.resize(THUMBNAIL_PX, THUMBNAIL_PX, { fit: 'inside', withoutEnlargement: true }).webp({ quality: 82 }).toBuffer();
