// From a job to a picture: its passes one after the other, then the autoencoder, and what of the picture is repainted by itself.
import type { JobSpec } from '../../../preload/contract/job';
import { AppError } from '../errors';
import { mul } from '../sampling/arithmetic';
import { sample } from '../sampling/pass';
import { samplers } from '../sampling/samplers';
import type { AbortLike } from '../sampling/types';
import type { Tensor } from '../tensor';
import type { Autoencoder } from './autoencoder';
import { allWords, type WordsReport } from './conditioning';
import { Details } from './detail';
import type { Model } from './model';
import { assertSameJob, assertSamePass, type PassState } from './pass-state';
import { detailPass, passesOf, type Inputs } from './passes';
import { previewer } from './preview';
import type { Reading } from './stage';

export interface StepReport {
  /** Steps done, from 1 to `steps`. */
  readonly step: number;
  readonly steps: number;
  /** This step's own time. */
  readonly seconds: number;
  /** [1, 3, h, w] in −1…1, of any size in the picture's shape. */
  readonly preview?: Tensor;
  /** The job can go on from here, in another process too. */
  readonly state: PassState;
}

/** What a run needs from its host. */
export interface Host extends Reading {
  /** Seconds on any steady clock. */
  readonly now: () => number;
  readonly signal: AbortLike;
  readonly onPhase: (phase: 'loading' | 'running' | 'decoding') => void;
  /** Waited for, before the next step. */
  readonly onStep: (report: StepReport) => void | Promise<void>;
  /** Shows each step better than the model's own means do (TAESD). */
  readonly previewDecoder?: Autoencoder | undefined;
  /** What an earlier run of this job had reached: goes on from there. */
  readonly resume?: PassState | undefined;
  /** Tells the versions of the job's files apart: a state that was made with others is refused. */
  readonly versions?: string;
}

export interface Generated extends WordsReport {
  /** [1, 3, H, W], about −1…1; [1, 4, H, W] where it has opacity. */
  readonly image: Tensor;
  /** To the start of the first step. */
  readonly openSeconds: number;
  readonly stepSeconds: number;
  readonly decodeSeconds: number;
}

/**
 * Throws weights.notFinite when the network's answers are no numbers, job.noDepth when the model needs a picture that is not there, pass.stale when `resume`
 * is of another job, and what `signal` throws.
 */
export async function generate(job: JobSpec, model: Model, inputs: Inputs, host: Host): Promise<Generated> {
  const { now, signal, resume, versions = '' } = host;
  const began = now();
  host.onPhase('loading');
  if (resume) assertSameJob(resume, { job, versions });
  const passes = [...passesOf(job, model, inputs, host)], details = new Details(job, inputs.find, resume?.found), words: WordsReport[] = [];

  let firstStep: number | undefined;
  const steps = reportSteps(model, host);
  let before = resume?.before, stepsBefore = 0, decodeStart = now();
  for (let index = 0; ; index++) {
    while (index === passes.length && details.left && before) {
      const { repaints, notices } = await details.next(before);
      passes.push(...repaints.map((each) => detailPass(each, model, inputs, host)));
      words.push({ notices, embeddings: [] });
      signal.throwIfAborted();
    }
    const pass = passes[index];
    if (!pass) break;
    const all = passes.reduce((sum, { plan }) => sum + plan.sigmas.length - 1, 0);
    const { plan: { sigmas, options, endScale }, dims, picture = (all: Tensor) => all } = pass;
    const offset = stepsBefore;
    stepsBefore += sigmas.length - 1;
    words.push(await pass.words());
    signal.throwIfAborted();
    if (resume && index < resume.pass) continue;
    const from = resume?.pass === index ? resume : undefined;
    if (from) assertSamePass(from, { levels: sigmas, dims });
    const noise = pass.noise(from?.draws);
    const { stage, start, leave } = await pass.open(before, noise);
    signal.throwIfAborted();
    const left = before, end = await sample(stage, from?.sampler.x ?? start, {
      sampler: samplers[pass.sampler].run, options, sigmas, noise: noise.next, signal, from,
      onReady: () => {
        if (firstStep !== undefined) return;
        host.onPhase('running');
        firstStep = now();
        steps.begin();
      },
      onStep: ({ i, denoised, progress }) => steps.report(offset + i + 1, all, picture(denoised), { ...progress, job, versions, pass: index, levels: sigmas, before: left, ...(details.found.length > 0 && { found: [...details.found] }) }),
    });
    const latents = mul(picture(end), endScale);
    assertFinite(latents);
    if (index === passes.length - 1 && !details.left) host.onPhase('decoding');
    decodeStart = now();
    before = await leave(latents);
    assertFinite(before);
  }
  if (!before) throw new RangeError('a job without passes');
  return { ...allWords(words), image: before, openSeconds: (firstStep ?? decodeStart) - began, stepSeconds: steps.mean(), decodeSeconds: now() - decodeStart };
}

/** Tells the host of each step, with a preview, and how long it took. */
function reportSteps(model: Model, { now, onStep, previewDecoder }: Host) {
  const preview = previewer(model, previewDecoder, now);
  const seconds: number[] = [];
  let last = now();
  return {
    begin(): void { last = now(); },
    /** `steps`: of all passes that are known. */
    async report(done: number, steps: number, denoised: Tensor, passed: Omit<PassState, 'done' | 'steps'>): Promise<void> {
      const step = Math.min(done, steps), state = { ...passed, done: step, steps };
      const took = now() - last;
      seconds.push(took);
      await onStep({ step, steps, seconds: took, state, ...(step < steps && { preview: await preview(denoised, took) }) });
      last = now();
    },
    /** Without the first step, which also reads the weights from the disk. */
    mean(): number {
      const steady = seconds.length > 1 ? seconds.slice(1) : seconds;
      return steady.reduce((sum, s) => sum + s, 0) / Math.max(1, steady.length);
    },
  };
}

function assertFinite({ data }: Tensor): void {
  if (data.every(Number.isFinite)) return;
  throw new AppError('weights.notFinite', { why: 'answer' });
}
