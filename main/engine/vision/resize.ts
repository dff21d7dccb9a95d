// Resizing as OpenCV does it, since control images of other programs went through it: within 1 of its 8-bit results.
import { grey, planeOf, type Picture, type Plane } from './picture';

/** What one sample of the result is made of along one axis. */
type Taps = readonly { readonly from: number; readonly weights: readonly number[] }[];

/** INTER_AREA where it gets smaller: the mean over what each new pixel covers, halves rounded to even but for exactly a half of each side. Neither side may grow. */
export function shrink({ width, height, rgb }: Picture, to: Size): Picture {
  const { data } = resample({ width, height, channels: 3, data: rgb }, areaTaps(width, to.width), areaTaps(height, to.height));
  const isHalf = width === 2 * to.width && height === 2 * to.height;
  return { ...to, rgb: toBytes(data, isHalf ? Math.round : (value) => roundEven(Math.fround(value))) };
}

/** INTER_CUBIC, Keys' kernel with a = −0.75, its weights in 2048ths. */
export function resizeCubic({ width, height, rgb }: Picture, to: Size): Picture {
  const stepped = (taps: Taps): Taps => taps.map(({ from, weights }) => ({ from, weights: weights.map((weight) => roundEven(weight * 2048) / 2048) }));
  return { ...to, rgb: toBytes(resample({ width, height, channels: 3, data: rgb }, stepped(cubicTaps(width, to.width)), stepped(cubicTaps(height, to.height))).data) };
}

/** The same for samples of any range, with weights as they are. */
export const cubic = (plane: Plane<ArrayLike<number>>, to: Size): Plane<Float64Array> => resample(plane, cubicTaps(plane.width, to.width), cubicTaps(plane.height, to.height));

/** INTER_LINEAR. */
export const linear = (plane: Plane<ArrayLike<number>>, to: Size): Plane<Float64Array> => resample(plane, linearTaps(plane.width, to.width), linearTaps(plane.height, to.height));

interface Size { readonly width: number; readonly height: number }

/** INTER_NEAREST: the pixel at floor(x · scale). */
export function resizeNearest({ width, height, rgb }: Picture, to: Size): Picture {
  const out = new Uint8Array(3 * to.width * to.height);
  for (let y = 0, at = 0; y < to.height; y++) {
    const row = Math.min(height - 1, Math.floor(y * (height / to.height)));
    for (let x = 0; x < to.width; x++, at += 3) {
      const from = 3 * (row * width + Math.min(width - 1, Math.floor(x * (width / to.width))));
      for (let c = 0; c < 3; c++) out[at + c] = rgb[from + c]!;
    }
  }
  return { ...to, rgb: out };
}

/**
 * As sd-webui-controlnet resizes what a network is to read (scripts/controlnet.py, high_quality_resize): pictures of few colours keep to these, and black and
 * white stay so, at Otsu's threshold. Lines of one pixel are not thinned again.
 */
export function resizeMap(picture: Picture, to: Size): Picture {
  const { width, height } = picture;
  if (width === to.width && height === to.height) return picture;
  const colours = coloursOf(picture, 200);
  if (colours.size > 2 && colours.size < 200) return resizeNearest(picture, to);
  const smaller = to.width * to.height < width * height, { rgb } = !smaller ? resizeCubic(picture, to) : to.width > width || to.height > height ? resizeLinear(picture, to) : shrink(picture, to);
  const samples = [...colours].flatMap((colour) => [colour >> 16, (colour >> 8) & 255, colour & 255]);
  return colours.size === 2 && Math.min(...samples) < 16 && Math.max(...samples) > 240 ? blackAndWhite({ ...to, rgb }) : { ...to, rgb };
}

const resizeLinear = (picture: Picture, to: Size): Picture => ({ ...to, rgb: toBytes(linear(planeOf(picture), to).data) });

/** As 0xrrggbb, so many of them at most. */
function coloursOf({ rgb }: Picture, most: number): Set<number> {
  const colours = new Set<number>();
  for (let i = 0; i < rgb.length && colours.size < most; i += 3) colours.add((rgb[i]! << 16) | (rgb[i + 1]! << 8) | rgb[i + 2]!);
  return colours;
}

