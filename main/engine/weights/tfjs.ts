// Models of TensorFlow.js: a JSON with the network and the list of its weights, and the weights' bytes one behind the other. Weights may be kept as
// whole numbers with a scale and a least value, or as fp16. github.com/tensorflow/tfjs, tfjs-core/src/io/types.ts.
import { AppError } from '../errors';
import { sizeOf, type Dims } from '../tensor';
import { toFloat32 } from './half';

export interface TfjsTensor { readonly name: string; readonly dims: Dims; readonly values: Float32Array }

export interface TfjsModel {
  /** How errors name it. */
  readonly file: string;
  /** Of a file that is no list of weights alone: its network, as the kind that made it writes it. */
  readonly topology?: unknown;
  readonly tensors: ReadonlyMap<string, TfjsTensor>;
}

interface Entry { readonly name: string; readonly shape: Dims; readonly dtype: string; readonly quantization?: { readonly dtype: string; readonly scale?: number; readonly min?: number } }
interface Group { readonly paths: readonly string[]; readonly weights: readonly Entry[] }
type Whole = { readonly modelTopology?: unknown; readonly weightsManifest: readonly Group[] };

/** Bytes of one element as it lies in the file. */
const storedBytes: Readonly<Record<string, number>> = { float32: 4, int32: 4, float16: 2, uint16: 2, uint8: 1, bool: 1 };

/** The files that the weights lie in, beside the JSON, in their order. Throws weights.badHeader where it is no model's. */
export const shardsOf = (json: unknown, file: string): string[] => groupsOf(json, file).flatMap(({ paths }) => paths);

/** `bytes`: of all shards, one behind the other. Throws weights.badHeader, weights.truncated, weights.unsupportedDtype. */
export function readTfjsModel(json: unknown, bytes: Uint8Array, file: string): TfjsModel {
  const tensors = new Map<string, TfjsTensor>();
  let at = 0;
  for (const entry of groupsOf(json, file).flatMap(({ weights }) => weights)) {
    const { name, shape: dims, dtype, quantization } = entry, stored = quantization?.dtype ?? dtype, width = storedBytes[stored];
    if (width === undefined) throw new AppError('weights.unsupportedDtype', { why: 'unknown', file, key: name, dtype: stored });
    const end = at + sizeOf(dims) * width;
    if (end > bytes.length) throw new AppError('weights.truncated', { why: 'tensors', file, key: name, sizeBytes: bytes.length, expectedBytes: end });
    tensors.set(name, { name, dims, values: valuesOf(new Uint8Array(bytes.subarray(at, end)), stored, entry) });
    at = end;
  }
  return { file, tensors, ...(!Array.isArray(json) && { topology: (json as Whole).modelTopology }) };
}

/** Lists of weights alone are the groups themselves. */
function groupsOf(json: unknown, file: string): readonly Group[] {
  const groups = Array.isArray(json) ? json as unknown : (json as Whole | null)?.weightsManifest;
  if (!Array.isArray(groups)) throw new AppError('weights.badHeader', { why: 'notObject', file });
  for (const { paths, weights } of groups as Partial<Group>[]) {
    if (!Array.isArray(paths) || !Array.isArray(weights)) throw new AppError('weights.badHeader', { why: 'notObject', file });
    for (const { name, shape, dtype } of weights as Partial<Entry>[]) {
      const fits = typeof name === 'string' && typeof dtype === 'string' && Array.isArray(shape) && shape.every((n) => Number.isSafeInteger(n) && n >= 0);
      if (!fits) throw new AppError('weights.badHeader', { why: 'entry', file, key: String(name) });
    }
  }
  return groups as Group[];
}

function valuesOf(bytes: Uint8Array, stored: string, { dtype, quantization }: Entry): Float32Array {
  if (stored === 'float32') return toFloat32('F32', bytes);
  if (stored === 'float16') return toFloat32('F16', bytes);
  const whole = stored === 'int32' ? new Int32Array(bytes.buffer) : stored === 'uint16' ? new Uint16Array(bytes.buffer) : bytes;
  const { scale = 1, min = 0 } = quantization ?? {}, values = new Float32Array(whole.length);
  for (let i = 0; i < values.length; i++) values[i] = whole[i]! * scale + min;
  return dtype === 'int32' ? values.map(Math.round) : values;
}
