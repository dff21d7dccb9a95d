// The autoencoder in tiles is the whole one, but for how well the means and variances of its norms were measured.
import { beforeAll, expect, test } from 'vitest';
import { vaeConfig, buildVaeDecoder, buildVaeDecoderLarge, buildVaeEncoder, type VaeConfig } from '../../../main/engine/families/vae';
import { decodeInTiles, encodeInTiles } from '../../../main/engine/pipeline/tiled-vae';
import { float32, type Tensor } from '../../../main/engine/tensor';
import type { WeightFile } from '../../../main/engine/weights/source';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { evaluate } from '../../../main/cli/golden/networks';
import { demoPath } from '../../support/demo';
import { seededRandom } from '../../support/random';

const runtime = ortRuntime({ threads: 2 });
let file: WeightFile, config: VaeConfig;
beforeAll(async () => { file = await openWeightFile(demoPath); config = vaeConfig(file)!; });

/** A picture with a sky, a striped ground and something round, which differs from place to place. */
function scene(height: number, width: number): Tensor {
  const random = seededRandom(3), image = float32([1, 3, height, width]);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x, inside = (x - width * 0.7) ** 2 + (y - height * 0.4) ** 2 < (height / 5) ** 2, ground = y > height * 0.6;
      const stripes = ground ? Math.sin(x / 3) * 0.4 + random.share() * 0.2 : 0;
      [inside ? 0.8 : ground ? -0.2 : 0.1 - y / height, inside ? -0.6 : ground ? 0.4 : 0.3, inside ? -0.7 : ground ? -0.6 : 0.9].forEach((value, c) => { image.data[c * height * width + at] = Math.max(-1, Math.min(1, value + stripes)); });
    }
  }
  return image;
}

/** In dB, of values that span 2. */
function psnr(a: Tensor, b: Tensor, span = 2): number {
  const error = a.data.reduce((sum, value, i) => sum + (value - b.data[i]!) ** 2, 0) / a.data.length;
  return 10 * Math.log10(span ** 2 / error);
}

test('of pictures larger than a tile, what comes out is the whole one to 45 dB and more, in both directions', async () => {
  const image = scene(256, 384), moments = (await evaluate(runtime, buildVaeEncoder(file, config, { batch: 1, height: 256, width: 384 }), { image }))['moments']!;
  const n = moments.data.length / 2, latents = float32([1, 4, 32, 48], moments.data.slice(0, n)), vae = { file, config, runtime };
  const whole = (await evaluate(runtime, buildVaeDecoder(file, config, { batch: 1, height: 32, width: 48 }), { latents }))['image']!;
  expect(psnr(whole, await decodeInTiles(vae, latents, 256))).toBeGreaterThan(45);
  const encoded = await encodeInTiles(vae, image, 256), span = Math.max(...latents.data) - Math.min(...latents.data);
  expect(encoded.dims).toEqual(moments.dims);
  expect(psnr(latents, float32(latents.dims, encoded.data.slice(0, n)), span)).toBeGreaterThan(50);
}, 120_000);

test('tiles lose nothing: with the same means and variances they are what one tile of all is', async () => {
  const latents = float32([1, 4, 32, 48], Float32Array.from({ length: 6144 }, (_, i) => Math.sin(i * 12.9898) * 2)), vae = { file, config, runtime };
  const low = (await evaluate(runtime, buildVaeDecoder(file, config, { batch: 1, height: 32, width: 48 }, {}, 'low'), { latents }))['low']!;
  const size = { batch: 1, height: low.dims[2]!, width: low.dims[3]! }, { image: _image, ...norms } = await evaluate(runtime, buildVaeDecoderLarge(file, config, size, 'measured'), { low });
  const given = (await evaluate(runtime, buildVaeDecoderLarge(file, config, size, 'given'), { low, ...norms }))['image']!;
  const whole = (await evaluate(runtime, buildVaeDecoder(file, config, { batch: 1, height: 32, width: 48 }), { latents }))['image']!;
  expect(psnr(whole, given)).toBeGreaterThan(90);
  expect(Object.keys(norms).length).toBeGreaterThan(10);
  expect((await decodeInTiles(vae, latents, 256)).dims).toEqual(whole.dims);
}, 120_000);
