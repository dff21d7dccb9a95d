// A picture in overlapping tiles: where they lie, and how what was made of each becomes one picture again, without a seam.
//
// Along each axis tiles are of one size (so that one session does them all) and lie evenly. Over the middle half of what two neighbours share, one fades into
// the other; the rest of it, where a tile lacks its surroundings most, counts for nothing. Along both axes the shares of all tiles add up to 1.
import { float32, type Tensor } from '../tensor';

/** Along one axis, in units of what is read: it reads `from` up to `to`, fades in over `enter` and out over `leave`. */
export interface Span { readonly from: number; readonly to: number; readonly enter: Range; readonly leave: Range }
type Range = readonly [start: number, end: number];

export interface Tile { readonly y: Span; readonly x: Span }

/** `length` in as few spans of `most` or less as share `overlap` or more with the next; one where that is enough. All are multiples of `unit`, if `length` and `most` are. */
export function spansOf(length: number, most: number, overlap: number, unit = 1): Span[] {
  if (length <= most) return [{ from: 0, to: length, enter: [0, 0], leave: [length, length] }];
  const count = Math.ceil((length - overlap) / (most - overlap)), size = Math.ceil((length + (count - 1) * overlap) / count / unit) * unit;
  const starts = Array.from({ length: count }, (_, i) => Math.floor((i * (length - size)) / (count - 1) / unit) * unit);
  const fades = starts.slice(1).map((start, i): Range => { const shared = starts[i]! + size - start; return [start + shared / 4, start + (shared * 3) / 4]; });
  return starts.map((from, i) => ({ from, to: from + size, enter: fades[i - 1] ?? [0, 0], leave: fades[i] ?? [length, length] }));
}

/** Row by row. */
export const tilesOf = (rows: readonly Span[], columns: readonly Span[]): Tile[] => rows.flatMap((y) => columns.map((x) => ({ y, x })));

/** What a tile reads of x [B, C, H, W]. */
export function cut(x: Tensor, { y: { from: top, to: bottom }, x: { from: left, to: right } }: Tile): Tensor {
  const [batch, channels, height, width] = x.dims as [number, number, number, number];
  const out = float32([batch, channels, bottom - top, right - left]);
  let at = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let row = top; row < bottom; row++, at += right - left) {
      const start = (plane * height + row) * width;
      out.data.set(x.data.subarray(start + left, start + right), at);
    }
  }
  return out;
}

/** Adds what was made of a tile, `scale` times as large (or less than 1), to `sum` [B, C, scale·H, scale·W], in its share. */
export function addTile(sum: Tensor, made: Tensor, { y, x }: Tile, scale: number): void {
  const [, , height, width] = sum.dims as [number, number, number, number], [, , rows, columns] = made.dims as [number, number, number, number];
  const [top, left] = [Math.round(y.from * scale), Math.round(x.from * scale)], [down, across] = [sharesOf(y, rows, scale), sharesOf(x, columns, scale)];
  for (let plane = 0; plane < made.data.length / (rows * columns); plane++) {
    for (let row = 0; row < rows; row++) {
      const share = down[row]!, to = (plane * height + top + row) * width + left, from = (plane * rows + row) * columns;
      if (share === 0) continue;
      for (let column = 0; column < columns; column++) {
        const part = share * across[column]!;
        if (part !== 0) sum.data[to + column]! += part * made.data[from + column]!;
      }
    }
  }
}

/** Of each row or column of what was made of a tile, by where its middle lies. */
function sharesOf({ from, enter, leave }: Span, count: number, scale: number): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => {
    const at = from + (i + 0.5) / scale;
    return risen(at, enter) - risen(at, leave);
  });
}

/** 0 before the range, 1 behind it. */
const risen = (at: number, [start, end]: Range): number => (at >= end ? 1 : at <= start ? 0 : (at - start) / (end - start));
