// How long a run will take and what memory it needs, before it starts: measured here with this model and size, else scaled from another
// run on this machine, else guessed from the processor.
import type { JobSpec } from '../../preload/contract/job';
import type { Estimate, EstimateRequest } from '../../preload/contract/studio';
import type { SamplerName } from '../../preload/contract/vocabulary';
import type { JobTimings } from '../worker/protocol';
import type { RunnableModel } from './models/models';

/** What a run took. */
export interface Timing extends JobTimings {
  readonly modelHash: string;
  /** Of the model, to compare others with it. */
  readonly parameters: number;
  readonly width: number;
  readonly height: number;
  /** Of the U-Net, a step and a picture: guidance doubles them, and so do second-order samplers. */
  readonly evaluations: number;
}

export interface TimingStore {
  add(timing: Timing): void;
  /** Of all models and sizes, latest first. */
  list(): Timing[];
}

/** What decides how much there is to compute. */
type Work = Pick<Timing, 'parameters' | 'width' | 'height' | 'evaluations'>;
type Load = Work & { readonly modelHash: string | null; readonly sizeBytes: number };
interface Expected { readonly step: number; readonly decode: number; readonly open: number; readonly peakBytes: number; readonly basis: Estimate['basis'] }

/** Matrix products of a processor core in FLOP/s, on the cautious side: AVX2 gives 100 and more. */
const CORE_RATE = 80e9;
/** SD 1.5: the whole checkpoint's parameters; FLOP of the U-Net at 512×512, batch 1, and of the decoder. */
const SD15 = { parameters: 1.066e9, unetFlop: 0.803e12, decodeFlop: 2.5e12 };

export class Estimates {
  private readonly timings: TimingStore;
  private readonly cores: number;

  constructor(timings: TimingStore, cores: number) {
    this.timings = timings;
    this.cores = cores;
  }

  estimate(request: EstimateRequest, model: RunnableModel): Estimate {
    const { step, decode, open, peakBytes, basis } = this.expect(loadOf(request, model));
    return { seconds: open + step * request.steps + decode, secondsPerStep: step, peakBytes, basis };
  }

  /** Seconds after the last step of a job. */
  decodeSeconds(job: JobSpec, model: RunnableModel): number { return this.expect(loadOf(job, model)).decode; }

  /** Remembers a run. One without a model's hash could not be found again. */
  measured(job: JobSpec, { parameters }: RunnableModel, timings: JobTimings): void {
    const { model: { hash: modelHash }, width, height } = job;
    if (modelHash !== null) this.timings.add({ ...timings, modelHash, parameters, width, height, evaluations: evaluationsPerStep(job) });
  }

  private expect(load: Load): Expected {
    const runs = this.timings.list();
    const near = nearest(runs.filter((run) => run.modelHash === load.modelHash), load) ?? nearest(runs, load);
    const cost = flopOf(load);
    if (!near) {
      const rate = this.cores * CORE_RATE;
      return { step: cost.step / rate + 0.02, decode: cost.decode / rate + 0.02, open: 0.2 + load.sizeBytes / 2e9, peakBytes: peakOf(load), basis: 'guessed' };
    }
    const nearCost = flopOf(near);
    const isSame = near.modelHash === load.modelHash && hasSameSize(near, load);
    return {
      step: near.stepSeconds * cost.step / nearCost.step,
      decode: near.decodeSeconds * cost.decode / nearCost.decode,
      open: near.openSeconds * load.parameters / near.parameters,
      peakBytes: isSame ? near.peakBytes : peakOf(load),
      basis: isSame ? 'measured' : 'scaled',
    };
  }
}

const loadOf = (run: { width: number; height: number; cfg: number; sampler: string }, { hash, parameters, sizeBytes }: RunnableModel): Load =>
  ({ modelHash: hash, parameters, sizeBytes, width: run.width, height: run.height, evaluations: evaluationsPerStep(run) });

/** Of the same size where there is one, else the run whose work is most like this one's. */
function nearest(runs: readonly Timing[], load: Load): Timing | undefined {
  const distance = (run: Timing) => Math.abs(Math.log(flopOf(run).step / flopOf(load).step)) + (hasSameSize(run, load) ? 0 : 1e3);
  return runs.reduce<Timing | undefined>((best, run) => best && distance(best) <= distance(run) ? best : run, undefined);
}

const hasSameSize = (a: Work, b: Work): boolean => a.width === b.width && a.height === b.height;

/**
 * FLOP of one step and of the decoder, from SD 1.5's at 512×512. Convolutions and products grow with the area, self-attention with its
 * square (15 % of the U-Net at 512×512). Other models count by their parameters; a smaller model's decoder shrinks less than its U-Net.
 */
function flopOf({ parameters, width, height, evaluations }: Work): { step: number; decode: number } {
  const area = width * height / 512 ** 2;
  const size = parameters / SD15.parameters;
  return { step: SD15.unetFlop * size * (0.85 * area + 0.15 * area ** 2) * evaluations, decode: SD15.decodeFlop * Math.sqrt(size) * area };
}

/** The mapped file, what of it is widened to 32 bits, and activations. */
const peakOf = ({ sizeBytes, width, height }: Load): number => 0.3e9 + 1.5 * sizeBytes + 0.6e9 * (width * height / 512 ** 2);

/** These samplers call the U-Net twice in each step. */
const secondOrder: readonly SamplerName[] = ['heun', 'dpm2', 'dpm2_a', 'dpmpp_2s_a', 'dpmpp_sde', 'dpmpp_2m_sde_heun', 'heunpp2', 'restart'];
const evaluationsPerStep = ({ cfg, sampler }: { cfg: number; sampler: string }): number =>
  (cfg === 1 ? 1 : 2) * (secondOrder.some((name) => name === sampler) ? 2 : 1);
