// Passes of every kind over denoisers with a known answer, for the test that stops them and for the process that goes on with them.
import { assertSamePass, type PassState } from '../../main/engine/pipeline/pass-state';
import { handOver, repaintWithin, wrapStage } from '../../main/engine/pipeline/stage';
import { lincomb } from '../../main/engine/sampling/arithmetic';
import { stableDiffusionTable as table } from '../../main/engine/sampling/model-sampling';
import { latentNoise } from '../../main/engine/sampling/noise/latent-noise';
import { sample, type Stage } from '../../main/engine/sampling/pass';
import { planSampling } from '../../main/engine/sampling/plan';
import { samplers } from '../../main/engine/sampling/samplers';
import type { SamplerOptions } from '../../main/engine/sampling/types';
import { float32, sizeOf, type Dims, type Tensor } from '../../main/engine/tensor';
import type { Compat, Rng, SamplerName, ScheduleName } from '../../preload/contract/vocabulary';

export interface PassCase {
  readonly sampler: SamplerName;
  readonly schedule: ScheduleName;
  readonly steps: number;
  readonly rng: Rng;
  readonly compat: Compat;
  readonly strength?: number;
  readonly options?: SamplerOptions;
  /** In place of the schedule's. */
  readonly levels?: readonly number[];
  readonly dims?: Dims;
  readonly ensd?: number;
  readonly masked?: boolean;
}

/** Pictures around a centre that moves with each evaluation, as prompts do that are edited. `spread`: how far from it. */
const drifting = (centre: number, spread: number): Stage => ({
  prepare: async () => {}, release: async () => {}, end: async () => {},
  denoise: async (x, sigma, { evaluation }) => {
    const share = spread ** 2 / (spread ** 2 + sigma ** 2);
    const towards = (middle: number): Tensor => float32(x.dims, x.data.map((value, i) => middle + i / 50 + share * (value - middle)));
    return { ...towards(centre + Math.sin(evaluation)), uncond: towards(-centre) };
  },
});

export async function runPass(which: PassCase, from: PassState | undefined, onState: (state: PassState) => void = () => {}): Promise<Tensor> {
  const { sampler, dims = [1, 4, 2, 2], ensd, masked = false } = which;
  const { sigmas, options, tree, startNoise, wrapDenoiser } = planSampling(which, table, 'sd1');
  const levels = which.levels ?? sigmas;
  if (from) assertSamePass(from, { levels, dims });
  const noise = latentNoise(which.rng, 11, dims, { tree, stepSeedDelta: ensd, drawn: from?.draws });
  const both = wrapStage(handOver(drifting(0.7, 0.5), drifting(-0.4, 0.8), 0.55, table), wrapDenoiser);
  const stage = masked ? repaintWithin(both, noise.initial, float32([1, 1, ...dims.slice(2)], Float32Array.from({ length: sizeOf(dims.slice(2)) }, (_, i) => i % 2))) : both;
  return sample(stage, lincomb([startNoise, noise.initial]), {
    sampler: samplers[sampler].run, options: { ...options, ...which.options }, sigmas: levels, noise: noise.next, signal: { throwIfAborted() {} }, from,
    onStep: ({ progress }) => { onState({ ...progress, job: which, versions: '', done: 0, steps: 0, pass: 0, levels }); },
  });
}

/** To the bit. */
export const fingerprint = ({ data }: Tensor): string => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64');
