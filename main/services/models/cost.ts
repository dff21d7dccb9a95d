// What a picture takes to compute, counted on the model's own graphs.
import { buildUnet, unetConfig } from '../../engine/families/unet';
import { buildVaeDecoder, vaeConfig } from '../../engine/families/vae';
import type { WeightFile } from '../../engine/weights/source';

export interface PictureCost {
  /** Floating-point operations of one evaluation of the U-Net, with a prompt of one chunk. */
  readonly unetFlops: number;
  /** And of decoding the latents. */
  readonly decodeFlops: number;
}

/** Building the graphs takes about 0.1 s, and the window asks with each change of a setting. */
const known = new WeakMap<WeightFile, Map<string, PictureCost>>();

/** For a picture of this size in pixels, batch 1. `file` is a whole checkpoint that runs. Reads no weights. */
export function costOf(file: WeightFile, width: number, height: number): PictureCost {
  const costs = known.get(file) ?? new Map<string, PictureCost>();
  known.set(file, costs);
  const key = `${width}x${height}`;
  const cost = costs.get(key) ?? countFlops(file, width, height);
  costs.set(key, cost);
  return cost;
}

function countFlops(file: WeightFile, width: number, height: number): PictureCost {
  const vae = vaeConfig(file)!;
  const size = { batch: 1, height: Math.ceil(height / vae.factor), width: Math.ceil(width / vae.factor) };
  return { unetFlops: buildUnet(file, unetConfig(file)!, { ...size, tokens: 77 }).flops(), decodeFlops: buildVaeDecoder(file, vae, size).flops() };
}
