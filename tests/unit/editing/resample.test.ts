// Filters by what torch and Pillow give for the same numbers.
import { describe, expect, test } from 'vitest';
import { resample, type Filter } from '../../../main/engine/editing/resample';
import { float32 } from '../../../main/engine/tensor';

const square = (side: number) => float32([1, 1, side, side], Float32Array.from({ length: side * side }, (_, i) => i + 1));
const rows = (side: number, to: number, filter: Filter): number[][] => {
  const { data } = resample(square(side), to, to, filter);
  return Array.from({ length: to }, (_, y) => [...data.subarray(y * to, (y + 1) * to)]);
};
const close = (got: number[], want: number[]): void => { expect(got.length).toBe(want.length); got.forEach((value, i) => expect(value).toBeCloseTo(want[i]!, 5)); };

describe('made larger', () => {
  test("bilinear, as in torch's own example", () => {
    expect(rows(2, 4, 'bilinear')).toEqual([[1, 1.25, 1.75, 2], [1.5, 1.75, 2.25, 2.5], [2.5, 2.75, 3.25, 3.5], [3, 3.25, 3.75, 4]]);
  });
  test("bicubic with torch's slope of -0.75 and the edge's samples beyond it, as in ONNX's example", () => {
    close(rows(4, 8, 'bicubic')[0]!, [0.47265625, 0.76953125, 1.24609375, 1.875, 2.28125, 2.91015625, 3.38671875, 3.68359375]);
  });
  test('antialiased, bilinear is the same as without, and bicubic is of another curve', () => {
    rows(4, 8, 'bilinear-antialiased').forEach((row, y) => close(row, rows(4, 8, 'bilinear')[y]!));
    expect(rows(4, 8, 'bicubic-antialiased')[3]![3]).not.toBeCloseTo(rows(4, 8, 'bicubic')[3]![3]!, 3);
    // Keys' curve with -0.5 reproduces what is straight.
    close(rows(8, 16, 'bicubic-antialiased')[8]!.slice(5, 11).map((value, i, row) => (i === 0 ? 0.5 : value - row[i - 1]!)), [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
  });
  test('nearest takes the sample before, nearest-exact that around the middle', () => {
    expect(rows(2, 3, 'nearest')[0]).toEqual([1, 1, 2]);
    expect(rows(3, 2, 'nearest')[0]).toEqual([1, 2]);
    expect(rows(3, 2, 'nearest-exact')[0]).toEqual([1, 3]);
  });
});

test('made smaller with antialiasing, every sample counts, and none beyond the edge', () => {
  // Weights 7 : 3 at the ends and 1 : 1 in the middle, of columns that differ by 1 and rows that differ by 4.
  const share = [0.3, 1.5, 2.7];
  close(rows(4, 3, 'bilinear-antialiased').flat(), share.flatMap((y) => share.map((x) => 1 + x + 4 * y)));
});

test.each<Filter>(['nearest', 'nearest-exact', 'bilinear', 'bicubic', 'bilinear-antialiased', 'bicubic-antialiased', 'lanczos'])('%s keeps what is flat, and a size that is there already', (filter) => {
  const flat = float32([1, 2, 5, 7], new Float32Array(70).fill(0.25));
  expect(resample(flat, 11, 3, filter).data.every((value) => Math.abs(value - 0.25) < 1e-6)).toBe(true);
  expect(resample(flat, 5, 7, filter)).toBe(flat);
  expect(resample(flat, 11, 3, filter).dims).toEqual([1, 2, 11, 3]);
});
