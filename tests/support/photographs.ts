// The photographs of tests/pictures as pixels, and pictures that are put together from them.
import sharp, { type OverlayOptions, type Sharp } from 'sharp';
import type { Picture } from '../../main/engine/vision/picture';

export const photograph = (name: 'astronaut' | 'chelsea' | 'coffee', change: (picture: Sharp) => Sharp = (picture) => picture): Promise<Picture> =>
  pixels(change(sharp(photographPath(name))));
export const photographPath = (name: string): string => new URL(`../pictures/${name}.jpg`, import.meta.url).pathname;

/** The astronaut as often as there are `places`, each `side` pixels large, mirrored or not, on grey. */
export async function crowd(width: number, height: number, places: readonly { readonly x: number; readonly y: number; readonly side: number; readonly mirrored?: boolean }[]): Promise<Picture> {
  const all = await Promise.all(places.map(async ({ x, y, side, mirrored = false }): Promise<OverlayOptions> => ({
    input: await sharp(photographPath('astronaut')).resize(side, side).flop(mirrored).png().toBuffer(), left: x, top: y,
  })));
  return pixels(sharp(await sharp({ create: { width, height, channels: 3, background: '#606870' } }).composite(all).png().toBuffer()));
}

async function pixels(picture: Sharp): Promise<Picture> {
  const { data: rgb, info: { width, height } } = await picture.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width, height, rgb };
}
