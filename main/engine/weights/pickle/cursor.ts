// Reads a pickle's bytes one after the other and never past their end; lengths in the file are checked before anything is made of them.
import type { Fail } from '../fault';

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
/** Names, numbers and the short texts of protocol 0; turning a line of many megabytes into text would take seconds and gigabytes. */
const maxLineBytes = 1 << 20;

export class Cursor {
  at: number;
  readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly fail: Fail;

  constructor(bytes: Uint8Array, at: number, fail: Fail) {
    this.bytes = bytes;
    this.at = at;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.fail = fail;
  }

  /** Moves over `length` bytes and returns where they begin. */
  private skip(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) throw this.fail('weights.truncated', { why: 'pickle', offset: start });
    this.at += length;
    return start;
  }

  take(length: number): Uint8Array { const start = this.skip(length); return this.bytes.subarray(start, start + length); }
  text(length: number): string { return utf8.decode(this.take(length)); }
  u8(): number { return this.bytes[this.skip(1)]!; }
  u16(): number { return this.view.getUint16(this.skip(2), true); }
  u32(): number { return this.view.getUint32(this.skip(4), true); }
  i32(): number { return this.view.getInt32(this.skip(4), true); }
  /** Above 2⁵³ not exact, and then behind every end anyway. */
  u64(): number { return Number(this.view.getBigUint64(this.skip(8), true)); }
  /** Pickle's only big-endian number. */
  f64(): number { return this.view.getFloat64(this.skip(8), false); }

  /** Up to a line feed, without it. */
  line(): string { return utf8.decode(this.lineBytes()); }
  /** The same where each byte is a character. (TextDecoder's latin1 is windows-1252.) */
  latin1Line(): string { return Array.from(this.lineBytes(), (byte) => String.fromCharCode(byte)).join(''); }

  private lineBytes(): Uint8Array {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end - this.at > maxLineBytes) throw this.malformed('a line has too many bytes');
    const line = this.take(end < 0 ? Infinity : end - this.at);
    this.at = end + 1;
    return line;
  }

  malformed(what: string): Error {
    return this.fail('weights.badHeader', { why: 'pickle', detail: what, offset: this.at });
  }
}
