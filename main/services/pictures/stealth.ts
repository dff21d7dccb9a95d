// Text in the lowest bits of the pixels, column by column: NovelAI's pictures and Forge's "stealth" ones, in alpha or in red, green and blue.
import { gunzipSync } from 'node:zlib';
import type { Sharp } from 'sharp';

const MARK_BYTES = 15;
/** In bytes. The text stands behind a mark and its length in bits. */
const START = MARK_BYTES + 4;
const MAX_TEXT_BYTES = 4 << 20, MAX_INFLATED_BYTES = 8 << 20;

const marks: Readonly<Record<string, { readonly channels: 'alpha' | 'rgb'; readonly isPacked: boolean }>> = {
  stealth_pnginfo: { channels: 'alpha', isPacked: false }, stealth_pngcomp: { channels: 'alpha', isPacked: true },
  stealth_rgbinfo: { channels: 'rgb', isPacked: false }, stealth_rgbcomp: { channels: 'rgb', isPacked: true },
};

/** The hidden text, or null. `picture` is not turned or converted; only the columns that are needed leave the decoder. Rejects when it cannot be decoded. */
export async function readStealth(picture: Sharp, width: number, height: number): Promise<string | null> {
  const pixels = async (bits: number, perPixel: number) => {
    const columns = Math.min(width, Math.ceil(bits / perPixel / height));
    return picture.clone().extract({ left: 0, top: 0, width: columns, height }).raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  };
  const first = await pixels(START * 8, 1);
  for (const channels of ['alpha', 'rgb'] as const) {
    const start = lowestBits(first, channels, START), mark = marks[start.toString('latin1', 0, MARK_BYTES)];
    if (mark?.channels !== channels) continue;
    const length = Math.ceil(start.readUInt32BE(MARK_BYTES) / 8);
    if (length > MAX_TEXT_BYTES) return null;
    const all = await pixels((START + length) * 8, channels === 'alpha' ? 1 : 3);
    return unpack(lowestBits(all, channels, START + length).subarray(START), mark.isPacked);
  }
  return null;
}

interface Raw { readonly data: Buffer; readonly info: { readonly width: number; readonly height: number; readonly channels: number } }

/** The first `length` bytes, highest bit first; zeros where the pixels end, or have no such channel. */
function lowestBits({ data, info: { width, height, channels } }: Raw, from: 'alpha' | 'rgb', length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const offsets = from === 'rgb' ? (channels >= 3 ? [0, 1, 2] : []) : channels === 4 ? [3] : [];
  for (let bit = 0, x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      for (const offset of offsets) {
        if (bit >= length * 8) return bytes;
        bytes[bit >> 3]! |= (data[(y * width + x) * channels + offset]! & 1) << (7 - (bit & 7));
        bit++;
      }
    }
  }
  return bytes;
}

function unpack(bytes: Buffer, isPacked: boolean): string | null {
  try {
    return (isPacked ? gunzipSync(bytes, { maxOutputLength: MAX_INFLATED_BYTES }) : bytes).toString('utf8');
  } catch {
    return null;
  }
}
