// Pictures as other programs write them, byte by byte: EXIF in JPEG and WebP, texts in PNG, bits in pixels.
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { addPngTexts } from '../../../main/files/png-text';

const canvas = (width = 64, height = 64) => sharp({ create: { width, height, channels: 3, background: '#345' } });

export const png = async (texts: Readonly<Record<string, string>>, width = 64, height = 64): Promise<Uint8Array> =>
  addPngTexts(await canvas(width, height).png().toBuffer(), Object.entries(texts).map(([keyword, text]) => ({ keyword, text })));

const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
export const unicodeBe = (text: string): Buffer => Buffer.concat([Buffer.from('UNICODE\0'), utf16be(text)]);
export const unicodeLe = (text: string): Buffer => Buffer.concat([Buffer.from('UNICODE\0'), Buffer.from(text, 'utf16le')]);
export const ascii = (text: string): Buffer => Buffer.concat([Buffer.from('ASCII\0\0\0'), Buffer.from(text)]);

const tags = { ImageDescription: 0x010e, Make: 0x010f, Model: 0x0110, Software: 0x0131, MakerNote: 0x927c, UserComment: 0x9286, XPTitle: 0x9c9b, XPComment: 0x9c9c };
type Fields = Partial<Record<keyof typeof tags, Buffer>>;

/** A TIFF with a first directory and one for EXIF. */
export function tiff(order: 'MM' | 'II', first: Fields, exif: Fields = {}): Buffer {
  const isBig = order === 'MM';
  const u16 = (n: number) => { const b = Buffer.alloc(2); if (isBig) b.writeUInt16BE(n); else b.writeUInt16LE(n); return b; };
  const u32 = (n: number) => { const b = Buffer.alloc(4); if (isBig) b.writeUInt32BE(n); else b.writeUInt32LE(n); return b; };
  const ifd = (fields: Fields, start: number, next: number | null): Buffer => {
    const entries = Object.entries(fields) as [keyof typeof tags, Buffer][];
    const count = entries.length + (next === null ? 0 : 1);
    let at = start + 2 + count * 12 + 4;
    const rows: Buffer[] = [], data: Buffer[] = [];
    for (const [name, value] of entries) {
      const inline = value.length <= 4;
      rows.push(Buffer.concat([u16(tags[name]), u16(name.startsWith('XP') ? 1 : name === 'UserComment' || name === 'MakerNote' ? 7 : 2), u32(value.length), inline ? Buffer.concat([value, Buffer.alloc(4)]).subarray(0, 4) : u32(at)]));
      if (!inline) { data.push(value); at += value.length; }
    }
    if (next !== null) rows.push(Buffer.concat([u16(0x8769), u16(4), u32(1), u32(next)]));
    return Buffer.concat([u16(count), ...rows, u32(0), ...data]);
  };
  const hasExif = Object.keys(exif).length > 0;
  const size = ifd(first, 8, hasExif ? 0 : null).length;
  return Buffer.concat([Buffer.from(order), u16(42), u32(8), ifd(first, 8, hasExif ? 8 + size : null), hasExif ? ifd(exif, 8 + size, null) : Buffer.alloc(0)]);
}

export async function jpeg(exif: Buffer): Promise<Uint8Array> {
  const plain = await canvas().jpeg().toBuffer(), payload = Buffer.concat([Buffer.from('Exif\0\0'), exif]);
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(payload.length + 2, 2);
  return Buffer.concat([plain.subarray(0, 2), head, payload, plain.subarray(2)]);
}

/** Without the prefix that JPEG has. */
export async function webp(exif: Buffer): Promise<Uint8Array> {
  const plain = await canvas().webp({ lossless: true }).toBuffer(), image = plain.subarray(12);
  const chunk = (type: string, data: Buffer) => { const size = Buffer.alloc(4); size.writeUInt32LE(data.length); return Buffer.concat([Buffer.from(type), size, data, Buffer.alloc(data.length % 2)]); };
  const extended = Buffer.from([8, 0, 0, 0, 63, 0, 0, 63, 0, 0]);      // has EXIF; 64×64
  const body = Buffer.concat([Buffer.from('WEBP'), chunk('VP8X', extended), image, chunk('EXIF', exif)]);
  return chunk('RIFF', body);
}

/** Text in the lowest bits, as NovelAI and Forge hide it. */
export async function stealthPng(mark: 'stealth_pnginfo' | 'stealth_pngcomp' | 'stealth_rgbinfo' | 'stealth_rgbcomp', text: string, width = 96, height = 64): Promise<Uint8Array> {
  const data = mark.endsWith('comp') ? gzipSync(text) : Buffer.from(text), length = Buffer.alloc(4);
  length.writeUInt32BE(data.length * 8);
  const bits = [...Buffer.concat([Buffer.from(mark), length, data])].flatMap((byte) => Array.from({ length: 8 }, (_, i) => (byte >> (7 - i)) & 1));
  const isAlpha = mark.startsWith('stealth_png'), channels = isAlpha ? 4 : 3;
  const pixels = Buffer.alloc(width * height * channels, 254);
  let at = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      for (const channel of isAlpha ? [3] : [0, 1, 2]) pixels[(y * width + x) * channels + channel]! |= bits[at++] ?? 0;
    }
  }
  if (at < bits.length) throw new Error('the picture is too small for the text');
  return sharp(pixels, { raw: { width, height, channels } }).png().toBuffer();
}
