// What a plan says of a run is what the network is asked. The networks here find no noise in anything, so that latents stay as they begin, or nothing else.
import { expect, test } from 'vitest';
import { generate } from '../../../main/engine/pipeline/generate';
import type { Model } from '../../../main/engine/pipeline/model';
import { lincomb, mul } from '../../../main/engine/sampling/arithmetic';
import { stableDiffusionTable as table, tToSigma } from '../../../main/engine/sampling/model-sampling';
import { latentNoise } from '../../../main/engine/sampling/noise/latent-noise';
import { float32, type Tensor } from '../../../main/engine/tensor';
import { Tokenizer } from '../../../main/engine/text/tokenizer';
import { clipMerges } from '../../../main/worker/tokenizer-vocabulary';
import type { JobSpec } from '../../../preload/contract/job';
import { demoJob } from '../../support/demo';

const vocabulary = new Tokenizer(await clipMerges());
const dims = [1, 4, 8, 8];
const original = float32(dims, Float32Array.from({ length: 256 }, (_, i) => Math.sin(i / 50)));

/** What the network finds in x, scaled for it, at timestep t. */
type Network = (x: Tensor, t: number) => Tensor;
const noNoise: Network = ({ dims: shape }) => float32(shape);
/** That all of x is noise: the picture is 0. */
const allNoise: Network = (x, t) => { const sigma = tToSigma(table, t); return mul(x, Math.sqrt(1 + sigma ** 2) / sigma); };

/** Pictures are their latents. */
function modelOf(network: Network, asked: number[]): Model {
  const model: Partial<Record<keyof Model, unknown>> = {
    traits: { prediction: 'eps', table, latentScale: 1, latentSpace: 'sd1' }, unet: { inChannels: 4 }, textWidths: [4],
    autoencoder: { latentChannels: 4, factor: 8, hasFamilyLatents: true, encode: async () => original, decode: async (latents: Tensor) => latents },
    encodeText: async (rows: readonly unknown[]) => ({ states: [float32([rows.length, 77, 4])], pooled: null }), besideText: () => ({}),
    readsGuidance: () => false, editsPictures: () => false, prepare: async () => {}, releaseUnet: async () => {}, releaseBeside: async () => {},
    predict: async (x: Tensor, t: Tensor) => { asked.push(t.data[0]!); return network(x, t.data[0]!); },
  };
  return model as unknown as Model;
}

async function run(patch: Partial<JobSpec>, network = noNoise): Promise<{ image: Float32Array; asked: number[] }> {
  const asked: number[] = [], job = demoJob({ width: 64, height: 64, ...patch });
  const { image } = await generate(job, modelOf(network, asked), job.init ? { init: float32([1, 3, 64, 64]) } : {}, {
    vocabulary, now: () => 0, signal: new AbortController().signal, onPhase: () => {}, onStep: () => {},
  });
  return { image: image.data, asked };
}
const noise = (source: JobSpec['rng'] = 'cpu'): Tensor => latentNoise(source, 1, dims).initial;
const expectClose = (got: Float32Array, want: Tensor): void => got.forEach((value, i) => expect(value).toBeCloseTo(want.data[i]!, 5));
const alpha = (t: number): number => table.alphasCumprod[t]!;

test("AUTOMATIC1111's DDIM begins with less of the picture than there is, and ends fainter than it is", async () => {
  const { image, asked } = await run({ kind: 'img2img', init: '0'.repeat(64), strength: 0.6, sampler: 'ddim', schedule: 'ddim_uniform', steps: 6 });
  // Timesteps 1, 167, 333, 499 …: noise for 499, a walk from 333 to 1, and the latents of timestep 1 as they are.
  expect(asked.map(Math.round)).toEqual([333, 167]);
  const scale = Math.sqrt(alpha(1)) * Math.sqrt(alpha(499) / alpha(333));
  expectClose(image, lincomb([scale, original], [scale * Math.sqrt((1 - alpha(499)) / alpha(499)), noise()]));
});

test('UniPC is asked at timesteps of its own', async () => {
  const { asked } = await run({ sampler: 'unipc', schedule: 'sgm_uniform', steps: 4 });
  [999, 749.25, 499.5, 249.75].forEach((t, i) => expect(asked[i]).toBeCloseTo(t, 2));
});

test("AUTOMATIC1111's LCM is asked at every 20th timestep, and a little of what it was shown is in its answer", async () => {
  const { image, asked } = await run({ sampler: 'lcm', schedule: 'normal', steps: 3 }, allNoise);
  expect(asked.map((t) => t % 20)).toEqual([19, 19, 19]);
  // Nothing but the boundary's share of the noise that was added last, at timestep 19.
  const { next } = latentNoise('cpu', 1, dims);
  next(0, 0);
  const last = next(0, 0), share = 0.25 / (190 ** 2 + 0.25), size = (values: Float32Array): number => Math.hypot(...values);
  expect(size(image) / size(last.data)).toBeCloseTo(share * tToSigma(table, 19), 8);
});

test("ComfyUI's timesteps are whole, and its start has a little more noise than the level says", async () => {
  const { image, asked } = await run({ sampler: 'euler', schedule: 'karras', steps: 4, rng: 'cpu_nv', compat: 'comfy' });
  expect(asked).toEqual(asked.map(Math.round));
  expectClose(image, lincomb([Math.sqrt(1 + table.sigmaMax ** 2), noise('cpu_nv')]));
});
