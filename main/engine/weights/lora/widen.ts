// Zeros around a weight, for LoRAs that make a layer larger than the model has it (ComfyUI's `reshape_weight`).
import { sizeOf, type Dims } from '../../tensor';

/** The weight at the beginning of every axis of a larger one; `to` is nowhere smaller than `from`. */
export function widen(values: Float32Array, from: Dims, to: Dims): Float32Array {
  const out = new Float32Array(sizeOf(to));
  const copy = (axis: number, source: number, target: number): void => {
    const [step, stride] = [sizeOf(from.slice(axis + 1)), sizeOf(to.slice(axis + 1))];
    if (step === stride) out.set(values.subarray(source, source + from[axis]! * step), target);
    else for (let i = 0; i < from[axis]!; i++) copy(axis + 1, source + i * step, target + i * stride);
  };
  copy(0, 0, 0);
  return out;
}
