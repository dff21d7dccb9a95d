// Content shuffle (ControlNet 1.1): the picture's colours and textures along a random flow, without its composition.
import { TorchGenerator } from '../../sampling/noise/mersenne';
import type { Picture } from '../picture';
import { cubic } from '../resize';

/** How far apart the flow's random values are, in pixels. */
const SPACING = 256;

/** Seeded as numpy's generator is, so that a seed gives there the same flow: across first, then down. */
export function shuffle({ width, height, rgb }: Picture, seed: number): Picture {
  const random = new TorchGenerator(seed), out = new Uint8Array(rgb.length);
  const across = noiseDisk(width, height, random), down = noiseDisk(width, height, random);
  for (let i = 0; i < across.length; i++) {
    const x = toStep(across[i]! * (width - 1)), y = toStep(down[i]! * (height - 1));
    const x0 = Math.floor(x), y0 = Math.floor(y), x1 = Math.min(width - 1, x0 + 1), y1 = Math.min(height - 1, y0 + 1), fx = x - x0, fy = y - y0;
    for (let c = 0; c < 3; c++) {
      const top = rgb[3 * (y0 * width + x0) + c]! * (1 - fx) + rgb[3 * (y0 * width + x1) + c]! * fx;
      const bottom = rgb[3 * (y1 * width + x0) + c]! * (1 - fx) + rgb[3 * (y1 * width + x1) + c]! * fx;
      out[3 * i + c] = Math.round(top * (1 - fy) + bottom * fy);
    }
  }
  return { width, height, rgb: out };
}

/** OpenCV reads between pixels in steps of 1/32. */
const toStep = (at: number): number => Math.round(Math.fround(at) * 32) / 32;

/** Smooth noise from 0 to 1, both reached. [H · W] */
function noiseDisk(width: number, height: number, random: TorchGenerator): Float64Array {
  const columns = Math.floor(width / SPACING) + 2, rows = Math.floor(height / SPACING) + 2;
  const plane = { width: columns, height: rows, channels: 1, data: random.randomSample(columns * rows) };
  const { data, width: wide } = cubic(plane, { width: width + 2 * SPACING, height: height + 2 * SPACING });
  const disk = new Float64Array(width * height);
  for (let y = 0; y < height; y++) disk.set(data.subarray((y + SPACING) * wide + SPACING, (y + SPACING) * wide + SPACING + width), y * width);
  let low = Infinity, high = -Infinity;
  for (const value of disk) { low = Math.min(low, value); high = Math.max(high, value); }
  // A single pixel has no range.
  return disk.map((value) => (high > low ? (value - low) / (high - low) : 0));
}
