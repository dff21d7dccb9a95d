// From torch's strided tensors to byte ranges: where in its storage a tensor lies, and in which order its axes lie there.
import { sizeOf, type Dims } from '../../tensor';
import { dtypeBytes, showDims } from '../safetensors';
import type { TensorEntry } from '../source';
import { damaged, printable, type Fail } from './fault';
import type { StoredTensor } from './values';

/** `base`: where the storage's bytes begin in the file. Throws weights.badOffsets, weights.unsupportedLayout (gaps, repeated elements). */
export function entryOf(name: string, tensor: StoredTensor, base: number, fail: Fail): TensorEntry {
  const { storage, dtype, shape, strides } = tensor, elementBytes = dtypeBytes[dtype];
  const elements = sizeOf(shape), key = printable(name);
  const offset = base + storage.start + tensor.offset * elementBytes;
  if (elements === 0) return { name, dtype, shape, offset: base, byteLength: 0 };
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis]!, tensor.offset);
  // Beyond 2⁵³ sums are no longer exact, but still far behind the end of every storage.
  if ((last + 1) * elementBytes > storage.byteLength) {
    throw fail('weights.badOffsets', `places "${key}" ${showDims(shape)} behind the end of its storage of ${storage.byteLength} bytes`, damaged, { key });
  }
  const order = storageOrder(shape, strides);
  if (!order) {
    throw fail('weights.unsupportedLayout', `stores "${key}" ${showDims(shape)} with strides ${showDims(strides)}, as a part of something else or repeated`,
      'Get the .safetensors version of this model, or save it again with contiguous tensors.', { key });
  }
  const entry = { name, dtype, shape, offset, byteLength: elements * elementBytes };
  if (order.every((axis, i) => axis === i)) return entry;
  return { ...entry, layout: { shape: order.map((axis) => shape[axis]!), perm: shape.map((_, axis) => order.indexOf(axis)) } };
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
