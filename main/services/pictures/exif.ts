// Texts in EXIF (CIPA DC-008, a TIFF inside): the few fields into which programs write how a picture was made.
import { decodeExifText, decodeWindowsText } from './exif-text';

const names: Readonly<Record<number, string>> = {
  0x010e: 'ImageDescription', 0x010f: 'Make', 0x0110: 'Model', 0x0131: 'Software', 0x927c: 'MakerNote', 0x9286: 'UserComment',
  0x9c9b: 'XPTitle', 0x9c9c: 'XPComment', 0x9c9e: 'XPKeywords', 0x9c9f: 'XPSubject',
};
const isWindows = (tag: number): boolean => tag >= 0x9c9b && tag <= 0x9c9f;
const EXIF_IFD = 0x8769;
const MAX_ENTRIES = 500;

/** By the field's name. Empty when it is no EXIF; fields that lead outside are left out. Never throws. */
export function readExif(bytes: Uint8Array): Map<string, string> {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const tiff = data.toString('latin1', 0, 6) === 'Exif\0\0' ? data.subarray(6) : data;      // JPEG has the prefix, WebP and PNG do not
  const order = tiff.toString('latin1', 0, 2), isBig = order === 'MM';
  const texts = new Map<string, string>();
  if (tiff.length < 8 || (!isBig && order !== 'II')) return texts;
  const u16 = (at: number): number => (isBig ? tiff.readUInt16BE(at) : tiff.readUInt16LE(at));
  const u32 = (at: number): number => (isBig ? tiff.readUInt32BE(at) : tiff.readUInt32LE(at));

  const readIfd = (start: number, isFirst: boolean): void => {
    if (start + 2 > tiff.length) return;
    const count = Math.min(u16(start), MAX_ENTRIES);
    for (let at = start + 2; at + 12 <= tiff.length && at < start + 2 + count * 12; at += 12) {
      const tag = u16(at), type = u16(at + 2), length = u32(at + 4), name = names[tag];
      if (tag === EXIF_IFD && isFirst) readIfd(u32(at + 8), false);
      const from = length <= 4 ? at + 8 : u32(at + 8);
      if (name === undefined || ![1, 2, 7].includes(type) || from + length > tiff.length) continue;      // bytes, letters, anything
      const bytes = tiff.subarray(from, from + length), text = isWindows(tag) ? decodeWindowsText(bytes) : decodeExifText(bytes, isBig);
      if (text !== '') texts.set(name, text);
    }
  };
  readIfd(u32(4), true);
  return texts;
}
