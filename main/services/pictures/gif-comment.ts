// The comment in a GIF (GIF89a, section 24), where A1111 keeps its text: blocks of up to 255 bytes behind a mark.
import { utf8OrLatin1 } from '../../files/byte-text';

/** The comments together, or null where there is none. Never throws; what is no GIF has none. */
export function readGifComment(bytes: Uint8Array): string | null {
  const gif = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!gif.toString('latin1', 0, 6).startsWith('GIF8') || gif.length < 13) return null;
  const parts: Buffer[] = [];
  let at = 13 + tableBytes(gif[10]!);
  while (at < gif.length) {
    const block = gif[at];
    if (block === 0x2c) at += 10 + tableBytes(gif[at + 9] ?? 0) + 1;             // a picture: its place, its colours, the code size
    else if (block === 0x21) at += 2;                                            // an extension: its label
    else break;
    const isComment = block === 0x21 && gif[at - 1] === 0xfe;
    for (let size = gif[at] ?? 0; size > 0; at += 1 + size, size = gif[at] ?? 0) if (isComment) parts.push(gif.subarray(at + 1, at + 1 + size));
    at++;
  }
  return parts.length === 0 ? null : utf8OrLatin1(Buffer.concat(parts));
}

/** Of the colours that follow, as the flags say. */
const tableBytes = (flags: number): number => (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0);
