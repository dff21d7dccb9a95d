// Places in a picture, and the squares of it that networks are fed with.
import { float32, type Tensor } from '../tensor';
import type { Picture } from './picture';

/** In pixels: the first pixel reaches from 0 to 1. */
export interface Point { readonly x: number; readonly y: number }
export interface Box { readonly x: number; readonly y: number; readonly width: number; readonly height: number }

/** Anywhere, also beyond the picture's edges. `angle`: how far it is turned clockwise, in radians. */
export interface Square { readonly center: Point; readonly side: number; readonly angle?: number }

/** Of each pixel, so many samples along a side at most: what is made smaller than that shows single pixels. */
const MOST_SAMPLES = 8;

/** What lies in the square, as [1, 3, size, size] in 0…`most`. Made smaller it is averaged; beyond the edges it is black. */
export function sampleSquare(picture: Picture, square: Square, size: number, most = 255): Tensor {
  const out = float32([1, 3, size, size]), plane = size * size, samples = Math.min(MOST_SAMPLES, Math.max(1, Math.round(square.side / size)));
  const weight = most / 255 / samples ** 2, point = inPicture(square);
  for (let row = 0; row < size * samples; row++) {
    for (let column = 0; column < size * samples; column++) {
      const { x, y } = point({ x: (column + 0.5) / (size * samples), y: (row + 0.5) / (size * samples) });
      blend(picture, x - 0.5, y - 0.5, weight, out.data, Math.floor(row / samples) * size + Math.floor(column / samples), plane);
    }
  }
  return out;
}

/** From shares of the square's side to pixels of the picture. */
export function inPicture({ center, side, angle = 0 }: Square): (share: Point) => Point {
  const [across, down] = [side * Math.cos(angle), side * Math.sin(angle)];
  return ({ x, y }) => ({ x: center.x + (x - 0.5) * across - (y - 0.5) * down, y: center.y + (x - 0.5) * down + (y - 0.5) * across });
}

/** The smallest upright square that the picture fits into, in the middle. */
export const wholeSquare = ({ width, height }: { readonly width: number; readonly height: number }): Square => ({ center: { x: width / 2, y: height / 2 }, side: Math.max(width, height) });

/** Adds `weight` times the colour between the four pixels around (x, y). */
function blend({ width, height, rgb }: Picture, x: number, y: number, weight: number, out: Float32Array, at: number, plane: number): void {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  for (let row = top; row <= top + 1; row++) {
    for (let column = left; column <= left + 1; column++) {
      if (row < 0 || column < 0 || row >= height || column >= width) continue;
      const share = weight * (1 - Math.abs(x - column)) * (1 - Math.abs(y - row)), from = 3 * (row * width + column);
      out[at]! += share * rgb[from]!;
      out[at + plane]! += share * rgb[from + 1]!;
      out[at + 2 * plane]! += share * rgb[from + 2]!;
    }
  }
}

/** What two boxes share, of what they cover together. */
export function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x), height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  const shared = Math.max(0, width) * Math.max(0, height), all = a.width * a.height + b.width * b.height - shared;
  return all > 0 ? shared / all : 0;
}

/** What of the box lies in the picture. null for nothing. */
export function within(box: Box, picture: { readonly width: number; readonly height: number }): Box | null {
  const x = Math.max(0, box.x), y = Math.max(0, box.y), width = Math.min(picture.width, box.x + box.width) - x, height = Math.min(picture.height, box.y + box.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** The best first, and of those that overlap more than `most`, the best alone. */
export function bestOf<T extends { readonly box: Box; readonly score: number }>(found: readonly T[], most: number): T[] {
  const kept: T[] = [];
  for (const each of found.toSorted((a, b) => b.score - a.score)) if (kept.every(({ box }) => overlap(box, each.box) <= most)) kept.push(each);
  return kept;
}
