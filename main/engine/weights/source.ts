// A weight file as the engine sees it: names, shapes and byte ranges. The weights themselves stay in the file.
import type { Dims } from '../tensor';

export type StoredDType = 'F64' | 'F32' | 'F16' | 'BF16' | 'F8_E4M3' | 'F8_E5M2' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

export interface TensorEntry {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: Dims;
  /** Absolute byte offset in the file. */
  readonly offset: number;
  readonly byteLength: number;
  /** Where the bytes are, in a model that is made of several files; else they are in the WeightFile's own. */
  readonly file?: string;
  /** Only where the bytes hold the axes in another order (channels last, a saved transpose): row-major as `shape`, and axis i of the tensor is axis `perm[i]` there. */
  readonly layout?: { readonly shape: Dims; readonly perm: Dims };
}

export interface WeightFile {
  /** How errors name the file; the host's absolute path. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Where the tensors' bytes begin, behind the header; 0 where tensors have no part of the file to themselves (pickled checkpoints). */
  readonly dataOffset: number;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Values of the few small tensors that tell what names and shapes leave open, by name. */
  readonly samples?: ReadonlyMap<string, Float32Array>;
}

/** Random access to a file's bytes; the host provides it. */
export interface ByteSource {
  readonly path: string;
  readonly sizeBytes: number;
  /** Exactly `length` bytes from `offset`, or throws file.unreadable. */
  read(offset: number, length: number): Promise<Uint8Array>;
}
