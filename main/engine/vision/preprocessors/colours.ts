// Colours and brightness: what tile, blur, colour and recolour controls take.
import { grey, type Picture } from '../picture';
import { resizeCubic, resizeNearest, shrink } from '../resize';

export const invert = ({ width, height, rgb }: Picture): Picture => ({ width, height, rgb: rgb.map((value) => 255 - value) });

/** Made smaller by `rate`, so that a tile control sees no more than it should; below 1.1 the picture as it is, as in sd-webui-controlnet. */
export function tileResample(picture: Picture, rate: number): Picture {
  if (rate < 1.1) return picture;
  return shrink(picture, { width: Math.max(1, Math.trunc(picture.width / rate)), height: Math.max(1, Math.trunc(picture.height / rate)) });
}

/** A grid of flat colours, one for each `cell` pixels (T2I-Adapter's colour palette). */
export function colorGrid(picture: Picture, cell: number): Picture {
  const { width, height } = picture;
  return resizeNearest(resizeCubic(picture, { width: Math.max(1, Math.floor(width / cell)), height: Math.max(1, Math.floor(height / cell)) }), { width, height });
}

/** HSV's value, the brightest channel, to the power of `gamma`. */
export const recolorIntensity = ({ width, height, rgb }: Picture, gamma: number): Picture =>
  grey(width, height, (i) => corrected(Math.max(rgb[3 * i]!, rgb[3 * i + 1]!, rgb[3 * i + 2]!), gamma));

/**
 * CIE lightness L*, to the power of `gamma`, in the whole numbers in which OpenCV computes it. Red and blue change places: sd-webui-controlnet takes them in
 * OpenCV's order, and pictures that this control made were made by that.
 */
export function recolorLuminance({ width, height, rgb }: Picture, gamma: number): Picture {
  return grey(width, height, (i) => {
    const light = (871 * toLight[rgb[3 * i + 2]!]! + 2929 * toLight[rgb[3 * i + 1]!]! + 296 * toLight[rgb[3 * i]!]! + 2048) >> 12;
    return corrected((296 * root[light]! - 1336934 + 16384) >> 15, gamma);
  });
}

/** Linear light of an sRGB byte, 0…2040. */
const toLight = Uint16Array.from({ length: 256 }, (_, i) => Math.round(2040 * (i / 255 <= 0.04045 ? i / 255 / 12.92 : ((i / 255 + 0.055) / 1.055) ** 2.4)));
/** CIE's f of it, in 15 bits. */
const root = Uint16Array.from({ length: 2041 }, (_, i) => Math.round(32768 * (i / 2040 < 0.008856 ? 7.787 * (i / 2040) + 16 / 116 : Math.cbrt(i / 2040))));

/** In float32, cut to whole numbers, as numpy does. */
const corrected = (value: number, gamma: number): number => Math.trunc(Math.fround(Math.fround(Math.fround(value / 255) ** gamma) * 255));
