// PNG as a sequence of chunks: length, four letters, data, CRC-32 (W3C PNG specification, section 5.3).
import { crc32 } from 'node:zlib';

export interface Chunk {
  /** e.g. 'tEXt'. */
  readonly type: string;
  readonly data: Buffer;
  /** Whether type and data have the CRC that stands behind them. */
  readonly intact: boolean;
}

const signature = Buffer.from('89504e470d0a1a0a', 'hex');
export const headerEnd = signature.length + 25;      // signature and IHDR, which comes first and has 13 bytes

/** All chunks up to IEND or to where the file breaks off. None when it is no PNG. */
export function* readChunks(png: Uint8Array): Generator<Chunk> {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.length);
  if (!bytes.subarray(0, signature.length).equals(signature)) return;
  for (let at = signature.length; at + 12 <= bytes.length;) {
    const length = bytes.readUInt32BE(at), end = at + 8 + length;
    if (end + 4 > bytes.length) return;
    const type = bytes.toString('latin1', at + 4, at + 8);
    yield { type, data: bytes.subarray(at + 8, end), intact: crc32(bytes.subarray(at + 4, end)) === bytes.readUInt32BE(end) };
    if (type === 'IEND') return;
    at = end + 4;
  }
}

const texts = ['tEXt', 'zTXt', 'iTXt'];

/**
 * The same picture without its texts. A decoder unfolds all that are compressed, up to 8 MB each and without a limit for all of them, just
 * to tell the picture's size. What is no PNG stays as it is.
 */
export function withoutTexts(picture: Uint8Array): Uint8Array {
  const bytes = Buffer.from(picture.buffer, picture.byteOffset, picture.length);
  if (!bytes.subarray(0, signature.length).equals(signature)) return picture;
  const kept: Buffer[] = [];
  let from = 0;
  for (let at = signature.length; at + 8 <= bytes.length;) {
    const end = Math.min(bytes.length, at + 12 + bytes.readUInt32BE(at));
    if (texts.includes(bytes.toString('latin1', at + 4, at + 8))) { kept.push(bytes.subarray(from, at)); from = end; }
    at = end;
  }
  return from === 0 ? picture : Buffer.concat([...kept, bytes.subarray(from)]);
}

export function writeChunk(type: string, data: Uint8Array): Buffer {
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length, 0);
  chunk.write(type, 4, 'latin1');
  chunk.set(data, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, 8 + data.length)), 8 + data.length);
  return chunk;
}

/** Width and height of a PNG that is whole, from its first chunk to IEND with every CRC right; else null. */
export function wholePngSize(png: Uint8Array): { width: number; height: number } | null {
  let first: Chunk | undefined, last: Chunk | undefined;
  // One by one: of a file of zeroes every twelve bytes are one.
  for (const chunk of readChunks(png)) {
    if (!chunk.intact) return null;
    first ??= chunk;
    if (first.type !== 'IHDR' || first.data.length !== 13) return null;
    last = chunk;
  }
  if (!first || last?.type !== 'IEND') return null;
  return { width: first.data.readUInt32BE(0), height: first.data.readUInt32BE(4) };
}
