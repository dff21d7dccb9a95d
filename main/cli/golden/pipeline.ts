// Golden whole runs: token ids → text encoder → sampler with guidance → autoencoder, on the tiny parts beside the case.
import { join } from 'node:path';
import type { SamplerName, ScheduleName } from '../../../preload/contract/vocabulary';
import { guidedDenoiser } from '../../engine/pipeline/denoiser';
import type { KlAutoencoder } from '../../engine/pipeline/autoencoder';
import { composeModel, type Model } from '../../engine/pipeline/model';
import { lincomb } from '../../engine/sampling/arithmetic';
import { planSampling } from '../../engine/sampling/plan';
import { samplers } from '../../engine/sampling/samplers';
import { float32, sizeOf, type Tensor } from '../../engine/tensor';
import { openWeightFile } from '../../files/weight-file';
import { ortRuntime } from '../../worker/ort-runtime';
import { caseTensors, compareTensor, headsOf, relativeTolerance, samplePosterior, type CaseTensors } from './networks';
import { readCase } from './read';
import type { CaseFolder, Check, Checker } from './types';

interface RunConfig { sampler: string; schedule: ScheduleName; steps: number; cfg: number; strength?: number }

/** k-diffusion's names → ours, where they differ. */
const samplerNames: Readonly<Record<string, SamplerName>> = { euler_ancestral: 'euler_a', dpm_2: 'dpm2', dpm_2_ancestral: 'dpm2_a', dpmpp_2s_ancestral: 'dpmpp_2s_a' };

export const checkPipeline: Checker = async function* (folder) {
  const model = await openParts(folder);
  const io = await caseTensors(join(folder.path, 'io.safetensors'));
  const tolerance = relativeTolerance(folder);
  try {
    const contexts: Record<string, Tensor> = {};
    for (const side of ['positive', 'negative']) {
      const ids = io.ids(`in.${side}_ids`);
      contexts[side] = (await model.encodeText([Array.from(ids.data, Number)], 1)).states[0]!;
      if (io.has(`context.${side}`)) yield compareTensor(`context.${side}`, contexts[side], io.stored(`context.${side}`), tolerance);
    }
    for (const [name, run] of Object.entries(folder.config['runs'] as Record<string, RunConfig>)) {
      yield* checkRun(name, run, model, io, contexts, tolerance);
    }
  } finally {
    await model.close();
  }
};

async function* checkRun(name: string, run: RunConfig, model: Model, io: CaseTensors, contexts: Record<string, Tensor>, tolerance: number): AsyncIterable<Check> {
  const { strength } = run;
  const sampler = samplerNames[run.sampler] ?? (run.sampler as SamplerName);
  const { sigmas } = planSampling({ ...run, sampler, compat: 'a1111' }, model.traits.table, model.traits.latentSpace);
  yield compareTensor(`${name}.sigmas`, float32([sigmas.length], Float32Array.from(sigmas)), io.stored(`${name}.sigmas`), tolerance);

  const pool = io.float('in.noise.pool');
  const draw = (row: number): Tensor => float32(pool.dims.slice(1), pool.data.slice(row * sizeOf(pool.dims.slice(1)), (row + 1) * sizeOf(pool.dims.slice(1))));
  let start = lincomb([sigmas[0]!, io.float('in.noise')]);
  if (strength !== undefined) {
    const moments = await (model.autoencoder as KlAutoencoder).moments(io.float('in.image'));
    const z0 = lincomb([model.traits.latentScale, samplePosterior(moments, draw(20))]);
    yield compareTensor(`${name}.z0`, z0, io.stored(`${name}.z0`), tolerance);
    start = lincomb([1, z0], [sigmas[0]!, io.float('in.noise')]);
  }

  const denoise = guidedDenoiser((x, t, condition, asked) => model.predict(x, t, condition, asked), {
    prediction: model.traits.prediction, table: model.traits.table, cfg: run.cfg,
    conditioning: () => ({ conds: [{ condition: { context: contexts['positive']! }, weight: 1 }], uncond: { context: contexts['negative']! } }),
  });
  let drawn = 0;
  const states: Tensor[] = [];
  const result = await samplers[sampler].run(denoise, start, sigmas, { noise: () => draw(drawn++), onStep: ({ x }) => { states.push(x); } });
  states.push(result);
  const all = float32([states.length, ...result.dims.slice(1)]);
  states.forEach((state, i) => all.data.set(state.data, i * state.data.length));
  yield compareTensor(`${name}.states`, all, io.stored(`${name}.states`), tolerance);
  if (io.has(`${name}.image`)) yield compareTensor(`${name}.image`, await model.autoencoder.decode(result), io.stored(`${name}.image`), tolerance);
}

/** The parts stand in folders of their own, each with its configuration. */
async function openParts({ path, config }: CaseFolder): Promise<Model> {
  const parts = await Promise.all((config['parts'] as string[]).map(async (part) => {
    const folder = await readCase(join(path, part));
    return { ...folder, file: await openWeightFile(join(folder.path, folder.config['weights']?.file ?? 'weights.safetensors')) };
  }));
  const find = (kind: string) => {
    const part = parts.find(({ name }) => name.startsWith(kind));
    if (!part) throw new Error(`the pipeline case names no part ${kind}…`);
    return part;
  };
  const [text, unet, vae] = [find('clip'), find('unet'), find('vae')];
  return composeModel({ unet: unet.file, text: text.file, vae: vae.file }, ortRuntime(),
    { heads: { unet: headsOf(unet.config['config']), text: text.config['config'].num_attention_heads } });
}
