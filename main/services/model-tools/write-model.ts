// Writes a safetensors file tensor by tensor: whole or not at all, in bounded memory, and says which weights came out as NaN or infinity.
import { sizeOf, type Dims } from '../../engine/tensor';
import { firstNotFinite } from '../../engine/weights/checks';
import { isWritten } from '../../engine/weights/dtypes';
import { fromFloat32 } from '../../engine/weights/merge/encode';
import { encodeHeader } from '../../engine/weights/safetensors';
import type { StoredDType, TensorEntry } from '../../engine/weights/source';
import { writeAtomicChunks } from '../data/disk';
import type { TensorReader } from './tensor-reader';

export interface ToolRun {
  /** Bytes of the new file that are written so far, after each piece. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Its reason is thrown. */
  readonly signal?: AbortSignal;
}

/** A tensor of the new file; `pieces` gives its bytes in order. */
export interface NewTensor {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: Dims;
  readonly pieces: () => AsyncIterable<Uint8Array>;
}

export interface WrittenModel {
  readonly path: string;
  readonly sizeBytes: number;
  readonly tensors: number;
  /** Tensors with NaN or infinity, the first 20: already there in the source, or too large for the precision asked for. */
  readonly notFinite: readonly string[];
}

/** Elements that are in memory at once: 16 MB as float32. */
const pieceElements = 4 << 20;
const shownNotFinite = 20;

/** Size of the file that `writeModel` would write. */
export const plannedBytes = (tensors: readonly NewTensor[], metadata: Readonly<Record<string, string>>): number => encodeHeader(tensors, metadata).sizeBytes;

/** Replaces what was there. Throws disk.full, disk.failed, file.unreadable and the signal's reason; then nothing has changed. */
export async function writeModel(path: string, tensors: readonly NewTensor[], metadata: Readonly<Record<string, string>>, { onProgress, signal }: ToolRun): Promise<WrittenModel> {
  const { header, entries, sizeBytes } = encodeHeader(tensors, metadata);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const notFinite = new Set<string>();
  let done = 0;
  async function* content(): AsyncIterable<Uint8Array> {
    yield header;
    done += header.length;
    for (const { name, dtype, offset, byteLength } of entries) {
      for await (const piece of byName.get(name)!.pieces()) {
        signal?.throwIfAborted();
        if (notFinite.size < shownNotFinite && firstNotFinite(dtype, piece) >= 0) notFinite.add(name);
        yield piece;
        done += piece.length;
        onProgress?.(done, sizeBytes);
      }
      if (done !== offset + byteLength) throw new Error(`${name} has ${done - offset} bytes, not ${byteLength}`);
    }
  }
  await writeAtomicChunks(path, content(), sizeBytes);
  return { path, sizeBytes, tensors: tensors.length, notFinite: [...notFinite] };
}

/** The tensor as it is stored, or in another precision. */
export async function* castPieces(reader: TensorReader, entry: TensorEntry, dtype: StoredDType): AsyncIterable<Uint8Array> {
  for (const [start, count] of ranges(sizeOf(entry.shape))) {
    yield (dtype === entry.dtype && !entry.factor) || !isWritten(dtype) ? await reader.bytes(entry, start, count) : fromFloat32(dtype, await reader.floats(entry, start, count));
  }
}

/** Values that are all in memory, in the precision asked for. */
export function* encodePieces(values: Float32Array, dtype: StoredDType): Iterable<Uint8Array> {
  if (!isWritten(dtype)) throw new Error(`${dtype} holds no weights`);
  for (const [start, count] of ranges(values.length)) yield fromFloat32(dtype, values.subarray(start, start + count));
}

/** [first element, how many], piece by piece. */
export function* ranges(elements: number): Iterable<[number, number]> {
  for (let start = 0; start < elements; start += pieceElements) yield [start, Math.min(pieceElements, elements - start)];
}
