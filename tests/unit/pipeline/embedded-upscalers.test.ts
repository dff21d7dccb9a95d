// The upscalers that come along bring back more of photographs that were made smaller than bicubic resizing does; ×8 draws more than it can know and does not.
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { residualDenseNetwork } from '../../../main/engine/families/upscalers/residual-dense';
import { Upscaler } from '../../../main/engine/pipeline/upscaler';
import { float32, type Tensor } from '../../../main/engine/tensor';
import type { Picture } from '../../../main/engine/vision/picture';
import { openEmbedded } from '../../../main/files/embedded-models';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { photograph } from '../../support/photographs';

const decibels = (a: ArrayLike<number>, b: ArrayLike<number>): number => 10 * Math.log10(255 ** 2 / (Array.from(a).reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length));
/** → [1, 3, H, W] in 0…1. */
const imageOf = ({ width, height, rgb }: Picture): Tensor => float32([1, 3, height, width], Float32Array.from({ length: rgb.length }, (_, i) => rgb[(i % (width * height)) * 3 + Math.floor(i / (width * height))]! / 255));
const bytesOf = ({ data, dims: [, , height = 0, width = 0] }: Tensor): Uint8Array => Uint8Array.from({ length: data.length }, (_, i) => Math.min(255, Math.max(0, Math.round(255 * data[(i % 3) * width * height + Math.floor(i / 3)]!))));

describe.each([2, 3, 4] as const)('×%i', (scale) => {
  test.each(['astronaut', 'chelsea', 'coffee'] as const)('%s', async (name) => {
    const whole = await photograph(name, (picture) => picture.extract({ left: 24, top: 24, width: 240, height: 240 }));
    const raw = { width: 240, height: 240, channels: 3 } as const, side = 240 / scale, small = await sharp(whole.rgb, { raw }).resize(side, side, { kernel: 'cubic' }).raw().toBuffer();
    const bicubic = await sharp(small, { raw: { width: side, height: side, channels: 3 } }).resize(240, 240, { kernel: 'cubic' }).raw().toBuffer();
    const upscaler = new Upscaler(residualDenseNetwork(await openEmbedded(`upscale${scale}`)), ortRuntime({ threads: 2 }));
    try {
      expect(upscaler.scale).toBe(scale);
      const large = bytesOf(await upscaler.run(imageOf({ width: side, height: side, rgb: small })));
      expect(decibels(large, whole.rgb)).toBeGreaterThan(decibels(bicubic, whole.rgb));
    } finally {
      await upscaler.close();
    }
  });
});
