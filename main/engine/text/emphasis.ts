// Weights the encoder's output by the prompt's emphasis, as A1111 does.
import { float32, sizeOf, type Tensor } from '../tensor';

/**
 * 'original' restores the mean that the output had before, 'no_norm' leaves it (better for some SDXL models). 'ignore' takes the brackets out of the
 * prompt and does nothing with them; 'none' leaves them in as text.
 */
export type EmphasisMode = 'original' | 'no_norm' | 'ignore' | 'none';

/** z [B, 77, D], multipliers one row of 77 per batch entry → z with each token's vector scaled. The mean is taken over the whole of z. */
export function applyEmphasis(z: Tensor, multipliers: readonly (readonly number[])[], mode: EmphasisMode = 'original'): Tensor {
  const scales = multipliers.flat();
  if (mode === 'ignore' || mode === 'none' || scales.every((scale) => scale === 1)) return z;
  const width = z.dims.at(-1)!;
  const weighted = float32(z.dims, z.data.map((value, i) => value * scales[Math.floor(i / width)]!));
  if (mode === 'no_norm') return weighted;
  const mean = meanOf(weighted);
  const restore = mean === 0 ? 1 : meanOf(z) / mean;
  return float32(z.dims, weighted.data.map((value) => value * restore));
}

const meanOf = (tensor: Tensor): number => tensor.data.reduce((sum, value) => sum + value, 0) / sizeOf(tensor.dims);
