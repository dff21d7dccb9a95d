// Safetensors: reads and writes the header; the weights stay in the file. What the format's reference reader refuses is refused here too.
//
// Format: u64 little-endian N, then N bytes of JSON { name: { dtype, shape, data_offsets: [begin, end) }, __metadata__?: text → text }, then the
// tensors without gaps. Fatal, as in the reference reader: a header that is no such JSON, a length that disagrees with shape and dtype, overlaps,
// holes, missing or extra bytes at the end. Fatal here alone: a repeated key, which other readers resolve in different ways. Not a fault: tensors
// that are not aligned (old writers did not pad the header), unknown fields in an entry, spaces behind the JSON.
import { detailOf, type AppError } from '../errors';
import { sizeOf, type Dims } from '../tensor';
import { dtypeBytes } from './dtypes';
import { sniffContainer, type Container } from './container';
import { findDuplicateKey } from './duplicate-keys';
import { failOf, type Fail } from './fault';
import type { ByteSource, StoredDType, TensorEntry, WeightFile } from './source';

/** The reference reader's cap on N. */
const maxHeaderBytes = 100_000_000;

/** The file's base name. */
export const baseName = (path: string): string => path.split(/[\\/]/).pop() || path;

/**
 * Reads the header alone and checks every entry of it. Reads at most min(100 MB, file size) bytes.
 * Throws weights.notSafetensors, model.notACheckpoint (a picture), weights.badHeader, weights.unsupportedDtype, weights.badOffsets, weights.truncated.
 */
export async function parseHeader(source: ByteSource): Promise<WeightFile> {
  const fail = failOf(source.path);
  const headerBytes = await readHeader(source, fail);
  const { tensors, metadata } = parseJson(headerBytes, fail);
  const dataOffset = 8 + headerBytes.length;
  const entries = Object.entries(tensors).map(([name, info]) => parseEntry(name, info, dataOffset, fail));
  checkLayout(entries, dataOffset, source.sizeBytes, fail);
  return { path: source.path, sizeBytes: source.sizeBytes, dataOffset, metadata, tensors: new Map(entries.map((entry) => [entry.name, entry])) };
}

async function readHeader(source: ByteSource, fail: Fail): Promise<Uint8Array> {
  const head = await source.read(0, Math.min(64, source.sizeBytes));
  if (head[8] !== 0x7b /* { */) throw notSafetensors(sniffContainer(head), fail);
  const length = Number(new DataView(head.buffer, head.byteOffset).getBigUint64(0, true));
  if (length > maxHeaderBytes) {
    throw fail('weights.badHeader', { why: 'tooLong', length, most: maxHeaderBytes });
  }
  if (8 + length > source.sizeBytes) {
    throw fail('weights.truncated', { why: 'header', sizeBytes: source.sizeBytes, expectedBytes: 8 + length });
  }
  return source.read(8, length);
}

function notSafetensors(container: Container, fail: Fail): AppError {
  switch (container) {
    case 'empty': case 'zeros': return fail('weights.truncated', { why: container });
    case 'picture': return fail('model.notACheckpoint', { why: 'picture' });
    case 'zip': case 'pickle': return fail('weights.notSafetensors', { why: 'pickle' });
    case 'git-lfs': return fail('weights.notSafetensors', { why: 'lfs' });
    default: return fail('weights.notSafetensors', { why: container });
  }
}

interface RawHeader { tensors: Record<string, unknown>; metadata: Record<string, string> }

