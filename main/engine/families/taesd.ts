// TAESD, the tiny autoencoder: numbered layers of one Sequential. github.com/madebyollin/taesd. For previews and as a fast decode.
import { AppError } from '../errors';
import { Graph, type Value } from '../graph/graph';
import type { Hooks } from '../graph/hooks';
import { add, conv, mul, relu, upsample } from '../nn/layers';
import { Weights } from '../nn/weights';
import type { Dims } from '../tensor';
import type { WeightFile } from '../weights/source';

export interface TaesdSize { readonly batch: number; readonly height: number; readonly width: number }

/** Where a file holds a part: below `prefix`, and the number and output channels of its first convolution. */
interface TaesdPart { readonly prefix: string; readonly first: number; readonly channels: number }

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
    if (shape?.length === 4 && shape[1] === (part === 'decoder' ? 4 : 3)) return { prefix, first, channels: shape[0]! };
  }
  return undefined;
}

/** What stands at each number of the Sequential that does something to the picture. */
type Layer =
  | { readonly kind: 'residual'; readonly channels: number; readonly skip: boolean }
  | { readonly kind: 'convolution'; readonly channels: number; readonly stride: 1 | 2; readonly bias: boolean }
  | { readonly kind: 'upsample' };

/** Input `latents` [B, 4, H/8, W/8] in diffusion scale. Output `image` [B, 3, H, W], about 0…1. Throws weights.missingTensor where the file has no decoder. */
export function buildTaesdDecoder(file: WeightFile, { batch, height, width }: TaesdSize, hooks: Hooks = {}): Graph {
  const part = taesdPart(file, 'decoder') ?? lacks(file, 'decoder');
  const g = new Graph('taesd_decoder', hooks);
  const w = new Weights(g, file, part.prefix);
  const latents = g.input('latents', 'float32', [batch, 4, height, width]);
  const clamped = mul(g, g.apply('Tanh', [mul(g, latents, g.scalar(1 / 3))]), g.scalar(3));
  // A ReLU takes the number behind the first convolution.
  g.output('image', sequence(g, w, relu(g, conv(g, w.at(part.first), clamped, part.channels)), layersOf(file, part.prefix, part.first + 2)));
  return g;
}

/** Input `image` [B, 3, H, W] in 0…1. Output `latents` [B, 4, H/8, W/8] in diffusion scale. Throws weights.missingTensor where the file has no encoder. */
export function buildTaesdEncoder(file: WeightFile, { batch, height, width }: TaesdSize, hooks: Hooks = {}): Graph {
  const part = taesdPart(file, 'encoder') ?? lacks(file, 'encoder');
  const g = new Graph('taesd_encoder', hooks);
  const w = new Weights(g, file, part.prefix);
  const image = g.input('image', 'float32', [batch, 3, height, width]);
  g.output('latents', sequence(g, w, conv(g, w.at(part.first), image, part.channels), layersOf(file, part.prefix, part.first + 1)));
  return g;
}

/**
 * The layers from number `first` on. A number with `conv` below it is a residual block. A convolution without bias changes the size: in the decoder the
 * number before it is an upsampler (which has no weights), in the encoder it has stride 2.
 */
function layersOf(file: WeightFile, prefix: string, first: number): Map<number, Layer> {
  const start = prefix && `${prefix}.`, shape = (name: string): Dims | undefined => file.tensors.get(start + name)?.shape;
  const numbers = [...file.tensors.keys()].flatMap((key) => (key.startsWith(start) ? Number(key.slice(start.length).split('.')[0]) : [])).filter(Number.isInteger);
  const layers = new Map<number, Layer>();
  for (let i = first; i <= Math.max(...numbers); i++) {
    const block = shape(`${i}.conv.0.weight`), weight = shape(`${i}.weight`), bias = shape(`${i}.bias`) !== undefined;
    if (block) layers.set(i, { kind: 'residual', channels: block[0]!, skip: shape(`${i}.skip.weight`) !== undefined });
    else if (!weight) layers.set(i, { kind: 'upsample' });
    else layers.set(i, { kind: 'convolution', channels: weight[0]!, bias, stride: bias || layers.get(i - 1)?.kind === 'upsample' ? 1 : 2 });
  }
  return layers;
}

function sequence(g: Graph, w: Weights, x: Value, layers: ReadonlyMap<number, Layer>): Value {
  let h = x;
  for (const [i, layer] of layers) {
    const at = w.at(i);
    if (layer.kind === 'residual') h = residual(g, at, h, layer);
    else if (layer.kind === 'upsample') h = upsample(g, h, h.dims[2]! * 2, h.dims[3]! * 2);
    else h = conv(g, at, h, layer.channels, layer);
  }
  return h;
}

/** Three convolutions with ReLU between, added to the input. */
function residual(g: Graph, w: Weights, x: Value, { channels, skip }: { channels: number; skip: boolean }): Value {
  return g.within(w.path, () => {
    let h = relu(g, conv(g, w.at('conv.0'), x, channels));
    h = relu(g, conv(g, w.at('conv.2'), h, channels));
    h = conv(g, w.at('conv.4'), h, channels);
    return relu(g, add(g, h, skip ? conv(g, w.at('skip'), x, channels, { kernel: 1, bias: false }) : x));
  });
}

function lacks({ path }: WeightFile, part: 'decoder' | 'encoder'): never {
  throw new AppError('model.lacksNetwork', { why: part === 'decoder' ? 'taesdDecoder' : 'taesdEncoder', file: path });
}
