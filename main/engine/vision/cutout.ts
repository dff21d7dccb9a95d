// What is left when the background is taken away: a picture with a soft edge, without the background's colour in it.
import type { Picture } from './picture';

/** 8-bit RGBA, row-major. */
export interface Cutout { readonly width: number; readonly height: number; readonly rgba: Uint8Array }

/** `alpha`: 0…1, one a pixel. `clean`: colours at the edge become the foreground's own; whole pixels stay as they are. */
export function cutOut({ width, height, rgb }: Picture, alpha: Float32Array, clean: boolean): Cutout {
  const colours = clean ? foreground({ width, height, rgb }, alpha) : rgb, rgba = new Uint8Array(4 * width * height);
  for (let i = 0; i < alpha.length; i++) {
    const opacity = Math.round(255 * alpha[i]!);
    rgba.set(opacity === 255 ? rgb.subarray(3 * i, 3 * i + 3) : colours.subarray(3 * i, 3 * i + 3), 4 * i);
    rgba[4 * i + 3] = opacity;
  }
  return { width, height, rgba };
}

/** Blur fusion, twice: from far, then from near (Forte 2021, arXiv:2104.03012). I = α F + (1 − α) B is solved for F with blurred F and B as the first guess. */
function foreground({ width, height, rgb }: Picture, alpha: Float32Array): Uint8Array {
  const image = Float32Array.from(rgb, (value) => value / 255);
  const first = fuse(image, image, image, alpha, width, height, 90);
  const { front } = fuse(image, first.front, first.back, alpha, width, height, 6);
  return Uint8Array.from(front, (value) => Math.round(255 * Math.min(1, Math.max(0, value))));
}

function fuse(image: Float32Array, front: Float32Array, back: Float32Array, alpha: Float32Array, width: number, height: number, size: number): { front: Float32Array; back: Float32Array } {
  const frontShare = boxBlur(alpha, width, height, 1, size);
  const frontMean = boxBlur(front.map((value, i) => value * alpha[Math.floor(i / 3)]!), width, height, 3, size).map((value, i) => value / (frontShare[Math.floor(i / 3)]! + 1e-5));
  const backMean = boxBlur(back.map((value, i) => value * (1 - alpha[Math.floor(i / 3)]!)), width, height, 3, size).map((value, i) => value / (1 - frontShare[Math.floor(i / 3)]! + 1e-5));
  const solved = frontMean.map((value, i) => {
    const a = alpha[Math.floor(i / 3)]!;
    return Math.min(1, Math.max(0, value + a * (image[i]! - a * value - (1 - a) * backMean[i]!)));
  });
  return { front: solved, back: backMean };
}

/** The mean of `size` × `size` samples around each, of those that lie within. */
function boxBlur(data: Float32Array, width: number, height: number, channels: number, size: number): Float32Array {
  const across = boxLines(data, width, height, channels, channels, width * channels, size);
  return boxLines(across, height, width, channels, width * channels, channels, size);
}

/** Along lines of `length` samples, `step` apart. */
function boxLines(data: Float32Array, length: number, lines: number, channels: number, step: number, lineStep: number, size: number): Float32Array {
  const out = new Float32Array(data.length), before = size >> 1, after = size - before;
  for (let line = 0; line < lines; line++) {
    for (let c = 0; c < channels; c++) {
      const start = line * lineStep + c;
      let sum = 0;
      for (let i = 0; i < Math.min(after, length); i++) sum += data[start + i * step]!;
      for (let i = 0; i < length; i++) {
        out[start + i * step] = sum / (Math.min(length, i + after) - Math.max(0, i - before));
        if (i + after < length) sum += data[start + (i + after) * step]!;
        if (i - before >= 0) sum -= data[start + (i - before) * step]!;
      }
    }
  }
  return out;
}
