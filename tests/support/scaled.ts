// Checkpoints with fp8 weights and a factor beside each, as other programs write them, and the same values plain.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sizeOf, type Dims } from '../../main/engine/tensor';
import { toFloat32 } from '../../main/engine/weights/half';
import { fromFloat32 } from '../../main/engine/weights/merge/encode';
import { encodeHeader, parseHeader } from '../../main/engine/weights/safetensors';
import type { StoredDType } from '../../main/engine/weights/source';
import { memoryFile, scratchFolder } from './checkpoints';
import { readFileSync } from 'node:fs';

export interface RawTensor { readonly name: string; readonly dtype: StoredDType; readonly shape: Dims; readonly bytes: Uint8Array }

/** `blocks`: into how many parts the first two axes are divided. */
export interface Scaling {
  readonly dtype?: 'F8_E4M3' | 'F8_E5M2';
  /** What the factor's name ends with, for a weight that ends with `weight`. */
  readonly factorName: 'scale_weight' | 'weight_scale' | 'weight_scale_inv';
  readonly shapeOf?: (weight: Dims) => { shape: Dims; blocks: readonly [number, number] };
  readonly wants?: (name: string, shape: Dims) => boolean;
  /** Further tensors. */
  readonly beside?: (module: string) => readonly RawTensor[];
  readonly extra?: readonly RawTensor[];
}

const largest = { F8_E4M3: 448, F8_E5M2: 57344 };

export const raw = (name: string, dtype: StoredDType, shape: Dims, bytes: Uint8Array = new Uint8Array(0)): RawTensor => ({ name, dtype, shape, bytes });
export const floats = (name: string, shape: Dims, values: readonly number[], dtype: 'F32' | 'F16' | 'BF16' | 'F8_E4M3' | 'F8_E5M2' = 'F32'): RawTensor => raw(name, dtype, shape, fromFloat32(dtype, Float32Array.from(values)).slice());
export const text = (name: string, value: string): RawTensor => { const bytes = new TextEncoder().encode(value); return raw(name, 'U8', [bytes.length], bytes); };

export const perTensor = (_: Dims): { shape: Dims; blocks: readonly [number, number] } => ({ shape: [], blocks: [1, 1] });
export const perChannel = (weight: Dims): { shape: Dims; blocks: readonly [number, number] } => ({ shape: [weight[0]!, ...weight.slice(1).map(() => 1)], blocks: [weight[0]!, 1] });
export const perBlock = (size: number) => (weight: Dims): { shape: Dims; blocks: readonly [number, number] } => {
  const parts = (n: number): number => (n % size === 0 ? n / size : 1), blocks = [parts(weight[0]!), parts(weight[1]!)] as const;
  return { shape: [...blocks, ...weight.slice(2).map(() => 1)], blocks };
};

export function writeRaw(tensors: readonly RawTensor[], { path = join(scratchFolder(), 'model.safetensors'), metadata = {} }: { path?: string; metadata?: Record<string, string> } = {}): string {
  const { header, entries } = encodeHeader(tensors, metadata), byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  writeFileSync(path, Buffer.concat([header, ...entries.map(({ name }) => byName.get(name)!.bytes)]));
  return path;
}

export async function readRaw(path: string): Promise<RawTensor[]> {
  const bytes = new Uint8Array(readFileSync(path)), file = await parseHeader(memoryFile(bytes, path));
  return [...file.tensors.values()].map(({ name, dtype, shape, offset, byteLength }) => raw(name, dtype, shape, bytes.slice(offset, offset + byteLength)));
}

/** The tensors scaled, and the same values as float32. */
export function scaled(tensors: readonly RawTensor[], { dtype = 'F8_E4M3', factorName, shapeOf = perTensor, wants = (name, shape) => name.endsWith('weight') && shape.length >= 2, beside = () => [], extra = [] }: Scaling): { scaled: RawTensor[]; plain: RawTensor[] } {
  const plain: RawTensor[] = [];
  const out = tensors.flatMap((tensor) => {
    const { name, shape } = tensor, values = toFloat32(tensor.dtype, tensor.bytes).slice();
    if (!wants(name, shape)) { plain.push(raw(name, 'F32', shape, new Uint8Array(values.buffer))); return [tensor]; }
    const { shape: factorShape, blocks: [rows, columns] } = shapeOf(shape), [height = 1, width = 1] = shape, each = sizeOf(shape.slice(2));
    const blockOf = (i: number): number => { const at = Math.floor(i / each); return Math.floor(Math.floor(at / width) / (height / rows)) * columns + Math.floor((at % width) / (width / columns)); };
    const factors = new Float32Array(rows * columns).fill(1e-9);
    values.forEach((value, i) => { const at = blockOf(i); factors[at] = Math.max(factors[at]!, Math.abs(value) / largest[dtype]); });
    const codes = fromFloat32(dtype, values.map((value, i) => value / factors[blockOf(i)]!)).slice(), back = toFloat32(dtype, codes);
    plain.push(raw(name, 'F32', shape, new Uint8Array(Float32Array.from(back, (value, i) => value * factors[blockOf(i)]!).buffer)));
    const module = name.slice(0, -'weight'.length);
    return [raw(name, dtype, shape, codes), raw(module + factorName, 'F32', factorShape, new Uint8Array(factors.buffer)), ...beside(module)];
  });
  return { scaled: [...out, ...extra], plain };
}
