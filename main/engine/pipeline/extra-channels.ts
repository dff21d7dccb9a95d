// What some variants of the U-Net read beside the latents, at the latents' size: mask and masked picture, a picture to edit, a depth map.
import { AppError } from '../errors';
import type { SeamlessAxes } from '../nn/seamless';
import { mul } from '../sampling/arithmetic';
import { float32, type Tensor } from '../tensor';
import { joinChannels } from './batches';
import type { Model } from './model';

/** Pictures that a job brings, as large as the picture that it makes. */
export interface Pictures {
  /** [1, 3, H, W] in −1…1: img2img starts from it. */
  readonly init?: Tensor | undefined;
  /** [1, 1, H, W] in 0…1: 1 is repainted, 0 is kept. */
  readonly mask?: Tensor | undefined;
  /** [1, 1, H, W] of any range: larger is nearer. */
  readonly depth?: Tensor | undefined;
  /** The mask's greys count. */
  readonly softMask?: boolean;
}

/**
 * [1, n, H/8, W/8] for the n channels that this model's U-Net reads besides, or null. `original`: the latents of `init`.
 * Throws job.noDepth where a picture is missing that it cannot do without.
 */
export async function extraChannels(model: Model, { init, mask, depth, softMask = false }: Pictures, original: Tensor | undefined, { width, height, seamless }: { width: number; height: number; seamless?: SeamlessAxes | undefined }): Promise<Tensor | null> {
  const { factor, latentChannels } = model.autoencoder;
  const size = [height / factor, width / factor] as const;
  switch (model.unet.inChannels - latentChannels) {
    case 0: return null;
    case 1: return depthChannel(depth, size);
    // The picture's latents, without the family's scale (Brooks et al. 2023).
    case latentChannels: return original ? mul(original, 1 / model.traits.latentScale) : float32([1, latentChannels, ...size]);
    case latentChannels + 1: {
      const whole = float32([1, 1, height, width]);
      whole.data.fill(1);
      const masked = await model.autoencoder.encode(init ? hideMasked(init, mask ?? whole, softMask) : grey(width, height), seamless);
      return joinChannels(latentMask(mask ?? whole, factor, softMask), masked);
    }
    default: throw new RangeError(`a U-Net of ${model.unet.inChannels} input channels is no known variant`);
  }
}

/** [1, 1, H, W] → [1, 1, H/factor, W/factor] of 0 and 1, or with `soft` what lies between: every factor-th pixel, as the inpainting models were trained. */
export function latentMask(mask: Tensor, factor: number, soft = false): Tensor {
  const [, , height, width] = mask.dims as [number, number, number, number];
  const out = float32([1, 1, height / factor, width / factor]);
  const columns = width / factor;
  for (let i = 0; i < out.data.length; i++) {
    const share = mask.data[Math.floor(i / columns) * factor * width + (i % columns) * factor]!;
    out.data[i] = soft ? share : Math.round(share);
  }
  return out;
}

/** Mid grey where the mask is. */
function hideMasked(picture: Tensor, mask: Tensor, soft: boolean): Tensor {
  const size = mask.data.length;
  return float32(picture.dims, picture.data.map((value, i) => value * (1 - (soft ? mask.data[i % size]! : Math.round(mask.data[i % size]!)))));
}

/** What stands for the picture where there is none and all is masked: half-bright grey, A1111's choice. */
function grey(width: number, height: number): Tensor {
  const picture = float32([1, 3, height, width]);
  picture.data.fill(0.5);
  return picture;
}

/** The map at the latents' size, stretched to −1…1 as MiDaS' answers were in training. */
function depthChannel(depth: Tensor | undefined, [rows, columns]: readonly [number, number]): Tensor {
  if (!depth) {
    throw new AppError('job.noDepth', {});
  }
  const [, , height, width] = depth.dims as [number, number, number, number];
  const [stepY, stepX] = [height / rows, width / columns];
  const out = float32([1, 1, rows, columns]);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) out.data[Math.floor(y / stepY) * columns + Math.floor(x / stepX)]! += depth.data[y * width + x]!;
  }
  const low = out.data.reduce((a, b) => Math.min(a, b)), high = out.data.reduce((a, b) => Math.max(a, b));
  return float32(out.dims, out.data.map((value) => (high > low ? (2 * (value - low)) / (high - low) - 1 : 0)));
}
