// Guidance around a network that is a formula: what is fed to it, and what is made of its answers.
import { describe, expect, test } from 'vitest';
import { evaluationsOf, guidedDenoiser, keepOutside, type Predict } from '../../../main/engine/pipeline/denoiser';
import { stableDiffusionTable } from '../../../main/engine/sampling/model-sampling';
import { float32, type Tensor } from '../../../main/engine/tensor';

const plain = (value: number, dims = [1, 4, 2, 2]): Tensor => { const t = float32(dims); t.data.fill(value); return t; };
const condition = (value: number) => ({ context: plain(value, [1, 77, 8]), y: null });
const x = plain(0);
const common = { prediction: 'eps', table: stableDiffusionTable } as const;

/** Its answer is what the denoised value becomes at σ = 1 and x = 0, negated: the text's number, and ten times the picture's. */
const network: Predict = (input, _, { context }) => {
  const [batch, channels] = input.dims as [number, number];
  const out = float32([batch, 4, 2, 2]);
  for (let b = 0; b < batch; b++) {
    const picture = channels > 4 ? input.data[(b * channels + 4) * 4]! : 0;
    out.data.fill(-(context.data[b * 77 * 8]! + 10 * picture), b * 16, (b + 1) * 16);
  }
  return Promise.resolve(out);
};

describe('two guidances (instruct-pix2pix)', () => {
  const conditioning = () => ({ conds: [{ condition: condition(5), weight: 1 }], uncond: condition(2) });
  test.each([false, true])('none + image·(picture − none) + text·(both − picture), one after the other: %s', async (sequential) => {
    const denoise = guidedDenoiser(network, { ...common, cfg: 7, imageCfg: 1.5, extra: plain(0.3), conditioning, sequential });
    const [none, pictureOnly, both] = [2, 2 + 3, 5 + 3];
    expect((await denoise(x, 1)).data[0]).toBeCloseTo(none + 1.5 * (pictureOnly - none) + 7 * (both - pictureOnly), 4);
  });
  test('three evaluations a step, two where the picture has no guidance of its own', () => {
    expect(evaluationsOf(conditioning(), 1.5)).toBe(3);
    expect(evaluationsOf(conditioning())).toBe(2);
    expect(evaluationsOf({ ...conditioning(), uncond: null })).toBe(1);
  });
});

test('the extra channels stand behind the latents and are not scaled with them', async () => {
  let fed: Tensor | undefined;
  const watch: Predict = (input) => { fed = input; return Promise.resolve(plain(0)); };
  const denoise = guidedDenoiser(watch, { ...common, cfg: 1, extra: plain(0.25, [1, 5, 2, 2]), conditioning: () => ({ conds: [{ condition: condition(1), weight: 1 }], uncond: null }) });
  await denoise(plain(3), 2);
  expect(fed!.dims).toEqual([1, 9, 2, 2]);
  expect(fed!.data[0]).toBeCloseTo(3 / Math.sqrt(5), 5);
  expect([...fed!.data.slice(16)].every((value) => value === 0.25)).toBe(true);
});

test('each evaluation is fed its own vector condition', async () => {
  let fed: Tensor | null = null;
  const watch: Predict = (input, _, { y }) => { fed = y; return Promise.resolve(plain(0, [input.dims[0]!, 4, 2, 2])); };
  const withVector = (value: number) => ({ ...condition(value), y: plain(value, [1, 3]) });
  await guidedDenoiser(watch, { ...common, cfg: 2, conditioning: () => ({ conds: [{ condition: withVector(5), weight: 1 }], uncond: withVector(2) }) })(x, 1);
  expect(fed).toEqual(float32([2, 3], Float32Array.of(5, 5, 5, 2, 2, 2)));
});

test('outside the mask the original is believed', async () => {
  const denoise = keepOutside(() => Promise.resolve(plain(9)), plain(1), float32([1, 1, 2, 2], Float32Array.of(1, 0, 0.5, 0)));
  expect([...(await denoise(x, 1)).data.slice(0, 8)]).toEqual([9, 1, 5, 1, 9, 1, 5, 1]);
});
