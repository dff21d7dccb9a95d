// Reads the tensor files of golden cases: whole, into memory, half precision widened. Weights of real models never come this way.
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { CaseFolder } from './types';

export interface GoldenTensor {
  readonly dtype: 'F32' | 'F16' | 'I64' | 'U8';
  readonly shape: readonly number[];
  readonly data: Float32Array | BigInt64Array | Uint8Array;
}

/** A case's folder with its parsed case.json. */
export async function readCase(path: string): Promise<CaseFolder> {
  const absolute = resolve(path);
  return { name: basename(absolute), path: absolute, config: JSON.parse(await readFile(join(absolute, 'case.json'), 'utf8')) as CaseFolder['config'] };
}

export async function readTensors(path: string): Promise<Map<string, GoldenTensor>> {
  const file = await readFile(path);
  const headerLength = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + headerLength)) as Record<string, { dtype: GoldenTensor['dtype']; shape: number[]; data_offsets: [number, number] }>;
  const tensors = new Map<string, GoldenTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const [begin, end] = entry.data_offsets;
    // A copy of its own, since a view would need the offset aligned.
    const bytes = new Uint8Array(file.subarray(8 + headerLength + begin, 8 + headerLength + end));
    tensors.set(name, { dtype: entry.dtype, shape: entry.shape, data: decode(entry.dtype, bytes, name) });
  }
  return tensors;
}

/** The float tensor of that name; throws when the file lacks it or it holds integers. */
export function floats(tensors: ReadonlyMap<string, GoldenTensor>, name: string): Float32Array {
  const data = tensors.get(name)?.data;
  if (!(data instanceof Float32Array)) throw new Error(`the case has no float tensor ${name}`);
  return data;
}

function decode(dtype: GoldenTensor['dtype'], bytes: Uint8Array, name: string): GoldenTensor['data'] {
  switch (dtype) {
    case 'F32': return new Float32Array(bytes.buffer);
    case 'F16': return Float32Array.from(new Uint16Array(bytes.buffer), widen);
    case 'I64': return new BigInt64Array(bytes.buffer);
    case 'U8': return bytes;
    default: throw new Error(`${name} has the type ${String(dtype)}, which golden cases do not use`);
  }
}

function widen(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
