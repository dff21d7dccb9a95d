// Shapes and the quality ladder: what the panel offers must be what a job accepts.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aspectOf, aspects, qualityLadder, rungOf, sizeFor } from '../../renderer/generate/choices';

const native = fc.integer({ min: 8, max: 256 }).map((n) => ({ width: n * 8, height: n * 8 }));

test('each aspect has sides that are multiples of 8 from 64 to 4096, and is found again', () => {
  fc.assert(fc.property(native, fc.constantFrom(...aspects), (own, aspect) => {
    const size = sizeFor(aspect.ratio, own);
    for (const side of [size.width, size.height]) expect(side % 8 === 0 && side >= 64 && side <= 4096).toBe(true);
    expect(aspectOf(size, own)).toBeDefined();
  }));
});

test.each([['1:1', 512, 512], ['2:3', 416, 624], ['16:9', 680, 384]])('%s at 512', (name, width, height) => {
  const aspect = aspects.find((known) => known.name === name);
  expect(aspect && sizeFor(aspect.ratio, { width: 512, height: 512 })).toEqual({ width, height });
});

test('the slider stands on the nearest rung', () => {
  expect(qualityLadder[rungOf(24)]).toBe(24);
  expect(qualityLadder[rungOf(200)]).toBe(60);
  expect(qualityLadder[rungOf(1)]).toBe(8);
});
