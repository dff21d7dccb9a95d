// Layers as TensorFlow means them, over values [B, C, H, W]: its weights have their channels last, and 'same' padding depends on the stride.
import type { Graph, Value } from '../../graph/graph';
import type { Pads } from '../../graph/primitives';
import { relu } from '../../nn/layers';
import { sizeOf, type Dims } from '../../tensor';
import type { TfjsTensor } from '../../weights/tfjs';

export type Padding = 'same' | 'valid';
export type Activation = 'linear' | 'relu' | 'relu6';
interface LayerOptions { readonly stride?: number; readonly padding?: Padding; readonly bias?: TfjsTensor | undefined; readonly activation?: Activation }

/** filter [kH, kW, Cin, Cout]. x [B, Cin, H, W] → [B, Cout, H', W']. */
export function convolution(g: Graph, x: Value, filter: TfjsTensor, { stride = 1, padding = 'same', bias, activation = 'linear' }: LayerOptions = {}): Value {
  const [kernel = 0, width = 0] = filter.dims, weight = constant(g, turned(filter, [3, 2, 0, 1]));
  return activated(g, g.apply('Conv', [x, weight, bias && constant(g, bias)], { stride, pads: padsOf(x, [kernel, width], stride, padding) }), activation);
}

/** Each channel by itself: filter [kH, kW, C, 1]. x [B, C, H, W] → [B, C, H', W']. */
export function depthwise(g: Graph, x: Value, filter: TfjsTensor, { stride = 1, padding = 'same', bias, activation = 'linear' }: LayerOptions = {}): Value {
  const [kernel = 0, width = 0, groups] = filter.dims, weight = constant(g, turned(filter, [2, 3, 0, 1]));
  return activated(g, g.apply('Conv', [x, weight, bias && constant(g, bias)], { stride, pads: padsOf(x, [kernel, width], stride, padding), groups: groups! }), activation);
}

export function maxPool(g: Graph, x: Value, kernel: number, stride: number, padding: Padding): Value {
  return g.apply('MaxPool', [x], { kernel, stride, pads: padsOf(x, [kernel, kernel], stride, padding) });
}

/** weights [in, out]. x [B, in] → [B, out]. */
export const dense = (g: Graph, x: Value, weights: TfjsTensor, bias: TfjsTensor): Value =>
  g.apply('Linear', [x, constant(g, turned(weights, [1, 0])), constant(g, bias)]);

/** The average of each channel. x [B, C, H, W] → [B, C]. */
export const channelMeans = (g: Graph, x: Value): Value => g.apply('Reshape', [g.apply('ReduceMean', [x], { axes: [2, 3] })], { dims: x.dims.slice(0, 2) });

export const constant = (g: Graph, { dims, values }: TfjsTensor, as: Dims = dims): Value => g.constant('float32', as, values);

export function activated(g: Graph, x: Value, activation: Activation): Value {
  if (activation === 'linear') return x;
  return activation === 'relu' ? relu(g, x) : g.apply('Clip', [x], { min: 0, max: 6 });
}

/** Axis i of the result is axis `perm[i]`. */
export function turned({ name, dims, values }: TfjsTensor, perm: readonly number[]): TfjsTensor {
  const strides = dims.map((_, axis) => sizeOf(dims.slice(axis + 1))), shape = perm.map((axis) => dims[axis]!), out = new Float32Array(values.length);
  const at = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to++) {
    out[to] = values[from]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[perm[axis]!]!;
      if (++at[axis]! < shape[axis]!) break;
      from -= strides[perm[axis]!]! * shape[axis]!;
      at[axis] = 0;
    }
  }
  return { name, dims: shape, values: out };
}

/** 'same': as many windows as strides fit into the side; where the padding is odd, there is more of it behind. */
function padsOf({ dims }: Value, kernel: readonly [number, number], stride: number, padding: Padding): Pads {
  if (padding === 'valid') return [0, 0, 0, 0];
  const [y, x] = kernel.map((size, i) => Math.max(0, (Math.ceil(dims[2 + i]! / stride) - 1) * stride + size - dims[2 + i]!)) as [number, number];
  return [Math.floor(y / 2), Math.floor(x / 2), Math.ceil(y / 2), Math.ceil(x / 2)];
}
