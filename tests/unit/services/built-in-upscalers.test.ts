// The upscalers that come along: listed with those of the user, found by name, and run by the worker like these.
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, expect, test } from 'vitest';
import { builtInUpscalers } from '../../../main/services/models/built-in-upscalers';
import { ModelCache } from '../../../main/worker/model-cache';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { upscale } from '../../../main/worker/upscale';
import { scratchFolder } from '../../support/checkpoints';

const folder = join(import.meta.dirname, '../../../resources/models'), models = new ModelCache(ortRuntime({ threads: 1 }));
afterAll(() => models.releaseAll());

test('×2, ×3 and ×4, and not ×8, which gives less than bicubic resizing does', () => { expect([...builtInUpscalers(folder).values()]).toEqual([2, 3, 4]); });

test.each([...builtInUpscalers(folder)])('%s makes a picture as much larger as it says, with its transparency', async (path, scale) => {
  expect((await models.upscaler(path)).scale).toBe(scale);
  const picture = join(scratchFolder(), 'small.png'), [width, height] = [40 * scale, 24 * scale], half = await sharp({ create: { width: 20, height: 24, channels: 4, background: '#c02020ff' } }).png().toBuffer();
  await sharp({ create: { width: 40, height: 24, channels: 4, background: '#00000000' } }).composite([{ input: half, left: 0, top: 0 }]).png().toFile(picture);
  const job = { version: 4, kind: 'upscale', files: { upscaler: { name: 'x', hash: null } }, init: 'a'.repeat(64), scale, width, height, tile: 256 } as const;
  const { pixels: { rgb, alpha, ...size } } = await upscale({ type: 'upscale', id: 'test', job, upscaler: path, picture }, models, new AbortController().signal, () => undefined);
  expect(size).toEqual({ width, height });
  const at = (x: number): number => Math.floor(height / 2) * width + x, left = at(Math.floor(width / 4)), right = at(Math.floor(3 * width / 4));
  expect([...rgb.subarray(3 * left, 3 * left + 3)].map((value, i) => Math.abs(value - [0xc0, 0x20, 0x20][i]!) < 16)).toEqual([true, true, true]);
  expect(alpha![left]).toBeGreaterThan(240);
  expect(alpha![right]).toBeLessThan(15);
});
