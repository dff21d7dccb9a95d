// Weights the encoder's output by the prompt's emphasis, as A1111 does.
import { float32, type Tensor } from '../tensor';

/**
 * 'original' restores the mean that the output had before, 'no_norm' leaves it (better for some SDXL models). 'ignore' takes the brackets out of the
 * prompt and does nothing with them; 'none' leaves them in as text.
 */
export type EmphasisMode = 'original' | 'no_norm' | 'ignore' | 'none';

/**
 * z [B, 77, D], multipliers one row of 77 per batch entry → z with each token's vector scaled. The mean is taken over the whole of z, in which
 * entry b stands for `counts[b]` alike (1).
 */
export function applyEmphasis(z: Tensor, multipliers: readonly (readonly number[])[], mode: EmphasisMode = 'original', counts?: readonly number[]): Tensor {
  const scales = multipliers.flat();
  if (mode === 'ignore' || mode === 'none' || scales.every((scale) => scale === 1)) return z;
  const width = z.dims.at(-1)!;
  const weighted = float32(z.dims, z.data.map((value, i) => value * scales[Math.floor(i / width)]!));
  if (mode === 'no_norm') return weighted;
  const sum = total(weighted, counts);
  const restore = sum === 0 ? 1 : total(z, counts) / sum;
  return float32(z.dims, weighted.data.map((value) => value * restore));
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
