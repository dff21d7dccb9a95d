// Text embeddings [1, tokens, D] side by side, and made equally long: what the U-Net reads in one batch has one length.
import { float32, type Tensor } from '../tensor';

/** Of several encoders: [1, tokens, D₁], [1, tokens, D₂] → [1, tokens, D₁ + D₂]. */
export function sideBySide(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first && parts.length === 1) return first;
  const tokens = first!.dims[1]!;
  const width = parts.reduce((sum, { dims }) => sum + dims[2]!, 0);
  const out = float32([1, tokens, width]);
  let column = 0;
  for (const { data, dims } of parts) {
    const own = dims[2]!;
    for (let token = 0; token < tokens; token++) out.data.set(data.subarray(token * own, (token + 1) * own), token * width + column);
    column += own;
  }
  return out;
}

/** Up to `tokens` with the last vector again and again, which is how A1111 makes the parts of an AND equally long. */
export const repeatLast = (context: Tensor, tokens: number): Tensor => extend(context, tokens, 1);

/**
 * Up to `tokens`, a multiple of its own, with the whole again and again. To the U-Net that is no change: attention to keys that all stand there k times
 * is the attention to each once.
 */
export const repeatWhole = (context: Tensor, tokens: number): Tensor => extend(context, tokens, context.dims[1]!);

export function leastCommonMultiple(a: number, b: number): number {
  let multiple = a;
  while (multiple % b !== 0) multiple += a;
  return multiple;
}

/** Up to `tokens` with copies of the last `period` vectors. */
function extend(context: Tensor, tokens: number, period: number): Tensor {
  const [, own, width] = context.dims as [number, number, number];
  if (own === tokens) return context;
  const out = float32([1, tokens, width]);
  out.data.set(context.data);
  for (let at = own; at < tokens; at += period) out.data.set(context.data.subarray((own - period) * width), at * width);
  return out;
}
