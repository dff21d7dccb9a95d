// What a plan says of a run is done with the network: what goes onto the start, which timesteps it is told, what is around it, and what the end is multiplied with.
import { expect, test } from 'vitest';
import { conditionOn } from '../../../main/engine/pipeline/conditioning';
import { guidedDenoiser } from '../../../main/engine/pipeline/denoiser';
import { generate } from '../../../main/engine/pipeline/generate';
import { Model } from '../../../main/engine/pipeline/model';
import { lincomb } from '../../../main/engine/sampling/arithmetic';
import { latentNoise } from '../../../main/engine/sampling/noise/latent-noise';
import { planSampling } from '../../../main/engine/sampling/plan';
import { samplers } from '../../../main/engine/sampling/samplers';
import { float32 } from '../../../main/engine/tensor';
import { Tokenizer } from '../../../main/engine/text/tokenizer';
import { openWeightFile } from '../../../main/files/weight-file';
import { ortRuntime } from '../../../main/worker/ort-runtime';
import { clipMerges } from '../../../main/worker/tokenizer-vocabulary';
import type { JobSpec } from '../../../preload/contract/job';
import { demoJob, demoPath } from '../../support/demo';

const vocabulary = new Tokenizer(await clipMerges());
const file = await openWeightFile(demoPath);
const model = new Model({ unet: file, text: file, vae: file }, ortRuntime());
const size = { width: 64, height: 64 };
const init = float32([1, 3, 64, 64], Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => Math.sin(i / 50)));

test.each<[string, Partial<JobSpec>]>([
  ["a start with less of the picture, and a fainter end: AUTOMATIC1111's DDIM", { kind: 'img2img', init: '0'.repeat(64), strength: 0.6, sampler: 'ddim', schedule: 'ddim_uniform', steps: 6 }],
  ['timesteps of its own: UniPC', { sampler: 'unipc', schedule: 'sgm_uniform', steps: 4 }],
  ["AUTOMATIC1111's LCM", { sampler: 'lcm', schedule: 'normal', steps: 3 }],
  ["ComfyUI's whole timesteps", { sampler: 'euler', schedule: 'karras', steps: 4, noise: 'comfy' }],
])('%s', async (_, patch) => {
  const job = demoJob({ prompt: 'a red house', cfg: 3, ...size, ...patch });
  const { image } = await generate(job, model, job.init ? { init } : {}, { vocabulary, now: () => 0, signal: new AbortController().signal, onPhase: () => {}, onStep: () => {} });

  const { table, prediction, latentSpace } = model.traits;
  const plan = planSampling({ ...job, strength: job.strength }, table, latentSpace);
  const { at } = await conditionOn({ encode: (...given) => model.encodeText(...given), widths: model.textWidths, beside: () => ({}) }, vocabulary, { ...job, evaluations: job.steps, guided: true });
  const denoise = guidedDenoiser((...given) => model.predict(...given), { prediction, table, timestepOf: plan.timestepOf, cfg: job.cfg, conditioning: () => at(0) });
  const noise = latentNoise(job.noise, job.seed, [1, 4, size.height / model.autoencoder.factor, size.width / model.autoencoder.factor]);
  const start = lincomb([plan.startNoise, noise.initial], ...(job.init ? [[plan.startPicture, await model.autoencoder.encode(init)] as const] : []));
  const end = await samplers[job.sampler].run(plan.wrapDenoiser(denoise), start, plan.sigmas, { noise: noise.next }, plan.options);
  expect(image.data).toEqual((await model.autoencoder.decode(lincomb([plan.endScale, end]))).data);
});
