// The hashes by which people and sites name a model file, all in one pass over it.
import { createHash } from 'node:crypto';
import type { ModelReport } from '../../../preload/contract/model';
import type { WeightFile } from '../../engine/weights/source';
import { withFile } from '../../files/weight-file';

export type ModelHashes = NonNullable<ModelReport['hashes']>;

interface HashRun {
  readonly signal?: AbortSignal;
  /** Bytes read so far, after each chunk of 4 MB. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/** AUTOMATIC1111's first hash looked at this range alone. */
const autov1Start = 0x10_0000, autov1End = 0x11_0000;
const chunkBytes = 4 << 20;

/**
 * Of a model in several files (diffusers' folders) all that is read counts, one file behind the other in the order U-Net, autoencoder, text encoders
 * and by name within each, so that folders with one U-Net and two autoencoders are two models.
 *
 * sha256: whole file. autov1: 8 digits of the SHA-256 of 64 KB at 1 MB. autov2: 10 digits of sha256. autov3: 12 digits of the SHA-256 of all bytes
 * behind a safetensors header, or of `sshs_model_hash` where such a header has it; of the whole file for other formats. Throws file.notFound,
 * file.unreadable, and the signal's reason when aborted.
 */
export async function hashModel(file: WeightFile, { signal, onProgress }: HashRun = {}): Promise<ModelHashes> {
  const whole = createHash('sha256'), old = createHash('sha256');
  const hasHeader = file.dataOffset > 0;
  const stated = hasHeader ? /^[0-9a-f]{12,64}$/i.exec(file.metadata.sshs_model_hash ?? '')?.[0].toLowerCase() : undefined;
  const weights = hasHeader && !stated ? createHash('sha256') : null;
  let at = 0;
  for (const [path, sizeBytes] of filesOf(file)) {
    await eachChunk(path, sizeBytes, (chunk) => {
      signal?.throwIfAborted();
      const from = (offset: number): number => Math.min(Math.max(offset - at, 0), chunk.length);
      whole.update(chunk);
      old.update(chunk.subarray(from(autov1Start), from(autov1End)));
      weights?.update(chunk.subarray(from(file.dataOffset)));
      at += chunk.length;
      onProgress?.(at, file.sizeBytes);
    });
  }
  const sha256 = whole.digest('hex');
  return { sha256, autov1: old.digest('hex').slice(0, 8), autov2: sha256.slice(0, 10), autov3: (stated ?? weights?.digest('hex') ?? sha256).slice(0, 12) };
}

/** Path → bytes, where the whole is one file; its parts' sizes are known when they are opened. */
function filesOf({ path, sizeBytes, tensors }: WeightFile): ReadonlyMap<string, number | undefined> {
  const parts = [...tensors.values()].flatMap(({ file }) => file ?? []);
  return new Map(parts.length > 0 ? parts.map((part) => [part, undefined]) : [[path, sizeBytes]]);
}

/** The next chunk is read while this one is looked at. */
const eachChunk = (path: string, sizeBytes: number | undefined, look: (chunk: Uint8Array) => void): Promise<void> => withFile(path, async (source) => {
  const end = sizeBytes ?? source.sizeBytes;
  const readAt = (at: number): Promise<Uint8Array> | null => (at < end ? source.read(at, Math.min(chunkBytes, end - at)) : null);
  for (let at = 0, next = readAt(0); next;) {
    const chunk = await next;
    at += chunk.length;
    next = readAt(at);
    next?.catch(() => {});   // reported when it is awaited, if it comes to that
    look(chunk);
  }
});