function parseJson(bytes: Uint8Array, fail: Fail): RawHeader {
  let text: string, parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch (cause) {
    throw fail('weights.badHeader', { why: 'notJson', detail: detailOf(cause) });
  }
  if (!isRecord(parsed)) throw fail('weights.badHeader', { why: 'notObject' });
  const twice = findDuplicateKey(text);
  if (twice !== null) throw fail('weights.badHeader', { why: 'twice', key: twice });
  const { __metadata__: metadata = {}, ...tensors } = parsed;
  if (!isRecord(metadata)) throw fail('weights.badHeader', { why: 'metadata' });
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw fail('weights.badHeader', { why: 'metadataText', key });
  }
  return { tensors, metadata: metadata as Record<string, string> };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseEntry(name: string, info: unknown, dataOffset: number, fail: Fail): TensorEntry {
  if (!isRecord(info)) throw fail('weights.badHeader', { why: 'entry', key: name });
  const { dtype, shape, data_offsets: offsets } = info;
  if (typeof dtype !== 'string') throw fail('weights.badHeader', { why: 'noDtype', key: name });
  if (!Object.hasOwn(dtypeBytes, dtype)) {
    throw fail('weights.unsupportedDtype', { why: 'unknown', key: name, dtype });
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw fail('weights.badHeader', { why: 'shape', key: name });
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !isCount(offsets[0]) || !isCount(offsets[1]) || offsets[0] > offsets[1]) {
    throw fail('weights.badOffsets', { why: 'noRange', key: name });
  }
  const [begin, end] = offsets as [number, number];
  const wanted = sizeOf(shape) * dtypeBytes[dtype as StoredDType];
  if (end - begin !== wanted) {
    throw fail('weights.badOffsets', { why: 'size', key: name, got: end - begin, want: wanted, dtype, shape: shape as number[] });
  }
  return { name, dtype: dtype as StoredDType, shape: shape as number[], offset: dataOffset + begin, byteLength: wanted };
}

export const showDims = (dims: Dims): string => `[${dims.join(', ')}]`;

/** Tensors must follow each other without overlap or hole and end where the file ends. */
function checkLayout(entries: readonly TensorEntry[], dataOffset: number, sizeBytes: number, fail: Fail): void {
  let end = dataOffset, last: string | null = null;
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)) {
    if (entry.offset !== end) {
      throw misplaced(entry, end, last, sizeBytes, fail);
    }
    end += entry.byteLength;
    last = entry.name;
  }
  if (end > sizeBytes) throw fail('weights.truncated', { why: 'tensors', sizeBytes, expectedBytes: end, key: last ?? '' });
  if (end < sizeBytes) throw fail('weights.badOffsets', { why: 'rest', bytes: sizeBytes - end });
}

/** `last`: the tensor before it; null for the first. */
function misplaced({ name: key, offset }: TensorEntry, end: number, last: string | null, sizeBytes: number, fail: Fail): AppError {
  if (offset < end && last !== null) return fail('weights.badOffsets', { why: 'overlap', key, other: last });
  if (offset > sizeBytes) return fail('weights.badOffsets', { why: 'behind', key, offset, sizeBytes });
  return fail('weights.badOffsets', last === null ? { why: 'firstHole', key, bytes: offset - end } : { why: 'hole', key, other: last, bytes: offset - end });
}

export interface TensorSpec { readonly name: string; readonly dtype: StoredDType; readonly shape: Dims }

/**
 * The first bytes of a file with these tensors, and where each tensor's bytes go. Widest dtype first and the header padded to 8 bytes, so that every
 * tensor is aligned. The caller writes the tensors in the order of `entries`.
 */
export function encodeHeader(tensors: readonly TensorSpec[], metadata: Readonly<Record<string, string>> = {}): {
  header: Uint8Array; entries: TensorEntry[]; sizeBytes: number;
} {
  let end = 0;
  const relative = tensors.toSorted((a, b) => dtypeBytes[b.dtype] - dtypeBytes[a.dtype]).map(({ name, dtype, shape }) => {
    const byteLength = sizeOf(shape) * dtypeBytes[dtype];
    end += byteLength;
    return { name, dtype, shape, byteLength, offset: end - byteLength };
  });
  const fields = relative.map((t) => [t.name, { dtype: t.dtype, shape: t.shape, data_offsets: [t.offset, t.offset + t.byteLength] }] as const);
  const json = JSON.stringify(Object.fromEntries([...(Object.keys(metadata).length > 0 ? [['__metadata__', metadata] as const] : []), ...fields]));
  const text = new TextEncoder().encode(json);
  const header = new Uint8Array(8 + Math.ceil(text.length / 8) * 8).fill(0x20);
  header.set(text, 8);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  return { header, entries: relative.map((t) => ({ ...t, offset: header.length + t.offset })), sizeBytes: header.length + end };
}
