// The directory of a zip file, as torch.save writes it: entries stored as they are, so that their bytes can be used where they lie.
//
// After PKWARE's APPNOTE.TXT 6.3.10. Sizes come from the central directory alone, as in torch's own reader; local headers only tell where data begins.
import type { ByteSource } from '../source';
import { printable, type Fail } from '../fault';

interface ZipEntry {
  readonly name: string;
  /** Compressed size, and so the data's own where `stored`. */
  readonly byteLength: number;
  readonly headerOffset: number;
  /** Where the next entry or the directory begins. */
  readonly limit: number;
  /** Neither compressed nor encrypted. */
  readonly stored: boolean;
}

interface Directory { readonly offset: number; readonly byteLength: number }

/** SDXL with everything that training adds has some 10,000 entries of 60 bytes. */
const maxDirectoryBytes = 32 << 20;
const maxCommentBytes = 0xffff, endBytes = 22, locatorBytes = 20, localBytes = 30;
const unknown32 = 0xffff_ffff;

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const number64 = (view: DataView, at: number): number => Number(view.getBigUint64(at, true));

/** Throws weights.truncated, weights.badHeader. Entries come back in the order of their bytes, and none shares a byte with the next. */
export async function readZip(source: ByteSource, fail: Fail): Promise<Map<string, ZipEntry>> {
  const directory = await findDirectory(source, fail);
  const bytes = await source.read(directory.offset, directory.byteLength);
  const entries = parseDirectory(bytes, fail).sort((a, b) => a.headerOffset - b.headerOffset);
  const byName = new Map<string, ZipEntry>();
  for (const [i, entry] of entries.entries()) {
    const limit = entries[i + 1]?.headerOffset ?? directory.offset;
    if (entry.headerOffset + localBytes + entry.byteLength > limit) throw overlaps(entry, fail);
    if (byName.has(entry.name)) throw fail('weights.badHeader', { why: 'zipTwice', entry: printable(entry.name) });
    byName.set(entry.name, { ...entry, limit });
  }
  return byName;
}

type DirectoryEntry = Omit<ZipEntry, 'limit'>;

const overlaps = (entry: DirectoryEntry, fail: Fail) =>
  fail('weights.badOffsets', { why: 'zip', entry: printable(entry.name) });

async function findDirectory(source: ByteSource, fail: Fail): Promise<Directory> {
  const tailBytes = Math.min(source.sizeBytes, endBytes + maxCommentBytes), tailOffset = source.sizeBytes - tailBytes;
  const tail = viewOf(await source.read(tailOffset, tailBytes));
  let end = tailBytes - endBytes;
  while (end >= 0 && !(tail.getUint32(end, true) === 0x0605_4b50 && end + endBytes + tail.getUint16(end + 20, true) === tailBytes)) end--;
  if (end < 0) throw fail('weights.truncated', { why: 'zip', sizeBytes: source.sizeBytes });
  const directory = await wideDirectory(source, tailOffset + end, fail) ?? { byteLength: tail.getUint32(end + 12, true), offset: tail.getUint32(end + 16, true) };
  if (directory.byteLength > maxDirectoryBytes) throw fail('weights.badHeader', { why: 'zipSize', sizeBytes: directory.byteLength });
  if (directory.offset + directory.byteLength > tailOffset + end) throw fail('weights.badHeader', { why: 'zipPlace' });
  return directory;
}

/** Zip64, for files above 4 GB: a locator stands right before the end record. */
async function wideDirectory(source: ByteSource, endOffset: number, fail: Fail): Promise<Directory | null> {
  if (endOffset < locatorBytes) return null;
  const locator = viewOf(await source.read(endOffset - locatorBytes, locatorBytes));
  if (locator.getUint32(0, true) !== 0x0706_4b50) return null;
  const offset = number64(locator, 8);
  const record = offset + 56 <= endOffset - locatorBytes ? viewOf(await source.read(offset, 56)) : null;
  if (record?.getUint32(0, true) !== 0x0606_4b50) throw fail('weights.badHeader', { why: 'zip64' });
  return { byteLength: number64(record, 40), offset: number64(record, 48) };
}

function parseDirectory(bytes: Uint8Array, fail: Fail): DirectoryEntry[] {
  const view = viewOf(bytes), entries: DirectoryEntry[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x0201_4b50) throw fail('weights.badHeader', { why: 'zip' });
    const nameEnd = at + 46 + view.getUint16(at + 28, true), extraEnd = nameEnd + view.getUint16(at + 30, true);
    const next = extraEnd + view.getUint16(at + 32, true);
    if (next > bytes.length) throw fail('weights.badHeader', { why: 'zip' });
    const name = new TextDecoder().decode(bytes.subarray(at + 46, nameEnd));
    // Zip64's extra field holds, in this order, those of the three that do not fit above.
    const wide = wideField(view, nameEnd, extraEnd);
    const fields = [24, 20, 42].map((field) => {
      const value = view.getUint32(at + field, true);
      return value === unknown32 ? wide.shift() : value;
    });
    const [plainBytes, byteLength, headerOffset] = fields;
    if (plainBytes === undefined || byteLength === undefined || headerOffset === undefined) throw fail('weights.badHeader', { why: 'zipNoSize', entry: printable(name) });
    const method = view.getUint16(at + 10, true), encrypted = (view.getUint16(at + 8, true) & 1) !== 0;
    entries.push({ name, byteLength, headerOffset, stored: method === 0 && !encrypted && plainBytes === byteLength });
    at = next;
  }
  return entries;
}

function wideField(view: DataView, start: number, end: number): number[] {
  for (let at = start; at + 4 <= end;) {
    const fieldEnd = at + 4 + view.getUint16(at + 2, true);
    if (fieldEnd > end) return [];
    if (view.getUint16(at, true) === 1) return Array.from({ length: Math.floor((fieldEnd - at - 4) / 8) }, (_, i) => number64(view, at + 4 + 8 * i));
    at = fieldEnd;
  }
  return [];
}

/** Where the entry's data lies. Throws weights.unsupportedLayout, weights.badHeader, weights.badOffsets. */
export async function dataOffset(source: ByteSource, entry: ZipEntry, fail: Fail): Promise<number> {
  if (!entry.stored) {
    throw fail('weights.unsupportedLayout', { why: 'packed', entry: printable(entry.name) });
  }
  const header = viewOf(await source.read(entry.headerOffset, localBytes));
  if (header.getUint32(0, true) !== 0x0403_4b50) throw fail('weights.badHeader', { why: 'zipEntry', entry: printable(entry.name) });
  const offset = entry.headerOffset + localBytes + header.getUint16(26, true) + header.getUint16(28, true);
  if (offset + entry.byteLength > entry.limit) throw overlaps(entry, fail);
  return offset;
}
