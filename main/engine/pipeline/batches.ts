// Tensors of several evaluations in one: rows of a batch, and channels behind channels.
import { float32, sizeOf, type Tensor } from '../tensor';

/** [1, …] tensors of one shape → [n, …]. */
export function stack(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (!first) throw new RangeError('a batch of nothing');
  const size = sizeOf(first.dims);
  const out = float32([parts.length, ...first.dims.slice(1)]);
  parts.forEach((part, i) => out.data.set(part.data, i * size));
  return out;
}

/** [n, …] → n tensors [1, …]. */
export function unstack({ dims, data }: Tensor): Tensor[] {
  const shape = [1, ...dims.slice(1)], size = sizeOf(shape);
  return Array.from({ length: dims[0]! }, (_, i) => float32(shape, data.slice(i * size, (i + 1) * size)));
}

/** [B, C, h, w] with [B, n, h, w] behind it. */
export function joinChannels(x: Tensor, more: Tensor): Tensor {
  const [batch, channels, height, width] = x.dims as [number, number, number, number];
  const added = more.dims[1]!, size = height * width;
  const out = float32([batch, channels + added, height, width]);
  for (let b = 0; b < batch; b++) {
    const row = b * (channels + added) * size;
    out.data.set(x.data.subarray(b * channels * size, (b + 1) * channels * size), row);
    out.data.set(more.data.subarray(b * added * size, (b + 1) * added * size), row + channels * size);
  }
  return out;
}