/** At the threshold that parts the brightness into the two groups whose means are furthest apart (Otsu 1979). */
function blackAndWhite({ width, height, rgb }: Picture): Picture {
  const values = Uint8Array.from({ length: width * height }, (_, i) => (rgb[3 * i]! + rgb[3 * i + 1]! + rgb[3 * i + 2]!) / 3), counts = new Float64Array(256);
  for (const value of values) counts[value]!++;
  const total = values.reduce((sum, value) => sum + value, 0);
  let threshold = 0, best = 0, below = 0, sum = 0;
  for (let value = 0; value < 256; value++) {
    below += counts[value]!;
    sum += value * counts[value]!;
    const above = values.length - below, apart = below * above * (sum / below - (total - sum) / above) ** 2;
    if (apart > best) [best, threshold] = [apart, value];
  }
  return grey(width, height, (pixel) => (values[pixel]! > threshold ? 255 : 0));
}

/** Rows first, then columns; nothing is rounded between. */
function resample({ width, height, channels, data }: Plane<ArrayLike<number>>, across: Taps, down: Taps): Plane<Float64Array> {
  const rows = new Float64Array(across.length * height * channels), out = new Float64Array(across.length * down.length * channels);
  for (let y = 0; y < height; y++) {
    for (const [x, { from, weights }] of across.entries()) {
      const at = (y * across.length + x) * channels;
      for (const [k, weight] of weights.entries()) {
        const read = (y * width + inside(from + k, width)) * channels;
        for (let c = 0; c < channels; c++) rows[at + c]! += weight * data[read + c]!;
      }
    }
  }
  const stride = across.length * channels;
  for (const [y, { from, weights }] of down.entries()) {
    for (const [k, weight] of weights.entries()) {
      const read = inside(from + k, height) * stride;
      for (let i = 0; i < stride; i++) out[y * stride + i]! += weight * rows[read + i]!;
    }
  }
  return { width: across.length, height: down.length, channels, data: out };
}

const inside = (at: number, size: number): number => Math.min(size - 1, Math.max(0, at));

/** In float32 at each step, as OpenCV has them. */
function cubicTaps(size: number, wanted: number): Taps {
  const { fround: f } = Math, a = -0.75;
  const near = (d: number): number => f(f(f(f(f((a + 2) * d) - (a + 3)) * d) * d) + 1);
  const far = (d: number): number => f(f(f(f(f(f(a * d) - 5 * a) * d) + 8 * a) * d) - 4 * a);
  return Array.from({ length: wanted }, (_, i) => {
    const at = f((i + 0.5) * (size / wanted) - 0.5), from = Math.floor(at), d = f(at - from);
    const before = far(f(d + 1)), first = near(d), second = near(f(1 - d));
    return { from: from - 1, weights: [before, first, second, f(f(f(1 - before) - first) - second)] };
  });
}

function linearTaps(size: number, wanted: number): Taps {
  return Array.from({ length: wanted }, (_, i) => {
    const at = (i + 0.5) * (size / wanted) - 0.5, from = Math.floor(at);
    return { from, weights: [1 - (at - from), at - from] };
  });
}

/** Slivers below a thousandth of a sample do not count, as in OpenCV. */
function areaTaps(size: number, wanted: number): Taps {
  const scale = size / wanted;
  return Array.from({ length: wanted }, (_, i) => {
    const start = i * scale, end = start + scale, cell = Math.min(scale, size - start);
    const last = Math.min(Math.floor(end), size - 1), first = Math.min(Math.ceil(start), last);
    const weights = Array.from({ length: last - first }, () => 1 / cell);
    const hasHead = first - start > 1e-3;
    if (hasHead) weights.unshift((first - start) / cell);
    if (end - last > 1e-3) weights.push(Math.min(end - last, 1, cell) / cell);
    return { from: hasHead ? first - 1 : first, weights };
  });
}

const toBytes = (data: Float64Array, round = Math.round): Uint8Array => Uint8Array.from(data, (value) => Math.min(255, Math.max(0, round(value))));

/** To the nearest whole number, halves to the even one, as numpy rounds. */
export const roundEven = (value: number): number => {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor & 1) : Math.round(value);
};
