// A weight file as the engine sees it: names, shapes and byte ranges. The weights themselves stay in the file.
import type { Problem } from '../../../preload/contract/problems';
import type { Dims } from '../tensor';

/** As safetensors names them, but for those of less than a byte. FNUZ: without infinities and −0. E8M0: powers of two, scales of blocks. */
export type StoredDType = 'F64' | 'F32' | 'F16' | 'BF16' | 'F8_E4M3' | 'F8_E5M2' | 'F8_E4M3FNUZ' | 'F8_E5M2FNUZ' | 'F8_E8M0'
  | 'I64' | 'I32' | 'I16' | 'I8' | 'U64' | 'U32' | 'U16' | 'U8' | 'BOOL';

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
  /** Only where its elements do not lie one beside the other (a view in a pickle): how many elements of the file's row it is from one to the next along each axis. `byteLength` is the row's. */
  readonly strides?: Dims;
  /** Only where they are in no row of the file (an array inside of a pickle): its row itself. `offset` means nothing then. */
  readonly data?: Uint8Array;
  /** What each element is multiplied with, where the file keeps that apart (quantized/factors.ts). The tensor's values are the products. */
  readonly factor?: Factor;
}

/**
 * A tensor of its own, with the file that it lies in. `blocks` [rows, columns] is its size: the weight's first two axes are divided into so many equal parts, and each
 * part has one number. [1, 1]: one for the whole; [out, 1]: one for each output.
 */
export interface Factor { readonly entry: TensorEntry & { readonly file: string }; readonly blocks: readonly [rows: number, columns: number] }

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
  /** Tensors that say how others are meant and are none of the weights themselves: factors, what scales activations, marks of scaled weights. */
  readonly companions?: readonly TensorEntry[];
  /** What lies beside it and says how it was trained. */
  readonly config?: ModelConfig | undefined;
  /** What its names leave open. */
  readonly doubts?: readonly Problem[];
}

/** What a .yaml of the model's name or a scheduler's settings say. What is left out is as usual. */
export interface ModelConfig {
  /** The name of the file that says it. */
  readonly from: string;
  readonly prediction?: 'eps' | 'v';
  /** The network's output means something else: the file's own word for it. */
  readonly otherwise?: string;
  /** Zero terminal SNR. */
  readonly zeroSnr?: boolean;
  /** First and last, even in their square roots. */
  readonly betas?: { readonly start: number; readonly end: number };
  /** Of the pictures that it was trained on, in pixels. */
  readonly side?: number;
  readonly problems?: readonly Problem[];
}

/** Random access to a file's bytes; the host provides it. */
export interface ByteSource {
  readonly path: string;
  readonly sizeBytes: number;
  /** Exactly `length` bytes from `offset`, or throws file.unreadable. */
  read(offset: number, length: number): Promise<Uint8Array>;
}
