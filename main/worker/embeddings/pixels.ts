// Data in the pixels of a picture, as A1111 hides an embedding there (modules/textual_inversion/image_embedding.py): a block at the left edge has the
// low half of each byte, one at the right edge the high half, in the low four bits of red, green and blue; a black column divides each from the picture.

/** A picture's red, green, blue and what else it has, row by row. */
export interface Raster { readonly data: Uint8Array; readonly width: number; readonly height: number; readonly channels: number }

/** The bytes that the two blocks hold, with what fills them up at the end; null where the picture is not divided so. Linear in the pixels. */
export function hiddenBytes(raster: Raster): Uint8Array | null {
  if (raster.channels < 3) return null;
  const { top, bottom, left, right } = withoutBorder(raster);
  const dividers = darkColumns(raster, top, bottom).filter((x) => x >= left && x < right);
  const first = dividers[0], last = dividers.at(-1);
  if (first === undefined || last === undefined || first === last) return null;
  const columns = first - left;
  if (columns === 0 || right - last - 1 !== columns) return null;
  const bytes = new Uint8Array((bottom - top) * columns * 3);
  const low = lowBits(raster, left, top, columns), high = lowBits(raster, last + 1, top, columns);
  let seed = 0;
  for (let i = 0; i < bytes.length; i++) {
    seed = (Math.imul(1664525, seed) + 1013904223) >>> 0;      // both blocks are XORed with the same sequence
    const mask = (seed % 255) & 15;
    bytes[i] = ((high(i) ^ mask) << 4) | (low(i) ^ mask);
  }
  return bytes;
}

/** The block's i-th number: by rows, by columns, by colours. */
const lowBits = ({ data, width, channels }: Raster, left: number, top: number, columns: number) => (i: number): number => {
  const pixel = Math.floor(i / 3), row = Math.floor(pixel / columns);
  return data[((top + row) * width + left + (pixel - row * columns)) * channels + i % 3]! & 15;
};

/** What lies within the outermost pixels that have some of every colour; all of it where there is none. */
function withoutBorder({ data, width, height, channels }: Raster): { top: number; bottom: number; left: number; right: number } {
  let [top, bottom, left, right] = [height, 0, width, 0];
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += channels) {
      if (data[at] === 0 || data[at + 1] === 0 || data[at + 2] === 0) continue;
      if (y < top) top = y;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
      bottom = y + 1;
    }
  }
  return bottom === 0 ? { top: 0, bottom: height, left: 0, right: width } : { top, bottom, left, right };
}

/** Columns without any of the low bits, from left to right. */
function darkColumns({ data, width, channels }: Raster, top: number, bottom: number): number[] {
  const bits = new Uint8Array(width);
  for (let y = top, at = top * width * channels; y < bottom; y++) {
    for (let x = 0; x < width; x++, at += channels) bits[x]! |= (data[at]! | data[at + 1]! | data[at + 2]!) & 15;
  }
  return [...bits.keys()].filter((x) => bits[x] === 0);
}
