// A text in EXIF. What a field says of its encoding is often wrong, so that the bytes decide.
import { isUtf8 } from 'node:buffer';
import { utf8OrLatin1 } from '../../files/byte-text';

/** A UserComment says in eight bytes how it is written; some pad with spaces, some write small letters, some write it as words. */
const declared = /^(?:(?:ASCII|UNICODE|UTF-?8|JIS|\0)[\0 ]*$|charset=)/i;

/** UTF-16 in either order, UTF-8 or Latin-1; ISO-2022-JP where it says JIS and has its escapes. Without its mark and without NULs at the ends. `isBig`: the order of the file around it. */
export function decodeExifText(bytes: Buffer, isBig: boolean): string {
  const start = bytes.toString('latin1', 0, 8), isDeclared = declared.test(start), rest = isDeclared && !/^charset=/i.test(start) ? bytes.subarray(8) : bytes;
  const text = /^JIS/i.test(start) && rest.includes(0x1b) ? new TextDecoder('iso-2022-jp').decode(rest) : decodeUnknown(rest, isBig, /^(?:UNICODE|\0)/i.test(start) && isDeclared);
  return text.replace(/^[\0\ufeff]+/, '').replace(/^charset="?[\w-]{1,20}"? /i, '').replace(/\0+$/, '');
}

/** The fields of Windows' Explorer have UTF-16 in little-endian whatever the file has. */
export const decodeWindowsText = (bytes: Buffer): string => new TextDecoder('utf-16le').decode(bytes).replace(/\0+$/, '');

/** Of letters that all languages and JSON have among theirs, enough in every second byte. */
function decodeUnknown(bytes: Buffer, isBig: boolean, saysUtf16: boolean): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return utf16(bytes, false);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return utf16(bytes, true);
  let big = 0, little = 0;
  const end = Math.min(bytes.length - 1, SAMPLE_BYTES);
  for (let at = 0; at < end; at += 2) {
    if (bytes[at] === 0 && isLatin(bytes[at + 1]!)) big++;
    if (bytes[at + 1] === 0 && isLatin(bytes[at]!)) little++;
  }
  if (big !== little && Math.max(big, little) > (saysUtf16 ? 0 : end / 8)) return utf16(bytes, big > little);
  return saysUtf16 && bytes.length % 2 === 0 && !isUtf8(bytes) ? utf16(bytes, isBig) : utf8OrLatin1(bytes);
}

const SAMPLE_BYTES = 8192;

const isLatin = (byte: number): boolean => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a;

const utf16 = (bytes: Buffer, isBig: boolean): string => new TextDecoder(isBig ? 'utf-16be' : 'utf-16le').decode(bytes);
