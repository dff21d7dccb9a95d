// Part of a picture, repainted and put back: what a model is shown, and the picture that comes of its answer. What is not masked stays as it is, to the bit.
import type { Inpaint } from '../../../preload/contract/editing';
import { AppError } from '../errors';
import { float32, type Tensor } from '../tensor';
import { fillFromAround } from './infill';
import { boundsOf, expandRegion, shapeMask, sizeOfBox, toSteps, type Box } from './mask';
import { resample, type Filter } from './resample';

/** Pictures of one size as their files have them: steps of 1/127.5 in −1…1. */
export interface Canvas {
  /** [1, 3, H, W], or with opacity [1, 4, H, W], whose colours are not those of what shines through. */
  readonly picture: Tensor;
  /** [1, 1, H, W] in 0…1. */
  readonly mask: Tensor;
  /** [1, 1, H, W]. */
  readonly depth?: Tensor | undefined;
}

export interface Repaint {
  /** [1, 3, h, w] of the job's size. */
  readonly init: Tensor;
  /** [1, 1, h, w]. */
  readonly mask: Tensor;
  readonly depth?: Tensor | undefined;
  /** Where it lies, where that is not all of the picture. */
  readonly part?: Part | undefined;
  /** From the answer [1, 3, h, w], the whole picture. `overlay` [1, 1, h, w]: how much of it is taken, in place of the mask. */
  readonly paste: (painted: Tensor, overlay?: Tensor) => Tensor;
}

interface Size { readonly width: number; readonly height: number }

/** A part of a picture of this size. */
export interface Part extends Size { readonly region: Box }

/** `job`: what the model paints at. Throws job.emptyMask. */
export function repaint({ picture, mask, depth }: Canvas, settings: Inpaint, job: Size): Repaint {
  const [, , height, width] = picture.dims as [number, number, number, number];
  const shaped = shapeMask(mask, settings), bounds = boundsOf(shaped);
  if (!bounds) throw new AppError('job.emptyMask', {});
  const isPart = settings.area === 'masked';
  const region = isPart ? expandRegion(bounds, settings.padding, job, { width, height }) : { left: 0, top: 0, right: width, bottom: height };
  const shown = (from: Tensor, filter: Filter): Tensor => resample(crop(from, region), job.height, job.width, filter);
  const asked = toSteps(shown(shaped, 'lanczos')), original = toEighths(shown(opaque(picture), 'lanczos'));
  // A1111 takes all of the new picture up to the middle of a blurred edge, but for a part that is put back.
  const own = isPart ? shaped : float32(shaped.dims, shaped.data.map((value) => Math.min(1, 2 * value)));
  return {
    mask: asked, init: settings.fill === 'fill' ? fillFromAround(original, asked) : original, depth: depth && shown(depth, 'bilinear-antialiased'), ...(isPart && { part: { width, height, region } }),
    paste: (painted, overlay) => pasteOver(picture, region, resample(painted, ...sides(region), 'lanczos'), overlay ? within(shaped, region, toSteps(resample(overlay, ...sides(region), 'lanczos'))) : crop(own, region)),
  };
}

const sides = (box: Box): [height: number, width: number] => { const { width, height } = sizeOfBox(box); return [height, width]; };

/** Nothing where the mask is 0. */
function within(mask: Tensor, region: Box, overlay: Tensor): Tensor {
  const own = crop(mask, region);
  return float32(overlay.dims, overlay.data.map((value, i) => (own.data[i] === 0 ? 0 : value)));
}

/** Part of [1, C, H, W]. */
export function crop(x: Tensor, { left, top, right, bottom }: Box): Tensor {
  const [, channels, height, width] = x.dims as [number, number, number, number];
  if (left === 0 && top === 0 && right === width && bottom === height) return x;
  const out = float32([1, channels, bottom - top, right - left]);
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = top; y < bottom; y++, at += right - left) out.data.set(x.data.subarray((c * height + y) * width + left, (c * height + y) * width + right), at);
  }
  return out;
}

/** What is transparent shows white, as wherever a picture is read. */
export function opaque(picture: Tensor): Tensor {
  const [, channels, height, width] = picture.dims as [number, number, number, number], size = height * width;
  if (channels === 3) return picture;
  return float32([1, 3, height, width], Float32Array.from({ length: 3 * size }, (_, i) => 1 + ((picture.data[3 * size + i % size]! + 1) / 2) * (picture.data[i]! - 1)));
}

/** Rounded to what 8 bits hold. */
export const toEighths = ({ dims, data }: Tensor): Tensor => float32(dims, data.map(eighth));
const eighth = (value: number): number => Math.fround(Math.min(255, Math.max(0, Math.round((value + 1) * 127.5))) / 127.5 - 1);

/** `painted` [1, 3, h, w] over a part of the picture, as far as `overlay` [1, 1, h, w] says; what is repainted whole is opaque. */
function pasteOver(picture: Tensor, { left, top }: Box, painted: Tensor, overlay: Tensor): Tensor {
  const [, channels, height, width] = picture.dims as [number, number, number, number], [, , h, w] = painted.dims as [number, number, number, number];
  const out = float32(picture.dims, picture.data.slice()), whole = height * width;
  for (let i = 0; i < h * w; i++) {
    const share = overlay.data[i]!;
    if (share === 0) continue;
    const at = (top + Math.floor(i / w)) * width + left + i % w, own = channels === 4 ? (picture.data[3 * whole + at]! + 1) / 2 : 1, opacity = share + own * (1 - share);
    for (let c = 0; c < 3; c++) {
      const before = picture.data[c * whole + at]!;
      out.data[c * whole + at] = eighth(before + (share / opacity) * (Math.min(1, Math.max(-1, painted.data[c * h * w + i]!)) - before));
    }
    if (channels === 4) out.data[3 * whole + at] = eighth(2 * opacity - 1);
  }
  return out;
}
