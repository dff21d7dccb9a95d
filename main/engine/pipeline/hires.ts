// The second, larger pass: its size, and what it begins with. A1111's "hires fix".
import type { Hires } from '../../../preload/contract/editing';
import { crop, toEighths } from '../editing/repaint';
import { resample, type Filter } from '../editing/resample';
import type { SeamlessAxes } from '../nn/seamless';
import type { AbortLike } from '../sampling/types';
import { float32, type Tensor } from '../tensor';
import type { Autoencoder } from './autoencoder';
import type { Upscaler } from './upscaler';

interface Size { readonly width: number; readonly height: number }

const latentFilters: Partial<Record<Hires['upscaler'], Filter>> = {
  latent: 'bilinear', latent_antialiased: 'bilinear-antialiased', latent_bicubic: 'bicubic', latent_bicubic_antialiased: 'bicubic-antialiased',
  latent_nearest: 'nearest', latent_nearest_exact: 'nearest-exact',
};

/** What the first picture is made as large as, and what is cut of that evenly to get the size that was asked for. Pixels. */
export interface HiresSize extends Size { readonly cut: Size }

/** A size of another shape is covered. Sides are brought down to multiples of `factor`, as the latents are. */
export function hiresSize({ width, height }: Size, hires: Pick<Hires, 'scale' | 'width' | 'height'>, factor = 8): HiresSize {
  const whole = (side: number): number => Math.floor(side / factor) * factor;
  if (hires.width === undefined || hires.height === undefined) {
    const scale = hires.scale ?? 2;
    return { width: whole(Math.trunc(width * scale)), height: whole(Math.trunc(height * scale)), cut: { width: 0, height: 0 } };
  }
  const [w, h] = width / height < hires.width / hires.height ? [hires.width, Math.floor(hires.width * height / width)] : [Math.floor(hires.height * width / height), hires.height];
  return { width: whole(w), height: whole(h), cut: { width: whole(w) - whole(hires.width), height: whole(h) - whole(hires.height) } };
}

/** The picture's size in the end. */
export const hiresEnd = (size: HiresSize): Size => ({ width: size.width - size.cut.width, height: size.height - size.cut.height });

/** The first pass's latents as large as the second's, by `network` where there is one. `picture` where the way led over one. */
export async function enlarge(latents: Tensor, { upscaler }: Hires, size: HiresSize, autoencoder: Autoencoder, { network, signal, seamless }: { network?: Upscaler | undefined; signal: AbortLike; seamless?: SeamlessAxes | undefined }): Promise<{ latents: Tensor; picture?: Tensor }> {
  const { factor } = autoencoder, filter = network ? undefined : latentFilters[upscaler];
  if (filter) return { latents: cutEvenly(resample(latents, size.height / factor, size.width / factor, filter), size.cut, factor) };
  const first = toEighths(await autoencoder.decode(latents, undefined, seamless));
  const enlarged = network ? toSigned(await network.runTo(toUnit(first), size.height, size.width, { signal })) : resample(first, size.height, size.width, upscaler === 'nearest' ? 'nearest' : 'lanczos');
  const picture = toEighths(enlarged);
  const encoded = await autoencoder.encode(picture, seamless);
  return { latents: cutEvenly(encoded, size.cut, factor), picture: cutEvenly(picture, size.cut, 1, factor) };
}

/** −1…1 → 0…1, and back. */
const toUnit = ({ dims, data }: Tensor): Tensor => float32(dims, data.map((value) => (value + 1) / 2));
const toSigned = ({ dims, data }: Tensor): Tensor => float32(dims, data.map((value) => 2 * value - 1));

/** As A1111 cuts: what is odd, at the end. `unit`: pixels of the picture that one of x is; `step`: what is cut together. */
function cutEvenly(x: Tensor, cut: Size, unit: number, step = 1): Tensor {
  const [, , height, width] = x.dims as [number, number, number, number];
  const before = (side: number): number => Math.floor(side / unit / step / 2) * step, total = (side: number): number => side / unit;
  return crop(x, { left: before(cut.width), top: before(cut.height), right: width - (total(cut.width) - before(cut.width)), bottom: height - (total(cut.height) - before(cut.height)) });
}
