// Pictures as the vision functions take them: 8-bit sRGB, as files have it.

/** `rgb.length === width * height * 3`, row-major, no padding. */
export interface Picture { readonly width: number; readonly height: number; readonly rgb: Uint8Array }

/** Samples of any count of channels, interleaved: `data.length === width * height * channels`. */
export interface Plane<A extends ArrayLike<number> = Float32Array> { readonly width: number; readonly height: number; readonly channels: number; readonly data: A }

export const planeOf = ({ width, height, rgb }: Picture): Plane<Uint8Array> => ({ width, height, channels: 3, data: rgb });

/** One value a pixel → grey. */
export function grey(width: number, height: number, value: (pixel: number) => number): Picture {
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) rgb.fill(value(i), 3 * i, 3 * i + 3);
  return { width, height, rgb };
}

/** Rec. 601 in whole thousandths, 0…255: black is exactly 0 and white exactly 255. */
export function luma({ width, height, rgb }: Picture): Float32Array {
  return Float32Array.from({ length: width * height }, (_, i) => (299 * rgb[3 * i]! + 587 * rgb[3 * i + 1]! + 114 * rgb[3 * i + 2]!) / 1000);
}

/** The smallest of a pixel's three samples. */
export const darkest = (rgb: ArrayLike<number>, pixel: number): number => Math.min(rgb[3 * pixel]!, rgb[3 * pixel + 1]!, rgb[3 * pixel + 2]!);
