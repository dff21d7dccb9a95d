// Safetensors: reads and writes the header; the weights stay in the file. What the format's reference reader refuses is refused here too.
//
// Format: u64 little-endian N, then N bytes of JSON { name: { dtype, shape, data_offsets: [begin, end) }, __metadata__?: text → text }, then the
// tensors without gaps. Fatal, as in the reference reader: a header that is no such JSON, a length that disagrees with shape and dtype, overlaps,
// holes, missing or extra bytes at the end. Fatal here alone: a repeated key, which other readers resolve in different ways. Not a fault: tensors
// that are not aligned (old writers did not pad the header), unknown fields in an entry, spaces behind the JSON.
import type { ErrorCode } from '../../../preload/contract/errors';
import { AppError } from '../errors';
import { sizeOf, type Dims } from '../tensor';
import { sniffContainer, type Container } from './container';
import { findDuplicateKey } from './duplicate-keys';
import type { ByteSource, StoredDType, TensorEntry, WeightFile } from './source';

/** Bytes of one element. */
export const dtypeBytes: Readonly<Record<StoredDType, number>> = {
  F64: 8, I64: 8, F32: 4, I32: 4, F16: 2, BF16: 2, I16: 2, F8_E4M3: 1, F8_E5M2: 1, I8: 1, U8: 1, BOOL: 1,
};

/** The reference reader's cap on N. */
const maxHeaderBytes = 100_000_000;
const downloadAgain = 'The download may be incomplete. Download the file again and compare its size with the one on its page.';
const brokenFile = 'The program that wrote this file made an invalid safetensors header. Download it again, or convert it again with another program.';

type Fail = (code: ErrorCode, what: string, hint: string, data?: Record<string, unknown>) => AppError;

/** The file's base name; errors show it, and keep the whole path in `data`. */
export const baseName = (path: string): string => path.split(/[\\/]/).pop() || path;

/**
 * Reads the header alone and checks every entry of it. Reads at most min(100 MB, file size) bytes.
 * Throws weights.notSafetensors, model.notACheckpoint (a picture), weights.badHeader, weights.unsupportedDtype, weights.badOffsets, weights.truncated.
 */
export async function parseHeader(source: ByteSource): Promise<WeightFile> {
  const fail: Fail = (code, what, hint, data) =>
    new AppError(code, { message: `${baseName(source.path)} ${what}`, hint, data: { file: source.path, ...data } });
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
    throw fail('weights.badHeader', `claims a header of ${length} bytes, more than the ${maxHeaderBytes} that are allowed`, brokenFile, { length });
  }
  if (8 + length > source.sizeBytes) {
    throw fail('weights.truncated', `is cut off inside its header: ${source.sizeBytes} bytes are there, at least ${8 + length} expected`, downloadAgain,
      { sizeBytes: source.sizeBytes, expectedBytes: 8 + length });
  }
  return source.read(8, length);
}

function notSafetensors(container: Container, fail: Fail): AppError {
  const convert = 'Get the .safetensors version of the model; most pages offer both.';
  switch (container) {
    case 'empty': return fail('weights.truncated', 'is empty', downloadAgain);
    case 'picture': return fail('model.notACheckpoint', 'is a picture, not a model', 'Choose a model file, such as a .safetensors file.');
    case 'zip': case 'pickle':
      return fail('weights.notSafetensors', 'is a pickled checkpoint (.ckpt, .pt), not a safetensors file', convert);
    case 'gguf': return fail('weights.notSafetensors', 'is a GGUF file, which Atelier cannot read', convert);
    case 'onnx': return fail('weights.notSafetensors', 'is an ONNX network, which Atelier builds from checkpoints and does not read', convert);
    case 'archive': return fail('weights.notSafetensors', 'is an archive, not a model', 'Unpack it and choose the model file inside.');
    case 'zeros': return fail('weights.truncated', 'begins with zeros: its place was kept, but its contents have not arrived', downloadAgain);
    case 'text': return fail('weights.notSafetensors', 'is a text, not a model', 'It may hold the message of a download that failed: open it with an editor. Then download the model again.');
    case 'html':
      return fail('weights.notSafetensors', 'is a web page, not a model', 'The download link led to a page, perhaps one that asks to log in. Download the file in a browser.');
    case 'git-lfs':
      return fail('weights.notSafetensors', 'is a Git LFS pointer, not the model itself', 'Run `git lfs pull` in its folder, or download the file from its page.');
    case 'unknown':
      return fail('weights.notSafetensors', 'is not a safetensors file, nor a PyTorch checkpoint', 'Choose a .safetensors, .ckpt, .pt, .pth or .bin model file. If it should be one, download it again.');
  }
}

