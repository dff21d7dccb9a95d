// Classifier-free guidance over a pair of predictions.
import { describe, expect, it } from 'vitest';
import { guided } from '../../../main/engine/sampling/guidance';
import { latentNoise } from '../../../main/engine/sampling/noise/latent-noise';
import type { Tensor } from '../../../main/engine/tensor';

const dims = [2, 4, 8, 8];
const [x, cond, uncond] = [1, 10, 20].map((seed) => latentNoise('cpu', seed, dims).initial) as [Tensor, Tensor, Tensor];
const pair = async () => ({ cond, uncond });

describe('guided', () => {
  it('goes from uncond through cond and beyond', async () => {
    expect((await guided(pair, { scale: 0 })(x, 1)).data).toEqual(uncond.data);
    expect((await guided(pair, { scale: 1 })(x, 1)).data).toEqual(cond.data);
    const beyond = await guided(pair, { scale: 3 })(x, 1);
    beyond.data.forEach((value, i) => expect(value).toBeCloseTo(uncond.data[i]! + 3 * (cond.data[i]! - uncond.data[i]!), 5));
  });

  it('is cond where uncond was not evaluated', async () => {
    expect(await guided(async () => ({ cond, uncond: null }), { scale: 7 })(x, 1)).toBe(cond);
  });

  it('changes nothing by rescaling what is not guided', async () => {
    const rescaled = await guided(pair, { scale: 1, rescale: 0.7 })(x, 2);
    rescaled.data.forEach((value, i) => expect(value).toBeCloseTo(cond.data[i]!, 4));
  });

  it('takes contrast away from an overdone prediction', async () => {
    const plain = await guided(pair, { scale: 12 })(x, 0.5);
    const rescaled = await guided(pair, { scale: 12, rescale: 0.7 })(x, 0.5);
    expect(Math.hypot(...rescaled.data)).toBeLessThan(0.8 * Math.hypot(...plain.data));
  });
});
