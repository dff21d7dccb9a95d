// From torch's strided tensors to byte ranges: where in its storage a tensor lies, and in which order its axes lie there.
import { sizeOf, type Dims } from '../../tensor';
import { dtypeBytes } from '../dtypes';
import type { TensorEntry } from '../source';
import { printable, type Fail } from '../fault';
import type { StoredTensor } from './values';

/** `base`: where the storage's bytes begin in the file. Throws weights.badOffsets, weights.unsupportedLayout (elements that repeat). */
export function entryOf(name: string, tensor: StoredTensor, base: number, fail: Fail): TensorEntry {
  const { storage, dtype, shape, strides } = tensor, elementBytes = dtypeBytes[dtype], isInside = storage instanceof Uint8Array;
  const elements = sizeOf(shape), key = printable(name), storedBytes = storage.byteLength;
  const offset = isInside ? 0 : base + storage.start + tensor.offset * elementBytes, data = isInside && { data: storage };
  if (elements === 0) return { name, dtype, shape, offset: base, byteLength: 0 };
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, tensor.offset);
  // Beyond 2⁵³ sums are no longer exact, but still far behind the end of every storage.
  if ((last + 1) * elementBytes > storedBytes) {
    throw fail('weights.badOffsets', { why: 'behindStorage', key, shape: [...shape], sizeBytes: storedBytes });
  }
  const order = storageOrder(shape, strides);
  if (!order) {
    // One that repeats what it sees asks for more memory than the file brings.
    if (overlaps(shape, strides)) throw fail('weights.unsupportedLayout', { why: 'strides', key, shape: [...shape], strides: [...strides] });
    return { name, dtype, shape, offset, byteLength: (last - tensor.offset + 1) * elementBytes, strides, ...data };
  }
  const entry = { name, dtype, shape, offset, byteLength: elements * elementBytes, ...data };
  if (order.every((axis, i) => axis === i)) return entry;
  return { ...entry, layout: { shape: order.map((axis) => shape[axis]!), perm: shape.map((_, axis) => order.indexOf(axis)) } };
}

/** Whether two elements share a place: a step along an axis must lead beyond all that the smaller steps reach. */
function overlaps(shape: Dims, strides: Dims): boolean {
  const axes = shape.map((_, axis) => axis).filter((axis) => shape[axis]! > 1).sort((a, b) => strides[a]! - strides[b]!);
  let reach = 0;
  return axes.some((axis) => {
    const isShort = strides[axis]! <= reach;
    reach += (shape[axis]! - 1) * strides[axis]!;
    return isShort;
  });
}

/** The tensor's axes from the slowest to the fastest, or null when its elements do not lie one beside the other. Axes of size 1 stay in place: their stride means nothing. */
function storageOrder(shape: Dims, strides: Dims): number[] | null {
  const axes = shape.map((_, axis) => axis), long = axes.filter((axis) => shape[axis]! > 1);
  const sorted = long.toSorted((a, b) => strides[b]! - strides[a]!);
  let step = 1;
  for (const axis of sorted.toReversed()) {
    if (strides[axis] !== step) return null;
    step *= shape[axis]!;
  }
  return axes.map((axis) => (shape[axis]! > 1 ? sorted.shift()! : axis));
}
