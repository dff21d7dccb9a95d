// Weight files on disk: random access for the engine's readers, and a search for NaN through a whole file in bounded memory.
import { open, stat, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError, detailOf } from '../engine/errors';
import { telltale } from '../engine/identify/prediction';
import { firstNotFinite } from '../engine/weights/checks';
import { looksLikeSafetensors, sniffContainer } from '../engine/weights/container';
import { meantBy } from '../engine/weights/meant';
import { withoutPlainNotes } from '../engine/weights/quantized/comfy-notes';
import { dtypeBytes, isFloat } from '../engine/weights/dtypes';
import { parseTorchCheckpoint } from '../engine/weights/pickle/checkpoint';
import { parseHeader } from '../engine/weights/safetensors';
import type { ByteSource, TensorEntry, WeightFile } from '../engine/weights/source';
import { elementsOf, valuesOf } from '../engine/weights/values';
import { systemFault } from './system-faults';

/** Opens the file for `use` and closes it again, whatever happens. Throws file.notFound, file.unreadable, disk.silent, machine.exhausted. */
export async function withFile<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const absolute = resolve(path);
  // Looked at first: a pipe would not be opened before somebody writes to it.
  const found = await stat(absolute).catch((cause: unknown) => { throw unreadable(absolute, cause); });
  if (found.isDirectory()) throw unreadable(absolute, Object.assign(new Error('it is a folder'), { code: 'EISDIR' }));
  if (!found.isFile()) throw unreadable(absolute, new Error('it is no file but a device or a pipe'));
  const handle = await open(absolute).catch((cause: unknown) => { throw unreadable(absolute, cause); });
  try {
    const { size: sizeBytes } = await handle.stat().catch((cause: unknown) => { throw unreadable(absolute, cause); });
    return await use({ path: absolute, sizeBytes, read: (offset, length) => readExactly(handle, absolute, offset, length) });
  } finally {
    await handle.close();
  }
}

/** Reads what a weight file says of its tensors; what it is, its first bytes tell. Throws what `withFile`, `parseHeader` and `parseTorchCheckpoint` throw. */
export const openWeightFile = (path: string): Promise<WeightFile> => withFile(path, async (source) => withSamples(meantBy(await withoutPlainNotes(await parseWeightFile(source), source.read)), source));

async function parseWeightFile(source: ByteSource): Promise<WeightFile> {
  const { path } = source;
  const head = await source.read(0, Math.min(64, source.sizeBytes));
  if (looksLikeSafetensors(head)) return parseHeader(source);
  const container = sniffContainer(head);
  if (container === 'zip' || container === 'pickle') return parseTorchCheckpoint(source);
  return (container === 'unknown' || container === 'text') && /\.(?:ckpt|pt|pth|bin|pkl|pickle)$/i.test(path) ? parseBarePickle(source) : parseHeader(source);
}

/** With the values that tell what names and shapes leave open, where the file has such a tensor. */
async function withSamples(file: WeightFile, source: ByteSource): Promise<WeightFile> {
  const entry = telltale(file);
  if (!entry || !isFloat(entry.dtype)) return file;
  return { ...file, samples: new Map([[entry.name, await valuesOf(entry, source.read)]]) };
}

/** Pickles of protocol 0 and 1 begin with anything. Of a file that is none after all, the other reader says what it is. */
function parseBarePickle(source: ByteSource): Promise<WeightFile> {
  return parseTorchCheckpoint(source).catch((error: unknown) => {
    if (error instanceof AppError && error.code === 'weights.forbiddenGlobal') throw error;
    return parseHeader(source);
  });
}

async function readExactly(handle: FileHandle, path: string, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done).catch((cause: unknown) => { throw unreadable(path, cause); });
    if (bytesRead === 0) throw unreadable(path, new Error(`it ends at byte ${offset + done}, sooner than when it was opened`));
    done += bytesRead;
  }
  return bytes;
}

/** What the system said about a path, in our words. */
export function unreadable(path: string, cause: unknown): AppError {
  const { code } = cause as NodeJS.ErrnoException, passing = systemFault(cause, path);
  if (passing) return passing;
  if (code === 'ENOENT' || code === 'ENOTDIR') return new AppError('file.notFound', { why: 'gone', file: path }, { cause });
  const why = code === 'EISDIR' ? 'folder' : code === 'EACCES' || code === 'EPERM' ? 'permission' : 'drive';
  return new AppError('file.unreadable', { why, file: path, detail: detailOf(cause) }, { cause });
}

/** A tensor that holds NaN or infinity, and the file that it lies in; `index` is the first such element. */
interface NotFinite { readonly file: string; readonly tensor: string; readonly index: number }

const chunkBytes = 8 << 20;

/** Reads all weights, 8 MB at a time, in the order of the model's files. Returns the first `limit` tensors with values that are not finite. */
export async function scanNotFinite(file: WeightFile, signal?: AbortSignal, limit = 5): Promise<NotFinite[]> {
  const found: NotFinite[] = [], pathOf = (entry: TensorEntry): string => entry.file ?? file.path;
  const entries = [...file.tensors.values()].flatMap((entry) => (entry.factor ? [entry, entry.factor.entry] : [entry])).filter(({ byteLength }) => byteLength > 0).sort((a, b) => a.offset - b.offset);
  for (const path of new Set(entries.map(pathOf))) {
    await withFile(path, async (source) => {
      for (const entry of entries.filter((one) => pathOf(one) === path)) {
        if (found.length >= limit) return;
        const index = await firstInTensor(source, entry, signal);
        if (index >= 0) found.push({ file: path, tensor: entry.name, index });
      }
    });
  }
  return found;
}

async function firstInTensor(source: ByteSource, entry: TensorEntry, signal?: AbortSignal): Promise<number> {
  const { dtype, offset, byteLength } = entry;
  if (entry.data || entry.strides) return firstNotFinite(dtype, await elementsOf(entry, source.read));
  for (let at = 0; at < byteLength; at += chunkBytes) {
    signal?.throwIfAborted();
    const index = firstNotFinite(dtype, await source.read(offset + at, Math.min(chunkBytes, byteLength - at)));
    if (index >= 0) return at / dtypeBytes[dtype] + index;
  }
  return -1;
}
