// SDXL's vector condition: the pooled text and what the model was told of each picture's sizes. Podell et al. 2023, arXiv:2307.01952, section 2.2.
import { float32, type Tensor } from '../tensor';
import { timestepEmbedding } from './unet';

/** Width of one number's embedding. */
export const NUMBER_WIDTH = 256;

/** A1111's and the refiner's own: what to aim at, and what to keep away from. 0–10. */
const AESTHETIC_SCORE = { positive: 6, negative: 2.5 };

/**
 * The numbers that go with a picture of this size, in pixels and uncropped. The base model reads six: original height and width, top and left of the
 * crop, target height and width. The refiner reads five, the last an aesthetic score.
 */
export function sizeNumbers(count: number, { width, height }: { width: number; height: number }, negative: boolean): number[] {
  if (count === 6) return [height, width, 0, 0, height, width];
  if (count === 5) return [height, width, 0, 0, AESTHETIC_SCORE[negative ? 'negative' : 'positive']];
  throw new RangeError(`a vector condition of ${count} numbers is neither SDXL's nor its refiner's`);
}

/** pooled [1, P], then each number embedded like a timestep → [1, P + 256·numbers]. */
export function sizeVector(pooled: Tensor, numbers: readonly number[]): Tensor {
  const embedded = timestepEmbedding(numbers, NUMBER_WIDTH);
  const y = float32([1, pooled.data.length + embedded.data.length]);
  y.data.set(pooled.data);
  y.data.set(embedded.data, pooled.data.length);
  return y;
}
