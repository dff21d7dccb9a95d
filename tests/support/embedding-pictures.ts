// Pictures that carry an embedding, made as A1111 makes them (modules/textual_inversion/image_embedding.py), pixel by pixel and without our reader.
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

export interface Raster { readonly data: Uint8Array; readonly width: number; readonly height: number }

/** A1111's own test names the first hundred numbers of this sequence. */
export function* maskSequence(): Generator<number> {
  let seed = 0n;
  for (;;) {
    seed = (1664525n * seed + 1013904223n) % 2n ** 32n;
    yield Number(seed % 255n);
  }
}

/** What A1111 pickles otherwise, as its JSON: tensors are { TORCHTENSOR: rows }. */
export const trainedJson = (rows: readonly (readonly number[])[], name: string | null = 'inky'): string => JSON.stringify({
  string_to_token: { '*': 265 }, string_to_param: { '*': { TORCHTENSOR: rows } }, ...(name !== null && { name }), step: 500, sd_checkpoint: '4bdfc29c', sd_checkpoint_name: 'v1-5',
});

/** A picture of grey noise, brighter than black everywhere. */
export const noisePicture = (width: number, height: number): Raster =>
  ({ width, height, data: Uint8Array.from({ length: width * height * 3 }, (_, i) => 17 + ((i * 2_654_435_761) >>> 8) % 230) });

/** The picture with the text in a block at each side: [low half | black | picture | black | high half]. */
export function hideInPixels(text: string | Buffer, { width, height, data }: Raster = noisePicture(48, 64)): Raster {
  const packed = deflateSync(text, { level: 9 });
  let size = packed.length + (height - (packed.length % height));
  size += height * 3 - (size % (height * 3));
  const columns = size / height / 3, whole = width + 2 * columns + 2;
  const out = new Uint8Array(whole * height * 3);
  const put = (x: number, y: number, c: number, value: number): void => { out[(y * whole + x) * 3 + c] = value; };
  const sequence = maskSequence();
  for (let i = 0; i < size; i++) {
    const byte = packed[i % packed.length]!, mask = sequence.next().value! & 15;      // numpy's resize repeats what is there
    const [y, x, c] = [Math.floor(i / 3 / columns), Math.floor(i / 3) % columns, i % 3];
    const shade = (x * 37 + y * 11) & 0xf0 | 0x10;                                   // dots in their style; only their upper bits are seen
    put(x, y, c, (byte & 15 ^ mask) | shade);
    put(columns + width + 2 + x, y, c, (byte >> 4 ^ mask) | shade);
  }
  for (let i = 0; i < data.length; i++) put(columns + 1 + Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3, data[i]!);
  return { data: out, width: whole, height };
}

const picture = ({ data, width, height }: Raster) => sharp(data, { raw: { width, height, channels: 3 } });
export const asPng = (raster: Raster): Promise<Buffer> => picture(raster).png().toBuffer();
export const asWebp = (raster: Raster, lossless = true): Promise<Buffer> => picture(raster).webp({ lossless }).toBuffer();

/** A PNG with one tEXt chunk behind its header. */
export async function pngWithText(keyword: string, text: string, raster: Raster = noisePicture(32, 32)): Promise<Buffer> {
  const png = await asPng(raster), body = Buffer.from(`tEXt${keyword}\0${text}`, 'latin1'), ends = Buffer.alloc(8);
  ends.writeUInt32BE(body.length - 4, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([png.subarray(0, 33), ends.subarray(0, 4), body, ends.subarray(4), png.subarray(33)]);
}
