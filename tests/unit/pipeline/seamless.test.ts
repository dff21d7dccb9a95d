// Networks whose convolutions go on at the other side: what is rolled before is rolled after, and nothing else is different.
import { expect, test } from 'vitest';
import { composeModel } from '../../../main/engine/pipeline/model';
import { wrapAround, type SeamlessAxes } from '../../../main/engine/nn/seamless';
import { float32, type Tensor } from '../../../main/engine/tensor';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { randomFamilyCheckpoint, tinyFamilies } from '../../support/checkpoints';

const file = await openWeightFile(await randomFamilyCheckpoint(tinyFamilies.sd1));
const model = composeModel({ unet: file, text: file, vae: file }, ortRuntime({ threads: 1 }));

/** [B, C, h, w] moved on by so many, what leaves on one side coming in on the other. */
function rolled({ dims, data }: Tensor, down: number, across: number): Tensor {
  const [, , height, width] = dims as [number, number, number, number], size = height * width;
  return float32(dims, data.map((_, i) => {
    const at = i % size, y = (Math.floor(at / width) + height - down) % height, x = (at % width + width - across) % width;
    return data[i - at + y * width + x]!;
  }));
}
const apart = (a: Tensor, b: Tensor): number => Math.max(...a.data.map((value, i) => Math.abs(value - b.data[i]!))) / Math.max(...a.data.map(Math.abs));
const noise = (dims: number[]): Tensor => float32(dims, Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(i * 12.9898) * 2));

test.each<[SeamlessAxes, number, number]>([['x', 0, 8], ['y', 8, 0], ['both', 8, 8]])('along %s the autoencoder and the U-Net do not know where an edge is', async (axes, down, across) => {
  const latents = noise([1, 4, 16, 24]), { autoencoder } = model;
  const picture = await autoencoder.decode(latents, undefined, axes), moved = await autoencoder.decode(rolled(latents, down, across), undefined, axes);
  expect(apart(moved, rolled(picture, 8 * down, 8 * across))).toBeLessThan(1e-4);
  expect(apart(await autoencoder.encode(rolled(picture, 8 * down, 8 * across), axes), rolled(await autoencoder.encode(picture, axes), down, across))).toBeLessThan(1e-4);
  expect(apart(await autoencoder.decode(rolled(latents, down, across)), rolled(await autoencoder.decode(latents), 8 * down, 8 * across)), 'with zeros around it').toBeGreaterThan(1e-3);

  const extension = { key: `seamless ${axes}`, hooks: () => wrapAround(axes), feeds: () => ({}) }, context = noise([1, 77, model.unet.contextDim]);
  const ask = (x: Tensor, extensions = [extension]): Promise<Tensor> => model.predict(x, float32([1], Float32Array.of(500)), { context }, { rows: ['cond'], sigma: 1, progress: 0 }, extensions);
  expect(apart(await ask(rolled(latents, down, across)), rolled(await ask(latents), down, across))).toBeLessThan(1e-4);
  expect(apart(await ask(rolled(latents, down, across), []), rolled(await ask(latents, []), down, across))).toBeGreaterThan(1e-3);
});
