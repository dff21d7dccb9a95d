// Real-ESRGAN's compact network (SRVGGNetCompact): a chain of convolutions at the picture's own size and one pixel shuffle, whose result is added to the
// picture made larger by nearest neighbour.
import { Graph } from '../../graph/graph';
import { add, conv, pixelShuffle, prelu, upsample } from '../../nn/layers';
import { Weights, type WeightSource } from '../../nn/weights';
import type { WeightFile } from '../../weights/source';
import type { PictureSize } from './network';

export interface CompactSizes {
  readonly colors: number;
  readonly features: number;
  /** Number of the last convolution in the chain, whose odd numbers are activations. */
  readonly last: number;
  readonly scale: number;
}

/** undefined where the file has no such network. Its activations other than PReLU leave nothing in the file, so that it is not known which they are. */
export function compactSizes({ tensors }: WeightFile): CompactSizes | undefined {
  const first = tensors.get('body.0.weight')?.shape;
  if (first?.length !== 4 || tensors.get('body.1.weight')?.shape.length !== 1) return undefined;
  let last = 2;
  while (tensors.has(`body.${last + 2}.weight`)) last += 2;
  const [features, colors] = first as [number, number], scale = Math.sqrt((tensors.get(`body.${last}.weight`)?.shape[0] ?? 0) / colors);
  return Number.isInteger(scale) && scale > 0 ? { colors, features, last, scale } : undefined;
}

/** Input `image` [B, C, H, W] in 0…1. Output `upscaled` [B, C, s·H, s·W], not clamped. */
export function buildCompact(source: WeightSource, { colors, features, last, scale }: CompactSizes, { batch, height, width }: PictureSize): Graph {
  const g = new Graph('srvgg'), body = new Weights(g, source, 'body');
  const image = g.input('image', 'float32', [batch, colors, height, width]);
  let h = image;
  for (let i = 0; i < last; i += 2) h = prelu(g, body.at(i + 1), conv(g, body.at(i), h, features));
  const detail = pixelShuffle(g, conv(g, body.at(last), h, colors * scale ** 2), scale);
  g.output('upscaled', add(g, detail, upsample(g, image, height * scale, width * scale)));
  return g;
}
