// A module of the LoRA family, ready to be part of a graph: its tensors, and what the form of the graph hangs on, read ahead. The tensors may be values
// of a graph, or still numbers.
import { float32, sizeOf, type Tensor } from '../tensor';
import { misfit } from '../weights/lora/misfit';
import type { LoraAlgorithm, LoraModule, LoraPart, LoraParts } from '../weights/lora/modules';
import { rotationsOf } from './rotation';

/** What is read ahead, and does not go into the graph as it is stored. */
const readAhead = ['on_input', 'oft_blocks', 'oft_diag', 'bias_indices', 'bias_values', 'bias_size', 'reshape_weight'] as const;
type ReadAhead = (typeof readAhead)[number];

/**
 * `rotations` [factors, count, n, n]: the orthogonal matrices of OFT (one factor) and BOFT. `rest` [out, in·…]: what an extraction's factors leave of ΔW,
 * dense. `alpha` [].
 */
export type AdapterPart = Exclude<LoraPart, ReadAhead> | 'rotations' | 'rest';

export interface Adapter<T> {
  /** As the file writes it, which errors name. */
  readonly layer: string;
  readonly algorithm: LoraAlgorithm;
  readonly parts: Readonly<Partial<Record<AdapterPart, T>>>;
  /** Of IA³: whether it scales the inputs. */
  readonly onInput: boolean;
}

/** What must be read to know the form of the graph. */
export const isReadAhead = (part: string): boolean => part === 'alpha' || (readAhead as readonly string[]).includes(part);

/** `read`: its parts that are read ahead. `outputs` of the layer that it changes. Throws lora.misfit naming the layer. */
export function prepareModule<T>({ layer, algorithm, parts }: LoraModule<T>, read: LoraParts<Tensor>, outputs: number): Adapter<T | Tensor> {
  const { on_input: onInput, oft_blocks: blocks, oft_diag: diag, bias_indices: at, bias_values: values, bias_size: size, alpha } = read;
  const others = Object.fromEntries(Object.entries(parts).filter(([part]) => !isReadAhead(part))) as Partial<Record<AdapterPart, T>>;
  const isRotation = algorithm === 'oft' || algorithm === 'boft';
  return {
    layer, algorithm, onInput: (onInput?.data[0] ?? 0) !== 0,
    parts: {
      ...others,
      // A bound in a rotation, which has counted by then; nothing in IA³.
      ...(alpha && !isRotation && algorithm !== 'ia3' && { alpha: float32([], alpha.data.slice(0, 1)) }),
      ...(isRotation && { rotations: rotationsOf(layer, { blocks, diag, bound: (alpha?.data[0] ?? 0) * outputs }) }),
      ...(at && values && size && { rest: dense(layer, { at, values, size }) }),
    },
  };
}

/** A sparse matrix with row and column of each value in [2, n]. */
function dense(layer: string, { at, values, size }: { at: Tensor; values: Tensor; size: Tensor }): Tensor {
  const [rows = 0, columns = 0] = size.data, count = values.data.length;
  const inside = (i: number): boolean => at.data[i]! >= 0 && at.data[i]! < rows && at.data[count + i]! >= 0 && at.data[count + i]! < columns;
  if (sizeOf(at.dims) !== 2 * count || rows * columns > MOST_REST || !values.data.every((_, i) => inside(i))) throw misfit(layer, [rows, columns], at.dims);
  const out = float32([rows, columns]);
  values.data.forEach((value, i) => { out.data[at.data[i]! * columns + at.data[count + i]!]! += value; });
  return out;
}

/** No layer of a network that we know is larger; a file may say anything. */
const MOST_REST = 1 << 28;
