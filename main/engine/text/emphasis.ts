// Weights the encoder's output by the prompt's emphasis, as A1111 and ComfyUI do.
import { float32, type Tensor } from '../tensor';

/**
 * 'original' restores the mean that the output had before, 'no_norm' leaves it (better for some SDXL models). 'ignore' takes the brackets out of the
 * prompt and does nothing with them; 'none' leaves them in as text.
 */
export type BracketMode = 'original' | 'no_norm' | 'ignore' | 'none';

/** A1111's prompt language and what its brackets do, or ComfyUI's language and way to weigh. */
export type EmphasisMode = BracketMode | 'comfy';

/**
 * z [B, 77, D], multipliers one row of 77 per batch entry → z with each token's vector scaled. The mean is taken over the whole of z, in which
 * entry b stands for `counts[b]` alike (1).
 */
export function applyEmphasis(z: Tensor, multipliers: readonly (readonly number[])[], mode: BracketMode = 'original', counts?: readonly number[]): Tensor {
  const scales = multipliers.flat();
  if (mode === 'ignore' || mode === 'none' || scales.every((scale) => scale === 1)) return z;
  const width = z.dims.at(-1)!;
  const weighted = float32(z.dims, z.data.map((value, i) => value * scales[Math.floor(i / width)]!));
  if (mode === 'no_norm') return weighted;
  const sum = total(weighted, counts);
  const restore = sum === 0 ? 1 : total(z, counts) / sum;
  return float32(z.dims, weighted.data.map((value) => value * restore));
}

/**
 * ComfyUI's way: each token goes from what an empty prompt has at its place to its own, and beyond: empty + weight·(z − empty).
 * z [B, 77, D], multipliers as above, empty [1, 77, D]. A token of weight 1 stays as it is, to the bit.
 */
export function blendWithEmpty(z: Tensor, multipliers: readonly (readonly number[])[], empty: Tensor): Tensor {
  const scales = multipliers.flat();
  const [, length, width] = z.dims as [number, number, number];
  return float32(z.dims, z.data.map((value, i) => {
    const scale = scales[Math.floor(i / width)]!, base = empty.data[i % (length * width)]!;
    return scale === 1 ? value : base + scale * (value - base);
  }));
}

function total({ data, dims }: Tensor, counts: readonly number[] = []): number {
  const size = data.length / dims[0]!;
  let sum = 0;
  for (let b = 0; b < dims[0]!; b++) {
    const entry = data.subarray(b * size, (b + 1) * size);
    sum += (counts[b] ?? 1) * entry.reduce((part, value) => part + value, 0);
  }
  return sum;
}
