// What a picture takes to compute, counted on the model's own graphs.
import type { WholeModel } from '../../engine/families/parts';
import { buildTaesdDecoder } from '../../engine/families/taesd';
import { buildUnet, unetConfig } from '../../engine/families/unet';
import { buildVaeDecoder, vaeConfig } from '../../engine/families/vae';

export interface PictureCost {
  /** Floating-point operations of one evaluation of the U-Net, with a prompt of one chunk. */
  readonly unetFlops: number;
  /** And of decoding the latents. */
  readonly decodeFlops: number;
}

/** Building the graphs takes about 0.1 s, and the window asks with each change of a setting. */
const known = new WeakMap<WholeModel, Map<string, PictureCost>>();

/** For a picture of this size in pixels, batch 1, of a model that runs. Reads no weights. */
export function costOf(model: WholeModel, width: number, height: number): PictureCost {
  const costs = known.get(model) ?? new Map<string, PictureCost>();
  known.set(model, costs);
  const key = `${width}x${height}`;
  const cost = costs.get(key) ?? countFlops(model, width, height);
  costs.set(key, cost);
  return cost;
}

function countFlops({ file, tiny }: WholeModel, width: number, height: number): PictureCost {
  const vae = vaeConfig(file), factor = vae?.factor ?? 8;
  const size = { batch: 1, height: Math.ceil(height / factor), width: Math.ceil(width / factor) };
  const decoder = tiny ? buildTaesdDecoder(tiny, size) : buildVaeDecoder(file, vae!, size);
  return { unetFlops: buildUnet(file, unetConfig(file)!, { ...size, tokens: 77 }).flops(), decodeFlops: decoder.flops() };
}
