// What the picture looks like so far, cheaply enough to show it at every step.
import { float32, type Tensor } from '../tensor';
import type { Autoencoder } from './autoencoder';
import type { Model } from './model';

/** Latents → image [1, 3, h, w] in −1…1, of any size that fits the picture's shape; undefined when this step is left out. `stepSeconds`: what the step took. */
export type Previewer = (denoised: Tensor, stepSeconds: number) => Promise<Tensor | undefined>;

/** A decode of this many floating-point operations takes a tenth of a second or so on a slow machine. */
const CHEAP_DECODE = 20e9;
/** Share of the time so far that may go into previews. */
const BUDGET = 0.4;
/** Share of a step that a larger preview than a cheap one may take. */
const STEP_SHARE = 0.05;

/** [R, G, B] of each latent channel, and what is added to them. */
interface LatentColors { readonly channels: readonly (readonly [number, number, number])[]; readonly bias: readonly [number, number, number] }

/**
 * Colours of the families' latents: a linear map per channel, found by regression (Timothy Alexis Vass, 2023, and ComfyUI's
 * latent formats). Only true for the families' own autoencoders, which are told by their width.
 */
const SD1_COLORS: LatentColors = { channels: [[0.3512, 0.2297, 0.3227], [0.325, 0.4974, 0.235], [-0.2829, 0.1762, 0.2721], [-0.212, -0.2616, -0.7177]], bias: [0, 0, 0] };
const SDXL_COLORS: LatentColors = {
  channels: [[0.3651, 0.4232, 0.4341], [-0.2533, -0.0042, 0.1068], [0.1076, 0.1111, -0.0362], [-0.3165, -0.2492, -0.2188]], bias: [0.1084, -0.0175, -0.0011],
};

/**
 * `tiny` (TAESD) shows most, where there is one. Else the families' own latents are shown by colour, one pixel each, and others are decoded by the
 * model itself. `now` gives seconds.
 */
export function previewer(model: Pick<Model, 'autoencoder' | 'traits'>, tiny: Autoencoder | undefined, now: () => number): Previewer {
  const decoder = tiny ?? model.autoencoder;
  if (!tiny && decoder.hasFamilyLatents && !decoder.isTiny) {
    const colors = model.traits.latentSpace === 'sdxl' ? SDXL_COLORS : SD1_COLORS;
    return (denoised) => Promise.resolve(linearColors(denoised, colors));
  }
  return decoded(decoder, now);
}

/** Decodes a pooled copy of the latents: as often as the budget allows, and as large as steps are long. */
function decoded(decoder: Autoencoder, now: () => number): Previewer {
  const began = now();
  let spent = 0, flopsPerSecond = 0;
  return async (denoised, stepSeconds) => {
    const start = now();
    if (spent > BUDGET * (start - began - spent)) return undefined;
    const most = Math.max(CHEAP_DECODE, STEP_SHARE * stepSeconds * flopsPerSecond);
    const latents = shrinkTo(denoised, (h, w) => decoder.decodeFlops(h, w) <= most);
    const image = await decoder.decode(latents, 'preview');
    const took = now() - start;
    spent += took;
    flopsPerSecond = decoder.decodeFlops(latents.dims[2]!, latents.dims[3]!) / Math.max(took, 1e-3);
    return image;
  };
}

/** One pixel per latent. */
function linearColors(latents: Tensor, { channels: factors, bias }: LatentColors): Tensor {
  const [, channels, height, width] = latents.dims as [number, number, number, number];
  const size = height * width;
  const image = float32([1, 3, height, width]);
  for (let color = 0; color < 3; color++) {
    for (let i = 0; i < size; i++) {
      let sum = bias[color]!;
      for (let c = 0; c < channels; c++) sum += latents.data[c * size + i]! * (factors[c]?.[color] ?? 0);
      image.data[color * size + i] = sum;
    }
  }
  return image;
}

/** Halves the latents by averaging until `fits`, or until a side would be odd. */
function shrinkTo(latents: Tensor, fits: (height: number, width: number) => boolean): Tensor {
  const [batch, channels, height, width] = latents.dims as [number, number, number, number];
  if (fits(height, width) || height % 2 || width % 2) return latents;
  const [h, w] = [height / 2, width / 2];
  const out = float32([batch, channels, h, w]);
  for (let i = 0; i < out.data.length; i++) {
    const at = Math.floor(i / w) * 2 * width + (i % w) * 2;
    out.data[i] = (latents.data[at]! + latents.data[at + 1]! + latents.data[at + width]! + latents.data[at + width + 1]!) / 4;
  }
  return shrinkTo(out, fits);
}
