// TAESD, the tiny autoencoder: numbered layers of one Sequential. github.com/madebyollin/taesd. For previews and as a fast decode.
import { Graph, type Value } from '../graph/graph';
import { add, conv, mul, relu, scalar, upsample } from '../nn/layers';
import { Weights } from '../nn/weights';
import type { WeightFile } from '../weights/source';

export interface TaesdSize { readonly batch: number; readonly height: number; readonly width: number }

/** Where a file holds a part: below `prefix`, and the number of its first convolution. */
interface TaesdPart { readonly prefix: string; readonly first: number }

/**
 * The decoder's first layer clamps and has no weights, so that its numbers begin at 1; diffusers' AutoencoderTiny leaves that layer out. Files are named
 * as the original's two files, as both in one, as ComfyUI saves them, and as diffusers.
 */
const prefixes = { decoder: ['', 'decoder', 'taesd_decoder', 'decoder.layers'], encoder: ['', 'encoder', 'taesd_encoder', 'encoder.layers'] } as const;

/** undefined where the file does not have the part. Latents of the families that we run have four channels. */
export function taesdPart(file: WeightFile, part: 'decoder' | 'encoder'): TaesdPart | undefined {
  for (const prefix of prefixes[part]) {
    const first = part === 'decoder' && !prefix.endsWith('layers') ? 1 : 0;
    const shape = file.tensors.get(`${prefix && `${prefix}.`}${first}.weight`)?.shape;
    if (shape?.length === 4 && shape[1] === (part === 'decoder' ? 4 : 3)) return { prefix, first };
  }
  return undefined;
}

/** Input `latents` [B, 4, H/8, W/8] in diffusion scale. Output `image` [B, 3, H, W], about 0…1. Throws weights.missingTensor where the file has no decoder. */
export function buildTaesdDecoder(file: WeightFile, { batch, height, width }: TaesdSize): Graph {
  const { prefix, first } = taesdPart(file, 'decoder') ?? { prefix: '', first: 1 };
  const g = new Graph('taesd_decoder');
  const w = new Weights(g, file, prefix);
  const latents = g.input('latents', 'float32', [batch, 4, height, width]);
  const clamped = mul(g, g.apply('Tanh', [mul(g, latents, scalar(g, 1 / 3))]), scalar(g, 3));
  g.output('image', sequence(g, w, relu(g, conv(g, w.at(first), clamped)), first + 2));
  return g;
}

/** Input `image` [B, 3, H, W] in 0…1. Output `latents` [B, 4, H/8, W/8] in diffusion scale. Throws weights.missingTensor where the file has no encoder. */
export function buildTaesdEncoder(file: WeightFile, { batch, height, width }: TaesdSize): Graph {
  const g = new Graph('taesd_encoder');
  const w = new Weights(g, file, taesdPart(file, 'encoder')?.prefix);
  g.output('latents', sequence(g, w, conv(g, w.at(0), g.input('image', 'float32', [batch, 3, height, width])), 1));
  return g;
}

/**
 * Layers from `first` on. A number with `conv` below it is a residual block. A plain convolution without bias changes the size: in the
 * decoder the number before it is an upsampler (which has no weights), in the encoder it has stride 2.
 */
function sequence(g: Graph, w: Weights, x: Value, first: number): Value {
  const numbers = [...w.file.tensors.keys()].filter((key) => key.startsWith(w.key(''))).map((key) => Number(key.slice(w.key('').length).split('.')[0]));
  const last = Math.max(...numbers.filter(Number.isInteger));
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
