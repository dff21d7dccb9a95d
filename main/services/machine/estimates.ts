// How long a run will take and what memory it needs, before it starts: measured here with this model and size, else scaled from another
// run on this machine, else guessed from the processor.
import type { JobSpec } from '../../../preload/contract/job';
import type { Estimate, EstimateRequest } from '../../../preload/contract/studio';
import { SamplerName } from '../../../preload/contract/vocabulary';
import { samplers } from '../../engine/sampling/samplers';
import type { JobTimings } from '../../worker/protocol';
import type { PictureCost } from '../models/cost';
import type { RunnableModel } from '../models/runnable';

/** What a run took. */
export interface Timing extends JobTimings, PictureCost {
  readonly modelHash: string;
  /** Of the model: others take longer to open by as much as they have more. */
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
type Work = Pick<Timing, 'parameters' | 'width' | 'height' | 'evaluations' | keyof PictureCost>;
type Load = Work & { readonly modelHash: string | null; readonly sizeBytes: number };
interface Expected { readonly step: number; readonly decode: number; readonly open: number; readonly peakBytes: number; readonly basis: Estimate['basis'] }

/** Matrix products of a processor core in FLOP/s, on the cautious side: AVX2 gives 100 and more. */
const CORE_RATE = 80e9;

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

  /** Remembers a run. One without a model's hash could not be found again; one that went on after its last step has measured none. */
  measured(job: JobSpec, model: RunnableModel, timings: JobTimings): void {
    const { files: { model: { hash: modelHash } } } = job;
    if (modelHash === null || timings.stepSeconds === 0) return;
    try {
      this.timings.add({ ...timings, ...workOf(job, model), modelHash });
    } catch {
      // The picture is safe; a later estimate does without this run.
    }
  }

  private expect(load: Load): Expected {
    const runs = this.timings.list();
    const near = nearest(runs.filter((run) => run.modelHash === load.modelHash), load) ?? nearest(runs, load);
    const rate = this.cores * CORE_RATE;
    if (!near) {
      return { step: stepFlops(load) / rate + 0.02, decode: load.decodeFlops / rate + 0.02, open: 0.2 + load.sizeBytes / 2e9, peakBytes: peakOf(load), basis: 'guessed' };
    }
    const isSame = near.modelHash === load.modelHash && hasSameSize(near, load);
    return {
      step: scaled(near.stepSeconds, stepFlops(near), stepFlops(load), rate),
      decode: scaled(near.decodeSeconds, near.decodeFlops, load.decodeFlops, rate),
      open: near.openSeconds * load.parameters / near.parameters,
      peakBytes: isSame ? near.peakBytes : peakOf(load),
      basis: isSame ? 'measured' : 'scaled',
    };
  }
}

/** How much more work makes another class of it: small products do not fill a processor, so a tiny model's rate says little of a real one's. */
const OTHER_CLASS = 8;

function scaled(seconds: number, from: number, to: number, rate: number): number {
  const proportional = seconds * to / from;
  return to > OTHER_CLASS * from ? Math.min(proportional, to / rate + seconds) : proportional;
}

interface Run { readonly width: number; readonly height: number; readonly cfg: number; readonly sampler: string }

const workOf = (run: Run, { parameters, cost }: RunnableModel): Work =>
  ({ parameters, width: run.width, height: run.height, evaluations: evaluationsPerStep(run), ...cost(run.width, run.height) });
const loadOf = (run: Run, model: RunnableModel): Load => ({ ...workOf(run, model), modelHash: model.hash, sizeBytes: model.sizeBytes });

/** Of the same size where there is one, else the run whose work is most like this one's. */
function nearest(runs: readonly Timing[], load: Load): Timing | undefined {
  const distance = (run: Timing) => Math.abs(Math.log(stepFlops(run) / stepFlops(load))) + (hasSameSize(run, load) ? 0 : 1e3);
  return runs.reduce<Timing | undefined>((best, run) => best && distance(best) <= distance(run) ? best : run, undefined);
}

const hasSameSize = (a: Work, b: Work): boolean => a.width === b.width && a.height === b.height;

const stepFlops = ({ unetFlops, evaluations }: Work): number => unetFlops * evaluations;

/** The mapped file, the process itself, and what a step or the decoder holds: 3.5 GB seen for SD 1.5 at 512×512 (2.1 GB), 7.0 for SDXL (6.9 GB, of which the U-Net is mapped). */
const peakOf = ({ sizeBytes, width, height }: Load): number => 0.2e9 + sizeBytes + 1.2e9 * (width * height / 512 ** 2);

/** Guidance needs a second evaluation; CFG++ reads it even where it has no weight. */
function evaluationsPerStep({ cfg, sampler }: { cfg: number; sampler: string }): number {
  const { data: name } = SamplerName.safeParse(sampler);
  const { evaluationsPerStep: times, readsUncond } = name ? samplers[name] : { evaluationsPerStep: 1, readsUncond: false };
  return (cfg === 1 && !readsUncond ? 1 : 2) * times;
}
