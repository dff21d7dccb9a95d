// Control pictures: the same result for the same picture, settings and people seen in it, on any machine. No network works here.
import { findPreprocessor, preprocessorNames, preprocessorOf, RESOLUTION, type PreprocessorName, type PreprocessorSetting, type PreprocessorUse } from '../../../../preload/contract/preprocessors';
import { AppError } from '../../errors';
import { gaussianBlurBytes } from '../filters';
import type { Picture } from '../picture';
import { drawPoses, type Pose, type Spot } from '../skeleton';
import { resizeCubic, roundEven, shrink } from '../resize';
import { canny } from './canny';
import { colorGrid, invert, recolorIntensity, recolorLuminance, tileResample } from './colours';
import { lineartGradient, lineartStandard, scribbleThreshold, scribbleXdog, softedgeGradient, threshold } from './lines';
import { shuffle } from './shuffle';

type Work = (picture: Picture, ...settings: number[]) => Picture;

/** Settings in the table's order. */
const works: Readonly<Record<Exclude<PreprocessorName, 'openpose'>, Work>> = {
  none: (picture) => picture,
  canny: (picture, low = 0, high = 0) => padded(picture, (wide) => canny(wide, low, high)),
  lineart_standard: (picture, sigma = 0, limit = 0) => padded(picture, (wide) => lineartStandard(wide, sigma, limit)),
  lineart_gradient: (picture, sigma = 0, limit = 0) => lineartGradient(picture, sigma, limit),
  scribble_xdog: (picture, limit = 0) => padded(picture, (wide) => scribbleXdog(wide, limit)),
  scribble_thr: (picture, limit = 0) => scribbleThreshold(picture, limit),
  softedge_gradient: softedgeGradient,
  invert,
  threshold: (picture, limit = 0) => threshold(picture, limit),
  tile_resample: (picture, rate = 1) => tileResample(picture, rate),
  blur_gaussian: (picture, sigma = 0) => gaussianBlurBytes(picture, sigma),
  shuffle: (picture, seed = 0) => shuffle(picture, seed),
  t2ia_color_grid: (picture, cell = 1) => colorGrid(picture, cell),
  recolor_luminance: (picture, gamma = 1) => recolorLuminance(picture, gamma),
  recolor_intensity: (picture, gamma = 1) => recolorIntensity(picture, gamma),
};

/** What networks have seen in the picture, where the preprocessor draws it. */
export interface Seen { readonly people?: readonly Pose[] | undefined }

/** `resolution`: where the use says none, of any size. Throws preprocessor.unknown, and request.invalid naming the setting. */
export function preprocess(picture: Picture, use: PreprocessorUse, resolution: number = RESOLUTION.value, seen: Seen = {}): Picture {
  const name = preprocessorNamed(use.name), { settings, scaled } = preprocessorOf(name);
  const known: string[] = [...settings.map((setting) => setting.name), RESOLUTION.name];
  for (const key of Object.keys(use)) if (key !== 'name' && !known.includes(key)) throw new AppError('request.invalid', { why: 'unknown', field: `preprocessor.${key}`, names: known });
  const values = settings.map((setting) => valueOf(use, setting)), finely = use.resolution === undefined ? resolution : valueOf(use, RESOLUTION);
  if (name === 'openpose') return drawScaled(seen.people ?? [], picture, scaledSize(picture, finely));
  return works[name](scaled ? scaledTo(picture, finely) : picture, ...values);
}

/** Throws preprocessor.unknown. */
export function preprocessorNamed(name: string): PreprocessorName {
  const found = findPreprocessor(name);
  if (!found) throw new AppError('preprocessor.unknown', { name, names: preprocessorNames });
  return found;
}

function valueOf(use: PreprocessorUse, { name, min, max, value }: PreprocessorSetting): number {
  const given = use[name] ?? value, field = `preprocessor.${name}`;
  if (typeof given !== 'number' || Number.isNaN(given)) throw new AppError('request.invalid', { why: 'type', field, want: 'number' });
  if (given < min) throw new AppError('request.invalid', { why: 'low', field, want: min });
  if (given > max) throw new AppError('request.invalid', { why: 'high', field, want: max });
  return given;
}

/** More than any control takes; a sliver of a picture would become a bomb. */
const MAX_PIXELS = 1 << 26;

/** Its shorter side made `resolution` pixels, as sd-webui-controlnet scales. Throws request.invalid where that is too large a picture. */
export function scaledTo(picture: Picture, resolution: number): Picture {
  const size = scaledSize(picture, resolution);
  if (size.width === picture.width && size.height === picture.height) return picture;
  return resolution > Math.min(picture.width, picture.height) ? resizeCubic(picture, size) : shrink(picture, size);
}

function scaledSize(picture: Size, resolution: number): Size {
  const k = resolution / Math.min(picture.width, picture.height);
  const size = { width: Math.max(1, roundEven(picture.width * k)), height: Math.max(1, roundEven(picture.height * k)) };
  if (size.width * size.height > MAX_PIXELS) throw new AppError('request.invalid', { why: 'high', field: 'preprocessor.resolution', want: Math.floor(Math.sqrt(MAX_PIXELS * Math.min(picture.width, picture.height) / Math.max(picture.width, picture.height))) });
  return size;
}

/** Looked for in the whole picture, drawn at the size that the network reads. */
function drawScaled(poses: readonly Pose[], from: Size, to: Size): Picture {
  const moved = (spots: readonly Spot[] | undefined): Spot[] | undefined => spots?.map((spot) => spot && { x: (spot.x * to.width) / from.width, y: (spot.y * to.height) / from.height });
  return drawPoses(poses.map(({ body, leftHand, rightHand, face }) => ({ body: moved(body)!, leftHand: moved(leftHand), rightHand: moved(rightHand), face: moved(face) })), to.width, to.height);
}

/**
 * sd-webui-controlnet's "pixel perfect": the resolution at which the picture has one pixel for each of the target's, scaled to cover it, or with `fits` to lie
 * within it ("Resize and Fill").
 */
export function pixelPerfect({ width, height }: Size, target: Size, fits = false): number {
  const across = target.width / width, down = target.height / height;
  return roundEven((fits ? Math.min(across, down) : Math.max(across, down)) * Math.min(width, height));
}

interface Size { readonly width: number; readonly height: number }

/** Done on a picture whose sides are multiples of 64, filled with its last row and column, as other programs do it: the edges at the right and lower borders depend on it. */
function padded(picture: Picture, work: (picture: Picture) => Picture): Picture {
  const { width, height } = picture;
  return cropped(work(extended(picture, Math.ceil(width / 64) * 64, Math.ceil(height / 64) * 64)), width, height);
}

function extended({ width, height, rgb }: Picture, wide: number, high: number): Picture {
  const out = new Uint8Array(3 * wide * high);
  for (let y = 0; y < high; y++) {
    const from = 3 * width * Math.min(y, height - 1), to = 3 * wide * y;
    out.set(rgb.subarray(from, from + 3 * width), to);
    for (let x = width; x < wide; x++) out.copyWithin(to + 3 * x, to + 3 * (width - 1), to + 3 * width);
  }
  return { width: wide, height: high, rgb: out };
}

function cropped({ width: wide, rgb }: Picture, width: number, height: number): Picture {
  const out = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) out.set(rgb.subarray(3 * wide * y, 3 * (wide * y + width)), 3 * width * y);
  return { width, height, rgb: out };
}
