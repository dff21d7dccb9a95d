// Shapes and the quality ladder: what the panel offers must be what a job accepts.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { hiresEnd, hiresSize } from '../../main/engine/pipeline/hires';
import { aspectOf, aspects, qualityLadder, rungOf, sizeFor } from '../../renderer/generate/choices';
import { firstSize, secondSize } from '../../renderer/generate/sizes';

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

test('the second pass and new ground are told in the sizes that the engine makes', () => {
  const side = fc.integer({ min: 8, max: 128 }).map((n) => n * 8), scale = fc.integer({ min: 4, max: 16 }).map((n) => n / 4), form = { init: null, outpaint: null };
  fc.assert(fc.property(side, side, scale, (width, height, times) => {
    const hires = { upscaler: 'latent', strength: 0.6, scale: times } as const;
    expect(secondSize({ width, height }, hires)).toEqual(hiresEnd(hiresSize({ width, height }, hires)));
    expect(secondSize({ width, height }, { ...hires, width: 640, height: 384 })).toEqual(hiresEnd(hiresSize({ width, height }, { width: 640, height: 384 })));
    expect(firstSize({ ...form, width, height })).toEqual({ width, height });
  }));
  const init = { hash: '', width: 100, height: 64, thumbnail: null }, outpaint = { left: 0, right: 30, top: 8, bottom: 0, overlap: 16, seam: 0.4 };
  expect(firstSize({ init, outpaint, width: 512, height: 512 })).toEqual({ width: 136, height: 72 });
  expect(firstSize({ init: null, outpaint, width: 512, height: 512 })).toEqual({ width: 512, height: 512 });
});
