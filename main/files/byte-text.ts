// Bytes of a text that nothing says the encoding of.
import { isUtf8 } from 'node:buffer';

/** UTF-8, or Latin-1 where it is not: Latin-1 of words is hardly ever valid UTF-8. */
export function utf8OrLatin1(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return buffer.toString(isUtf8(buffer) ? 'utf8' : 'latin1');
}
