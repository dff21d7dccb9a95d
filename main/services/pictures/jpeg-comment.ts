// The comments in a JPEG (ITU-T T.81, section B.2.4.5): segments before the picture's own.
import { utf8OrLatin1 } from '../../files/byte-text';

const COMMENT = 0xfe, START_OF_SCAN = 0xda;

/** In their order. stable-diffusion.cpp puts a keyword and NUL before its text, as in PNG; '' where there is none. Never throws; what is no JPEG has none. */
export function readJpegComments(bytes: Uint8Array): { keyword: string; text: string }[] {
  const jpeg = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), found: { keyword: string; text: string }[] = [];
  if (jpeg.length < 4 || jpeg.readUInt16BE(0) !== 0xffd8) return found;
  for (let at = 2; at + 4 <= jpeg.length && jpeg[at] === 0xff && jpeg[at + 1] !== START_OF_SCAN;) {
    if (jpeg[at + 1] === 0xff) { at++; continue; }      // filling
    const end = at + 2 + jpeg.readUInt16BE(at + 2);
    if (jpeg[at + 1] === COMMENT && end <= jpeg.length) found.push(splitKeyword(jpeg.subarray(at + 4, end)));
    at = Math.max(end, at + 4);
  }
  return found;
}

function splitKeyword(data: Buffer): { keyword: string; text: string } {
  const end = data.indexOf(0), keyword = data.toString('latin1', 0, Math.max(0, end));
  return /^[\w.: -]{1,79}$/.test(keyword) && end + 1 < data.length ? { keyword, text: utf8OrLatin1(data.subarray(end + 1)) } : { keyword: '', text: utf8OrLatin1(data) };
}