interface RawHeader { tensors: Record<string, unknown>; metadata: Record<string, string> }

function parseJson(bytes: Uint8Array, fail: Fail): RawHeader {
  let text: string, parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch (cause) {
    throw fail('weights.badHeader', `has a header that is not valid JSON: ${cause instanceof Error ? cause.message : String(cause)}`, downloadAgain);
  }
  if (!isRecord(parsed)) throw fail('weights.badHeader', 'has a header that is not a JSON object', brokenFile);
  const twice = findDuplicateKey(text);
  if (twice !== null) throw fail('weights.badHeader', `names "${twice}" twice in its header`, brokenFile, { key: twice });
  const { __metadata__: metadata = {}, ...tensors } = parsed;
  if (!isRecord(metadata)) throw fail('weights.badHeader', 'has __metadata__ that is not a JSON object', brokenFile);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') throw fail('weights.badHeader', `has metadata "${key}" that is not text`, brokenFile, { key });
  }
  return { tensors, metadata: metadata as Record<string, string> };
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseEntry(name: string, info: unknown, dataOffset: number, fail: Fail): TensorEntry {
  if (!isRecord(info)) throw fail('weights.badHeader', `has an entry "${name}" that is not a JSON object`, brokenFile, { key: name });
  const { dtype, shape, data_offsets: offsets } = info;
  if (typeof dtype !== 'string') throw fail('weights.badHeader', `gives no dtype for "${name}"`, brokenFile, { key: name });
  if (!Object.hasOwn(dtypeBytes, dtype)) {
    throw fail('weights.unsupportedDtype', `stores "${name}" as ${dtype}, which Atelier cannot read`,
      'Look for a version of this model in fp16, bf16, fp8 or fp32.', { key: name, dtype });
  }
  if (!Array.isArray(shape) || !shape.every(isCount)) {
    throw fail('weights.badHeader', `gives "${name}" a shape that is not a list of sizes`, brokenFile, { key: name });
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !isCount(offsets[0]) || !isCount(offsets[1]) || offsets[0] > offsets[1]) {
    throw fail('weights.badOffsets', `gives "${name}" data_offsets that are no byte range`, brokenFile, { key: name });
  }
  const [begin, end] = offsets as [number, number];
  const wanted = sizeOf(shape) * dtypeBytes[dtype as StoredDType];
  if (end - begin !== wanted) {
    throw fail('weights.badOffsets', `gives "${name}" ${end - begin} bytes, but ${dtype} ${showDims(shape)} takes ${wanted}`, brokenFile,
      { key: name, got: end - begin, want: wanted });
  }
  return { name, dtype: dtype as StoredDType, shape: shape as number[], offset: dataOffset + begin, byteLength: wanted };
}

export const showDims = (dims: Dims): string => `[${dims.join(', ')}]`;

/** Tensors must follow each other without overlap or hole and end where the file ends. */
function checkLayout(entries: readonly TensorEntry[], dataOffset: number, sizeBytes: number, fail: Fail): void {
  let end = dataOffset, last = 'the header';
  for (const entry of entries.toSorted((a, b) => a.offset - b.offset || a.byteLength - b.byteLength)) {
    if (entry.offset !== end) {
      const what = entry.offset < end
        ? `stores "${entry.name}" over the bytes of ${last}`
        : entry.offset > sizeBytes
          ? `places "${entry.name}" at byte ${entry.offset}, behind its end at ${sizeBytes}`
          : `has ${entry.offset - end} bytes between ${last} and "${entry.name}" that belong to no tensor`;
      throw fail('weights.badOffsets', what, brokenFile, { key: entry.name, offset: entry.offset, expectedOffset: end });
    }
    end += entry.byteLength;
    last = `"${entry.name}"`;
  }
  if (end > sizeBytes) {
    throw fail('weights.truncated', `is incomplete: ${sizeBytes} bytes are there, ${end} expected. It ends inside or before ${last}`, downloadAgain,
      { sizeBytes, expectedBytes: end });
  }
  if (end < sizeBytes) {
    throw fail('weights.badOffsets', `has ${sizeBytes - end} bytes behind its last tensor that belong to none`,
      'Something was appended to the file, or two downloads were mixed. Download it again.', { sizeBytes, expectedBytes: end });
  }
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
