// Previews by colour: the families' linear maps, on models that have the families' own autoencoder.
import { expect, test } from 'vitest';
import type { Autoencoder } from '../../../main/engine/pipeline/autoencoder';
import type { Model } from '../../../main/engine/pipeline/model';
import { previewer } from '../../../main/engine/pipeline/preview';
import { float32 } from '../../../main/engine/tensor';

const modelOf = (latentSpace: 'sd1' | 'sdxl', hasFamilyLatents = true): Model => ({ autoencoder: { hasFamilyLatents }, traits: { latentSpace } }) as unknown as Model;
const latents = float32([1, 4, 1, 2], Float32Array.of(0, 1, 0, 0, 0, 0, 0, 0));   // nothing, and the first channel alone

test.each([['sd1', [0, 0.3512, 0, 0.2297, 0, 0.3227]], ['sdxl', [0.1084, 0.4735, -0.0175, 0.4057, -0.0011, 0.433]]] as const)('%s', async (latentSpace, expected) => {
  const image = await previewer(modelOf(latentSpace), undefined, () => 0)(latents, 1);
  expect(image!.dims).toEqual([1, 3, 1, 2]);
  image!.data.forEach((value, i) => { expect(value).toBeCloseTo(expected[i]!, 4); });
});

/** Takes a second for each 10 GFLOP; an image pixel costs 1 MFLOP. `sizes` are those of its answers. */
function slowDecoder() {
  let seconds = 0;
  const sizes: string[] = [];
  const decoder: Autoencoder = {
    tile: undefined, latentChannels: 4, factor: 8, hasFamilyLatents: true, isTiny: true, close: () => Promise.resolve(), encode: () => Promise.reject(new Error('previews encode nothing')),
    decodeFlops: (h, w) => 64 * h * w * 1e6,
    decode: ({ dims: [, , h = 0, w = 0] }) => {
      seconds += decoder.decodeFlops(h, w) / 10e9;
      sizes.push(`${w * 8}x${h * 8}`);
      return Promise.resolve(float32([1, 3, h * 8, w * 8]));
    },
  };
  return { decoder, sizes, now: () => seconds, wait: (step: number) => { seconds += step; } };
}

test('a tiny autoencoder shows the steps, first cheaply, then as large as 5 % of a step allow', async () => {
  const { decoder, sizes, now, wait } = slowDecoder();
  const preview = previewer(modelOf('sd1'), decoder, now);
  for (let i = 0; i < 3; i++) {
    wait(180);
    await preview(float32([1, 4, 64, 32]), 180);
  }
  expect(sizes).toEqual(['64x128', '128x256', '128x256']);      // the whole of 256×512 would take 13 s
});

test('where a preview costs more than two fifths of the time, steps go without', async () => {
  const { decoder, sizes, now, wait } = slowDecoder();
  const preview = previewer(modelOf('sd1', false), decoder, now);
  for (let i = 0; i < 10; i++) {
    wait(0.4);
    await preview(float32([1, 4, 16, 16]), 0.4);
  }
  expect(sizes.length).toBeGreaterThan(0);
  expect(sizes.length).toBeLessThan(5);
});
