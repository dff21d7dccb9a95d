// What a detail pass repaints: boxes that were found become masks as ADetailer makes them (adetailer/common.py, mask.py): which of them, in which order, how
// far moved and grown, and whether together.
import type { Detail } from '../../../preload/contract/detail';
import type { Picture, Plane } from './picture';
import type { Box } from './squares';

/** Of what was found, which is repainted and how its mask is made. */
export type DetailSettings = Pick<Detail, 'confidence' | 'minRatio' | 'maxRatio' | 'largest' | 'order' | 'xOffset' | 'yOffset' | 'dilateErode' | 'together'>;

/** What a network found. */
export interface Found { readonly box: Box; readonly score: number }
/** One channel: 255 is repainted. */
export type Mask = Plane<Uint8Array>;

/** One mask a pass, in the order of the passes; none where nothing is left, so that the picture stays as it is. */
export function detailMasks(found: readonly Found[], size: Pick<Picture, 'width' | 'height'>, settings: DetailSettings): Mask[] {
  const masks = chosen(found, size, settings).map(({ box }) => grown(boxMask(moved(box, settings), size), settings.dilateErode)).filter(({ data }) => data.includes(255));
  if (settings.together === 'none' || masks.length === 0) return masks;
  const merged = masks[0]!.data.map((_, i) => (masks.some(({ data }) => data[i] === 255) ? 255 : 0));
  return [{ ...masks[0]!, data: settings.together === 'merge' ? merged : merged.map((value) => 255 - value) }];
}

/** The boxes that are repainted, in the order of the passes. */
export function chosen<T extends Found>(found: readonly T[], { width, height }: Pick<Picture, 'width' | 'height'>, { confidence, minRatio, maxRatio, largest, order }: DetailSettings): T[] {
  const area = ({ box }: T): number => box.width * box.height, ratio = (each: T): number => area(each) / (width * height);
  const fitting = found.filter((each) => each.score >= confidence && ratio(each) >= minRatio && ratio(each) <= maxRatio);
  const kept = largest > 0 ? fitting.toSorted((a, b) => area(b) - area(a)).slice(0, largest) : fitting;
  const offCentre = ({ box }: T): number => Math.hypot(box.x + box.width / 2 - width / 2, box.y + box.height / 2 - height / 2);
  switch (order) {
    case 'found': return [...kept];
    case 'left to right': return kept.toSorted((a, b) => a.box.x - b.box.x);
    case 'centre to edge': return kept.toSorted((a, b) => offCentre(a) - offCentre(b));
    case 'area': return kept.toSorted((a, b) => area(b) - area(a));
  }
}

/** What leaves the picture is gone; ADetailer lets it come in again on the other side. */
const moved = (box: Box, { xOffset, yOffset }: DetailSettings): Box => ({ ...box, x: box.x + xOffset, y: box.y - yOffset });

/** Every pixel that the box touches, its last row and column too. */
function boxMask({ x, y, width: across, height: down }: Box, { width, height }: Pick<Picture, 'width' | 'height'>): Mask {
  const data = new Uint8Array(width * height);
  for (let row = Math.max(0, Math.floor(y)); row <= Math.min(height - 1, Math.floor(y + down)); row++) {
    const from = Math.max(0, Math.floor(x)), to = Math.min(width - 1, Math.floor(x + across));
    if (from <= to) data.fill(255, row * width + from, row * width + to + 1);
  }
  return { width, height, channels: 1, data };
}

/** OpenCV's dilate and erode by a square: of an even side, its middle is the pixel behind. What is beyond the edges changes nothing. */
function grown(mask: Mask, by: number): Mask {
  const side = Math.abs(by), before = Math.floor(side / 2), wanted = by > 0 ? 255 : 0;
  if (side < 2) return mask;
  const { width, height } = mask;
  const along = (data: Uint8Array, length: number, step: number, index: (line: number) => number, lines: number): Uint8Array => {
    const out = data.slice();
    for (let line = 0; line < lines; line++) {
      for (let i = 0; i < length; i++) {
        for (let j = Math.max(0, i - before); j < Math.min(length, i - before + side); j++) if (data[index(line) + j * step] === wanted) { out[index(line) + i * step] = wanted; break; }
      }
    }
    return out;
  };
  const rows = along(mask.data, width, 1, (line) => line * width, height);
  return { ...mask, data: along(rows, height, width, (line) => line, width) };
}
