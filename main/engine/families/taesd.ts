// TAESD, the tiny autoencoder: numbered layers of one Sequential. github.com/madebyollin/taesd. For previews and as a fast decode.
import { Graph, type Value } from '../graph/graph';
import { add, conv, mul, relu, scalar, upsample } from '../nn/layers';
import { Weights } from '../nn/weights';
import type { WeightFile } from '../weights/source';

export interface TaesdSize { readonly batch: number; readonly height: number; readonly width: number }

/** Input `latents` [B, 4, H/8, W/8] in diffusion scale. Output `image` [B, 3, H, W], about 0…1. The clamp at index 0 has no weights. */
export function buildTaesdDecoder(file: WeightFile, { batch, height, width }: TaesdSize, prefix = ''): Graph {
  const g = new Graph('taesd_decoder');
  const w = new Weights(g, file, prefix);
  const channels = w.shape('1.weight')?.[1] ?? 4;
  const latents = g.input('latents', 'float32', [batch, channels, height, width]);
  const clamped = mul(g, g.apply('Tanh', [mul(g, latents, scalar(g, 1 / 3))]), scalar(g, 3));
  g.output('image', sequence(g, w, relu(g, conv(g, w.at(1), clamped)), 3));
  return g;
}

/** Input `image` [B, 3, H, W] in 0…1. Output `latents` [B, 4, H/8, W/8] in diffusion scale. */
export function buildTaesdEncoder(file: WeightFile, { batch, height, width }: TaesdSize, prefix = ''): Graph {
  const g = new Graph('taesd_encoder');
  const w = new Weights(g, file, prefix);
  g.output('latents', sequence(g, w, conv(g, w.at(0), g.input('image', 'float32', [batch, 3, height, width])), 1));
  return g;
}

/**
 * Layers from `first` on. A number with `conv` below it is a residual block. A plain convolution without bias changes the size: in the
 * decoder the number before it is an upsampler (which has no weights), in the encoder it has stride 2.
 */
function sequence(g: Graph, w: Weights, x: Value, first: number): Value {
  const last = Math.max(...[...w.file.tensors.keys()].filter((key) => key.startsWith(w.path)).map((key) => Number(key.slice(w.path ? w.path.length + 1 : 0).split('.')[0])));
  let h = x;
  for (let i = first; i <= last; i++) {
    const layer = w.at(i);
    if (layer.has('conv')) h = residual(g, layer, h);
    else if (layer.has('bias')) h = conv(g, layer, h);
    else if (!layer.has('weight')) h = upsample(g, h, h.dims[2]! * 2, h.dims[3]! * 2);
    else h = conv(g, layer, h, { stride: w.has(i - 1) ? 2 : 1 });
  }
  return h;
}

/** Three convolutions with ReLU between, added to the input. */
function residual(g: Graph, w: Weights, x: Value): Value {
  let h = relu(g, conv(g, w.at('conv.0'), x));
  h = relu(g, conv(g, w.at('conv.2'), h));
  h = conv(g, w.at('conv.4'), h);
  return relu(g, add(g, h, w.has('skip') ? conv(g, w.at('skip'), x) : x));
}
