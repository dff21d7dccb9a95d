// Which boxes a detail pass repaints, in which order, and the masks that they become.
import { describe, expect, test } from 'vitest';
import { Detail } from '../../../preload/contract/detail';
import { chosen, detailMasks, type DetailSettings, type Mask } from '../../../main/engine/vision/detail';

const size = { width: 20, height: 10 }, usual = { ...Detail.parse({ find: 'face' }), confidence: 0.3 };
const box = (x: number, y: number, width: number, height: number, score = 0.9) => ({ box: { x, y, width, height }, score });
/** [left, top, right, bottom] of what is masked, right and bottom included. */
function bounds({ width, data }: Mask): number[] {
  const all = [...data.keys()].filter((i) => data[i] === 255), columns = all.map((i) => i % width), rows = all.map((i) => Math.floor(i / width));
  return [Math.min(...columns), Math.min(...rows), Math.max(...columns), Math.max(...rows)];
}
const masks = (found: Parameters<typeof detailMasks>[0], settings: Partial<DetailSettings> = {}): Mask[] => detailMasks(found, size, { ...usual, dilateErode: 0, ...settings });
const order = (settings: Partial<DetailSettings>): number[] => chosen([box(1, 1, 2, 2), box(9, 4, 3, 3, 0.4), box(0, 0, 6, 6, 0.2), box(15, 5, 4, 2)], size, { ...usual, confidence: 0, ...settings }).map((each) => each.box.x);

test('a box is every pixel that it touches', () => { expect(bounds(masks([box(2.7, 1.2, 4, 3)])[0]!)).toEqual([2, 1, 6, 4]); });
test('none from none', () => { expect(masks([])).toEqual([]); });

describe('which', () => {
  test('by their score', () => { expect(order({ confidence: 0.3 })).toEqual([1, 9, 15]); });
  test('by their share of the picture', () => { expect(order({ minRatio: 0.04, maxRatio: 0.1 })).toEqual([9, 15]); });
  test('the largest', () => { expect(order({ largest: 2 })).toEqual([0, 9]); });
});

test.each<[DetailSettings['order'], number[]]>([['found', [1, 9, 0, 15]], ['left to right', [0, 1, 9, 15]], ['centre to edge', [9, 15, 0, 1]], ['area', [0, 9, 15, 1]]])('in the order "%s"', (by, want) => { expect(order({ order: by })).toEqual(want); });

describe('moved and grown', () => {
  test('to the right and up', () => { expect(bounds(masks([box(2, 5, 4, 2)], { xOffset: 3, yOffset: 2 })[0]!)).toEqual([5, 3, 9, 5]); });
  test('out of the picture, which leaves nothing to do', () => { expect(masks([box(2, 5, 4, 2)], { xOffset: -30 })).toEqual([]); });
  test('by an odd square, evenly', () => { expect(bounds(masks([box(5, 4, 3, 2)], { dilateErode: 3 })[0]!)).toEqual([4, 3, 9, 7]); });
  test('by an even one, further to the right and down, as OpenCV does', () => { expect(bounds(masks([box(5, 4, 3, 2)], { dilateErode: 4 })[0]!)).toEqual([4, 3, 10, 8]); });
  test('not beyond the edges', () => { expect(bounds(masks([box(0, 0, 3, 2)], { dilateErode: 9 })[0]!)).toEqual([0, 0, 7, 6]); });
  test('made smaller', () => { expect(bounds(masks([box(5, 2, 5, 5)], { dilateErode: -3 })[0]!)).toEqual([6, 3, 9, 6]); });
  test('a mask at the edge stays there when it is made smaller', () => { expect(bounds(masks([box(0, 0, 5, 5)], { dilateErode: -3 })[0]!)).toEqual([0, 0, 4, 4]); });
  test('to nothing, which is no pass', () => { expect(masks([box(5, 4, 1, 1)], { dilateErode: -5 })).toEqual([]); });
});

describe('together', () => {
  const two = [box(1, 1, 2, 2), box(10, 4, 3, 3)];
  test('one mask for all', () => {
    const [merged, ...more] = masks(two, { together: 'merge' });
    expect([more.length, merged!.data.filter((value) => value === 255).length]).toEqual([0, 9 + 16]);
  });
  test('one for all else', () => { expect(masks(two, { together: 'invert' })[0]!.data.filter((value) => value === 255).length).toBe(200 - 25); });
  test('none of none, inverted or not: a picture without a face stays as it is', () => { expect(masks([], { together: 'invert' })).toEqual([]); });
});
