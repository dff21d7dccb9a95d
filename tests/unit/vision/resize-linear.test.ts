// Samples resized by the two nearest around the centre of each new one, the edge going on beyond itself (OpenCV's INTER_LINEAR).
import { expect, test } from 'vitest';
import { linear } from '../../../main/engine/vision/resize';

test('made larger, and smaller', () => {
  expect([...linear({ width: 2, height: 1, channels: 1, data: [0, 4] }, { width: 4, height: 1 }).data]).toEqual([0, 1, 3, 4]);
  expect([...linear({ width: 4, height: 2, channels: 1, data: [0, 2, 4, 6, 8, 10, 12, 14] }, { width: 2, height: 1 }).data]).toEqual([5, 9]);
});
