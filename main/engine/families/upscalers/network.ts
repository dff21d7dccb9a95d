// Networks that make pictures larger: which one a file has, and what whoever runs it must know.
import { AppError } from '../../errors';
import type { Graph } from '../../graph/graph';
import type { WeightFile } from '../../weights/source';
import { buildCompact, compactSizes } from './compact';
import { buildRrdb, rrdbSizes } from './rrdb';
import { buildSwin, swinSizes } from './swinir';

export interface PictureSize { readonly batch: number; readonly height: number; readonly width: number }

export interface UpscalerNetwork {
  /** A whole number; 1 where it cleans a picture. */
  readonly scale: number;
  /** Of the picture that it reads: 3, or 1 where it reads colour by colour. */
  readonly colors: number;
  /** Sides of what it reads are multiples of it. */
  readonly multiple: number;
  /** Input `image` [B, colors, H, W] in 0…1. Output `upscaled` [B, colors, scale·H, scale·W], about 0…1. */
  build(size: PictureSize): Graph;
}

/** What files may have beside what a network reads: tables that it computes itself. */
const buffers = /(?:^|\.)(?:relative_position_index|attn_mask|num_batches_tracked)$/;

/** Throws model.unsupported where it has none that we know, or one that has more than we know of. */
export function upscalerNetwork(file: WeightFile): UpscalerNetwork {
  const network = rrdbNetwork(file) ?? compactNetwork(file) ?? swinNetwork(file);
  if (!network || !isPicture(network)) throw unknownNetwork(file, file.tensors.keys().next().value ?? '');
  // A tensor that would go unread is of a network that we do not know, and without it the picture would be another.
  const side = 4 * network.multiple, read = new Set([...network.build({ batch: 1, height: side, width: side }).weightRefs()].map(({ name }) => name));
  for (const name of file.tensors.keys()) if (!read.has(name) && !buffers.test(name)) throw unknownNetwork(file, name);
  return network;
}

const isPicture = ({ colors, scale }: UpscalerNetwork): boolean => (colors === 1 || colors === 3) && Number.isInteger(scale) && scale > 0;
const unknownNetwork = ({ path }: WeightFile, key: string): AppError => new AppError('model.unsupported', { why: 'upscaler', file: path, key });

function rrdbNetwork(file: WeightFile): UpscalerNetwork | undefined {
  const sizes = rrdbSizes(file);
  return sizes && { scale: 2 ** sizes.doublings / sizes.fold, colors: sizes.colors, multiple: sizes.fold, build: (size) => buildRrdb(file, sizes, size) };
}

function compactNetwork(file: WeightFile): UpscalerNetwork | undefined {
  const sizes = compactSizes(file);
  return sizes && { scale: sizes.scale, colors: sizes.colors, multiple: 1, build: (size) => buildCompact(file, sizes, size) };
}

function swinNetwork(file: WeightFile): UpscalerNetwork | undefined {
  const sizes = swinSizes(file);
  return sizes && { scale: sizes.factors.reduce((a, b) => a * b, 1), colors: sizes.colors, multiple: sizes.window, build: (size) => buildSwin(file, sizes, size) };
}
