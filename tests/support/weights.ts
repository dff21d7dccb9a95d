// Small weight files for tests of the model tools: written from plain numbers, read back as plain numbers.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dims } from '../../main/engine/tensor';
import { sizeOf } from '../../main/engine/tensor';
import { toFloat32 } from '../../main/engine/weights/half';
import { dtypeBytes, isFloat, isWritten } from '../../main/engine/weights/dtypes';
import { fromFloat32 } from '../../main/engine/weights/merge/encode';
import { encodeHeader, parseHeader } from '../../main/engine/weights/safetensors';
import type { StoredDType } from '../../main/engine/weights/source';
import { memoryFile, scratchFolder } from './checkpoints';

export interface StoredWeights { readonly dims: Dims; readonly values: readonly number[]; readonly dtype?: StoredDType }
export type WeightsByName = Readonly<Record<string, StoredWeights>>;

/** Repeatable values, uniform from −1 to 1. */
export function randomValues(count: number, seed: number): number[] {
  let state = seed * 2_654_435_761 >>> 0;
  return Array.from({ length: count }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b_3c6d) + 0x9e37_79b9 >>> 0;
    return Math.fround(state / 2 ** 31 - 1);
  });
}

/** The same random tensors for the same seed. */
export const randomWeights = (shapes: Readonly<Record<string, Dims>>, seed: number, dtype: StoredDType = 'F32'): WeightsByName =>
  Object.fromEntries(Object.entries(shapes).map(([name, dims], i) => [name, { dims, dtype, values: randomValues(sizeOf(dims), seed * 1000 + i) }]));

/** Codes of one byte as they are. */
function wholeNumbers(dtype: StoredDType, values: readonly number[]): Uint8Array {
  if (dtypeBytes[dtype] === 1) return Uint8Array.from(values);
  return new Uint8Array((dtype === 'I16' ? Int16Array.from(values) : dtype === 'I32' ? Int32Array.from(values) : BigInt64Array.from(values, BigInt)).buffer);
}

/** Writes a safetensors file and returns its path. Whole numbers, and the types of eight bits that no tool writes, are given as codes. */
export function writeWeights(weights: WeightsByName, metadata: Record<string, string> = {}, path = join(scratchFolder(), 'model.safetensors')): string {
  const { header, entries, sizeBytes } = encodeHeader(Object.entries(weights).map(([name, { dims, dtype = 'F32' }]) => ({ name, dtype, shape: dims })), metadata);
  const bytes = new Uint8Array(sizeBytes);
  bytes.set(header);
  for (const { name, dtype, offset } of entries) {
    const values = weights[name]!.values;
    const stored = isWritten(dtype) ? fromFloat32(dtype, Float32Array.from(values)) : wholeNumbers(dtype, values);
    bytes.set(stored, offset);
  }
  writeFileSync(path, bytes);
  return path;
}

/** A network of random weights whose answers stay as large as what goes in; norms begin at 1. Returns its path. */
export const writeRandomNetwork = (shapes: Iterable<readonly [string, Dims]>, seed: number): string => writeWeights(Object.fromEntries([...shapes].map(([name, dims], i) => {
  const scale = dims.length > 1 ? 1 / Math.sqrt(sizeOf(dims) / dims[0]!) : 0.1;
  return [name, { dims, values: randomValues(sizeOf(dims), 1000 * seed + i).map((value) => value * scale + (dims.length === 1 && name.endsWith('weight') ? 1 : 0)) }];
})));

/** All tensors of a safetensors file as float32 values, and its metadata. Whole numbers are I64. */
export async function readWeights(path: string): Promise<{ tensors: Record<string, { dtype: StoredDType; dims: Dims; values: number[] }>; metadata: Readonly<Record<string, string>> }> {
  const bytes = new Uint8Array(readFileSync(path));
  const file = await parseHeader(memoryFile(bytes, path));
  const tensors = Object.fromEntries([...file.tensors.values()].map(({ name, dtype, shape, offset, byteLength }) => {
    const stored = bytes.slice(offset, offset + byteLength);
    return [name, { dtype, dims: shape, values: isFloat(dtype) ? [...toFloat32(dtype, stored)] : Array.from(new BigInt64Array(stored.buffer), Number) }] as const;
  }));
  return { tensors, metadata: file.metadata };
}
