// Texts in EXIF (CIPA DC-008, a TIFF inside): the few fields into which programs write how a picture was made.

const names: Readonly<Record<number, string>> = {
  0x010e: 'ImageDescription', 0x010f: 'Make', 0x0110: 'Model', 0x0131: 'Software', 0x927c: 'MakerNote', 0x9286: 'UserComment',
};
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
      const text = decodeText(tiff.subarray(from, from + length));
      if (text !== '') texts.set(name, text);
    }
  };
  readIfd(u32(4), true);
  return texts;
}

/**
 * A UserComment says how it is written in its first eight bytes, other fields do not. UTF-16 comes in either order, whatever the order of the
 * file around it, so the text decides.
 */
function decodeText(bytes: Buffer): string {
  const prefix = bytes.toString('latin1', 0, 8), rest = bytes.subarray(8);
  const text = prefix === 'UNICODE\0' ? decodeUnicode(rest) : prefix === 'ASCII\0\0\0' ? decodeBytes(rest) : prefix === 'JIS\0\0\0\0\0' ? new TextDecoder('iso-2022-jp').decode(rest) : prefix === '\0'.repeat(8) ? decodeUnicode(rest) : decodeBytes(bytes);
  return text.replace(/^\ufeff/, '').replace(/\0+$/, '');
}

/** UTF-16 by where its zero bytes are: before a Latin letter in big-endian, behind it in little-endian. Some write UTF-8 all the same. */
function decodeUnicode(bytes: Buffer): string {
  let even = 0, odd = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) {
    if (bytes[at] === 0) even++;
    if (bytes[at + 1] === 0) odd++;
  }
  if (even === 0 && odd === 0 && (bytes.length % 2 === 1 || isMostlyLatin(bytes))) return decodeBytes(bytes);
  const hasLittleMark = bytes[0] === 0xff && bytes[1] === 0xfe;
  return new TextDecoder(hasLittleMark || odd > even ? 'utf-16le' : 'utf-16be').decode(bytes);
}

const isMostlyLatin = (bytes: Buffer): boolean => bytes.subarray(0, 1000).filter((byte) => byte >= 0x20 && byte < 0x7f).length > Math.min(1000, bytes.length) * 0.9;

/** UTF-8, or Latin-1 where it is not. */
function decodeBytes(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return bytes.toString('latin1');
  }
}
