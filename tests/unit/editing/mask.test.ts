// Masks: grown, blurred, turned round, and the part of the picture that belongs to them.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundsOf, expandRegion, gaussianBlur, shapeMask } from '../../../main/engine/editing/mask';
import { float32, type Tensor } from '../../../main/engine/tensor';

const drawn = (...lines: string[]): Tensor => float32([1, 1, lines.length, lines[0]!.length], Float32Array.from(lines.join(''), (sign) => (sign === '#' ? 1 : 0)));
const shown = ({ data, dims }: Tensor): string[] => Array.from({ length: dims[2]! }, (_, y) => Array.from(data.subarray(y * dims[3]!, (y + 1) * dims[3]!), (value) => (value === 1 ? '#' : value === 0 ? '.' : '+')).join(''));
const plain = { invert: false, grow: 0, blur: 0 };

test('grows by a square, shrinks back, and is turned round before either', () => {
  const dot = drawn('......', '......', '..#...', '......');
  expect(shown(shapeMask(dot, { ...plain, grow: 1 }))).toEqual(['......', '.###..', '.###..', '.###..']);
  expect(shown(shapeMask(dot, { ...plain, grow: 2 }))).toEqual(['#####.', '#####.', '#####.', '#####.']);
  expect(shown(shapeMask(dot, { ...plain, grow: 3 }))).toEqual(['######', '######', '######', '######']);
  expect(shown(shapeMask(drawn('####', '####', '#.##', '####'), { ...plain, grow: -1 })), 'the edge of the picture does not eat').toEqual(['####', '...#', '...#', '...#']);
  expect(shown(shapeMask(dot, { ...plain, invert: true, grow: -1 }))).toEqual(['######', '#...##', '#...##', '#...##']);
  expect(shown(shapeMask(dot, plain))).toEqual(shown(dot));
});

test('growing is the largest within the square, whatever the mask', () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 70 }), (values, by) => {
    const line = float32([1, 1, 1, values.length], Float32Array.from(values, (value) => value / 255));
    const want = values.map((_, i) => Math.max(...values.slice(Math.max(0, i - by), i + by + 1)));
    expect([...shapeMask(line, { ...plain, grow: by }).data].map((value) => Math.round(value * 255))).toEqual(want);
  }));
});

test('a blur is a Gaussian of whole pixels that ends at 2.5 sigma, and nothing beyond is touched', () => {
  const line = float32([1, 1, 1, 41]);
  line.data[20] = 1;
  const { data } = gaussianBlur(line, 4);
  expect(data[20]).toBeCloseTo(1 / (2 * [...Array(10).keys()].reduce((sum, k) => sum + Math.exp(-((k + 1) ** 2) / 32), 0) + 1), 5);
  expect(data.findIndex((value) => value > 0)).toBe(10);
  expect(data.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
  expect(gaussianBlur(float32([1, 1, 3, 3], new Float32Array(9).fill(0.5)), 20).data.every((value) => Math.abs(value - 0.5) < 1e-6)).toBe(true);
});

describe("the part that is repainted, as A1111's expand_crop_region has it", () => {
  const size = { width: 512, height: 512 }, box = (left: number, top: number, right: number, bottom: number) => ({ left, top, right, bottom });
  test('a wide mask gets higher, and a region stays in the picture', () => {
    expect(expandRegion(box(100, 200, 228, 232), 0, size, size)).toEqual(box(100, 152, 228, 280));
    expect(expandRegion(box(100, 0, 228, 32), 0, size, size)).toEqual(box(100, 0, 228, 128));
    expect(expandRegion(box(100, 490, 228, 512), 0, size, size)).toEqual(box(100, 384, 228, 512));
    expect(expandRegion(box(200, 100, 232, 228), 0, size, size)).toEqual(box(152, 100, 280, 228));
  });
  test('with padding, and another shape than the job where the picture has no room', () => {
    expect(expandRegion(box(100, 200, 228, 232), 32, size, size)).toEqual(box(68, 120, 260, 312));
    expect(expandRegion(box(0, 0, 512, 20), 32, size, { width: 512, height: 100 })).toEqual(box(0, 0, 512, 100));
  });
  test('always holds the mask and never leaves the picture', () => {
    const side = fc.integer({ min: 1, max: 300 });
    fc.assert(fc.property(side, side, side, side, fc.nat(), fc.nat(), fc.nat(), fc.nat(), fc.nat(100), (width, height, w, h, a, b, c, d, padding) => {
      const [left, top] = [a % width, b % height], mask = box(left, top, left + 1 + c % (width - left), top + 1 + d % (height - top));
      const region = expandRegion(mask, padding, { width: w, height: h }, { width, height });
      expect(region.left <= mask.left && region.top <= mask.top && region.right >= mask.right && region.bottom >= mask.bottom).toBe(true);
      expect(region.left >= 0 && region.top >= 0 && region.right <= width && region.bottom <= height).toBe(true);
    }));
  });
});

test('bounds enclose what is not black, and there are none of nothing', () => {
  expect(boundsOf(drawn('....', '.#..', '..#.'))).toEqual({ left: 1, top: 1, right: 3, bottom: 3 });
  expect(boundsOf(drawn('....'))).toBeNull();
});
