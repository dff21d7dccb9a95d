// Arithmetic on whole tensors: every sampler update is a linear combination, added up in double and rounded to float32 once.
import { float32, type Tensor } from '../tensor';

export type Term = readonly [coefficient: number, tensor: Tensor];

/** Σ coefficient · tensor, all of one shape. A term with coefficient 0 is not read, so that a NaN in it does no harm. */
export function lincomb(...terms: readonly Term[]): Tensor {
  const first = terms[0];
  if (!first) throw new RangeError('lincomb of nothing');
  const used = terms.filter(([coefficient]) => coefficient !== 0);
  const coefficients = Float64Array.from(used, ([coefficient]) => coefficient);
  const data = used.map(([, tensor]) => tensor.data);
  const out = float32(first[1].dims);
  for (let i = 0; i < out.data.length; i++) {
    let sum = 0;
    for (let k = 0; k < data.length; k++) sum += coefficients[k]! * data[k]![i]!;
    out.data[i] = sum;
  }
  return out;
}

export const mul = (a: Tensor, factor: number): Tensor => lincomb([factor, a]);

/** ratio·x + (1 − ratio)·target: where every step along a straight line to `target` ends, target itself at ratio 0. */
export const towards = (x: Tensor, target: Tensor, ratio: number): Tensor => lincomb([ratio, x], [1 - ratio, target]);
