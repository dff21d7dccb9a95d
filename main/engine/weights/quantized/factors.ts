// fp8 weights with a factor beside each: which tensor scales which weight, and how. The value is weight × factor under every one of these names, also where the
// name says `inv` (the factor is the inverse of what the weight was divided by). ComfyUI: `X.scale_weight` and a mark `scaled_fp8`, later `X.weight_scale` and a
// note `X.comfy_quant`; kohya's musubi-tuner: `X.scale_weight`; compressed-tensors, TensorRT Model Optimizer, diffusers: `X.weight_scale`; fine-grained fp8 of transformers: `X.weight_scale_inv`.
import type { Dims } from '../../tensor';
import { sizeOf } from '../../tensor';
import { isEightBit } from '../dtypes';
import type { Factor, StoredDType, TensorEntry, WeightFile } from '../source';

/** The weight that a tensor of this name scales. */
export function scaledBy(name: string): string | undefined {
  const [, weight] = /^(.*weight)_scale(?:_inv)?$/s.exec(name) ?? [], [, before] = /^((?:.*[._])?)scale_weight$/s.exec(name) ?? [];
  return weight ?? (before === undefined ? undefined : `${before}weight`);
}

/** Says that a file has such weights; where it is not empty, its length says how other programs multiply. */
const mark = /(?:^|\.)scaled_fp8$/;
/** Scales the activations, where a program multiplies in fp8, and is divided out again: it changes how results are rounded, not what they are. */
const scalesInput = /^((?:.*[._])?)(?:scale_input|input_scale)$/s;

const factorTypes: readonly StoredDType[] = ['F64', 'F32', 'F16', 'BF16'];

/**
 * The file with each such weight knowing its factor. Factors, marks and scales of activations are no tensors of the network any more but `companions`. What does
 * not fit (another type, a shape that is no division of the weight's) stays, and `foreignForm` names it.
 */
export function pairFactors(file: WeightFile): WeightFile {
  const factors = new Map<string, Factor>(), companions = new Set<TensorEntry>();
  for (const entry of file.tensors.values()) {
    const weight = file.tensors.get(scaledBy(entry.name) ?? ''), blocks = weight && !factors.has(weight.name) ? blocksOf(weight, entry) : null;
    if (weight && blocks) factors.set(weight.name, { entry: { ...entry, file: entry.file ?? file.path }, blocks });
    const [input, module = ''] = scalesInput.exec(entry.name) ?? [];
    const isInputScale = input !== undefined && isEightBit(file.tensors.get(`${module}weight`)?.dtype ?? 'F32');
    if (blocks || isInputScale || (mark.test(entry.name) && sizeOf(entry.shape) <= 2)) companions.add(entry);
  }
  if (companions.size === 0) return file;
  const tensors = [...file.tensors].flatMap(([name, entry]) => {
    const factor = factors.get(name);
    return companions.has(entry) ? [] : [[name, factor ? { ...entry, factor } : entry] as const];
  });
  return { ...file, tensors: new Map(tensors), companions: [...file.companions ?? [], ...companions] };
}

/** Into how many parts a factor of this shape divides the weight; null where it does not, or could be meant in more than one way. */
function blocksOf(weight: TensorEntry, factor: TensorEntry): Factor['blocks'] | null {
  if (weight.factor || !isEightBit(weight.dtype) || !factorTypes.includes(factor.dtype) || factor.layout || factor.strides) return null;
  if (sizeOf(factor.shape) === 0) return null;
  if (sizeOf(factor.shape) === 1) return [1, 1];
  const { shape } = weight, [rows = 1, columns = 1, ...rest] = factor.shape;
  const isDivision = factor.shape.length > 1 ? divides(shape[0], rows) && divides(shape[1], columns) : rows === shape[0];
  // Musubi-tuner's blocks have an axis more, of their own length 1.
  if (!isDivision || rest.some((size) => size !== 1) || factor.shape.length > shape.length + 1) return null;
  return rows > 1 && columns > 1 && weight.layout ? null : [rows, columns];
}

/** Blocks are powers of two, so that no other length gives as many of them: one that does not come out even is told from one that does. */
function divides(size = 1, parts: number): boolean {
  const block = size / parts;
  return parts === 1 || parts === size || (Number.isInteger(block) && Number.isInteger(Math.log2(block)));
}

/** Multiplies, in place, the values from element `start` on of a weight of this shape. `factors`: of all blocks, row by row. */
export function multiply(values: Float32Array, start: number, shape: Dims, { blocks: [rows, columns] }: Factor, factors: Float32Array): void {
  const [out = 1, input = 1] = shape, each = sizeOf(shape.slice(2)), rowsEach = out / rows, columnsEach = input / columns;
  for (let i = 0; i < values.length; i++) {
    const at = Math.floor((start + i) / each), row = Math.floor(at / input);
    values[i]! *= factors[Math.floor(row / rowsEach) * columns + Math.floor((at - row * input) / columnsEach)]!;
  }
}
