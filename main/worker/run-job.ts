// One job on this worker: model, picture to start from, the engine's pipeline, pixels.
import { AppError } from '../engine/errors';
import { generate, type StepReport } from '../engine/pipeline/generate';
import { Tokenizer } from '../engine/text/tokenizer';
import { readInitPicture, toPixels } from './init-picture';
import { openWeightFile, scanNotFinite } from './files';
import type { ModelCache } from './model-cache';
import type { FromWorker, JobTimings, Pixels, RunMessage } from './protocol';
import { clipMerges } from './tokenizer-vocabulary';

let tokenizer: Promise<Tokenizer> | undefined;
/** Made once, 0.1 s. */
export const clipTokenizer = (): Promise<Tokenizer> => (tokenizer ??= clipMerges().then((merges) => new Tokenizer(merges)));

const now = (): number => performance.now() / 1000;

export async function runJob({ id, job, modelPath, initPath, attempt }: RunMessage, models: ModelCache, signal: AbortSignal, send: (message: FromWorker) => void): Promise<{ pixels: Pixels; timings: JobTimings }> {
  const began = now();
  send({ type: 'phase', id, phase: 'loading' });
  const [model, vocabulary] = await Promise.all([models.get(modelPath), clipTokenizer()]);
  const init = initPath === undefined ? undefined : await readInitPicture(initPath, job.width, job.height);
  const prepared = now() - began;
  const onStep = ({ step, steps, seconds, preview }: StepReport): void =>
    send({ type: 'step', id, step, steps, seconds, ...(preview && { preview: toPixels(preview) }) });
  try {
    const { image, openSeconds, stepSeconds, decodeSeconds } = await generate(job, model, { init }, {
      vocabulary, now, signal, onStep, sparing: attempt > 1, onPhase: (phase) => send({ type: 'phase', id, phase }),
    });
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    return { pixels: toPixels(image), timings: { openSeconds: prepared + openSeconds, stepSeconds, decodeSeconds, peakBytes } };
  } catch (error) {
    throw error instanceof AppError && error.code === 'weights.notFinite' ? await nameTheTensor(error, modelPath) : error;
  }
}

/** Looks for the broken weights themselves, so that the error says which file and tensor. */
async function nameTheTensor(error: AppError, path: string): Promise<AppError> {
  const [first] = await scanNotFinite(await openWeightFile(path), undefined, 1);
  const name = path.split(/[\\/]/).at(-1);
  if (!first) {
    return new AppError('weights.notFinite', {
      message: `${name} answered with values that are not numbers, though its weights are whole`, data: { file: path }, cause: error,
      hint: 'Lower the guidance, or choose another sampler. If it stays, the model itself is damaged.',
    });
  }
  return new AppError('weights.notFinite', {
    message: `${name} holds broken weights: ${first.tensor} has a value that is not a number (element ${first.index})`,
    data: { file: path, tensor: first.tensor, index: first.index }, cause: error,
    hint: 'Get the file again from its source, or choose another model.',
  });
}
