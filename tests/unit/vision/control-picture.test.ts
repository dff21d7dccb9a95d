// What a control reads of a picture of another shape, by sd-webui-controlnet's three ways.
import { expect, test } from 'vitest';
import { controlPicture } from '../../../main/engine/vision/control-picture';
import type { Picture } from '../../../main/engine/vision/picture';
import { resizeMap } from '../../../main/engine/vision/resize';

/** Columns of a grey ramp from left to right, 40 to 200 of 255, in a frame of 60. */
const ramp = (width: number, height: number): Picture => ({ width, height, rgb: Uint8Array.from({ length: 3 * width * height }, (_, i) => {
  const x = Math.floor(i / 3) % width, y = Math.floor(i / 3 / width);
  return x === 0 || y === 0 || x === width - 1 || y === height - 1 ? 60 : 40 + Math.round((160 * x) / (width - 1));
}) });
const row = ({ dims, data }: { dims: readonly number[]; data: Float32Array }, y: number): number[] => Array.from(data.subarray(y * dims[3]!, (y + 1) * dims[3]!), (value) => Math.round(255 * value));

test('the middle is cut out, the border goes on around it, or it is stretched', () => {
  const wide = ramp(200, 100), size = { width: 100, height: 100 };
  const crop = controlPicture(wide, { resize: 'crop' }, size), fill = controlPicture(wide, { resize: 'fill' }, size), stretch = controlPicture(wide, { resize: 'stretch' }, size);
  expect(row(crop, 50)).toEqual(Array.from(wide.rgb.subarray(3 * (50 * 200 + 50), 3 * (50 * 200 + 150))).filter((_, i) => i % 3 === 0));
  expect(new Set(row(fill, 10))).toEqual(new Set([60]));
  expect(row(fill, 50)[50]).toBeGreaterThan(110);
  expect(row(stretch, 50)).toEqual(row(fill, 50));
  expect(row(stretch, 10)[50]).toBe(row(stretch, 50)[50]);
});

test('few colours stay these, and black and white stay so', () => {
  const of = (values: readonly number[]): Picture => ({ width: 64, height: 64, rgb: Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => values[(((i / 3) % 64) + Math.floor(i / 192)) % 10 < 4 ? 0 : Math.floor(i / 192) % values.length]!) });
  const colours = (picture: Picture): number[] => [...new Set(picture.rgb)].sort((a, b) => a - b);
  for (const size of [{ width: 48, height: 40 }, { width: 100, height: 90 }, { width: 20, height: 150 }]) {
    expect(colours(resizeMap(of([10, 90, 200]), size))).toEqual([10, 90, 200]);
    expect(colours(resizeMap(of([0, 255]), size))).toEqual([0, 255]);
    expect(colours(resizeMap(of([100, 180]), size)).length).toBeGreaterThan(3);
  }
});
