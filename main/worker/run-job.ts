// One job on this worker: models, the pictures that it brings, the engine's pipeline, pixels.
import { basename, dirname, relative } from 'node:path';
import { AppError } from '../engine/errors';
import type { Pictures } from '../engine/pipeline/extra-channels';
import { generate, type StepReport } from '../engine/pipeline/generate';
import { Tokenizer } from '../engine/text/tokenizer';
import type { Tensor } from '../engine/tensor';
import { openEmbeddings } from './embeddings/embeddings';
import { readGreyPicture, readInitPicture, toPixels } from './init-picture';
import { scanNotFinite } from '../files/weight-file';
import type { ModelCache } from './model-cache';
import { openModel } from '../files/model-folder';
import { pathsOf } from './model-parts';
import type { FromWorker, RunMessage } from './protocol';
import { clipMerges } from './tokenizer-vocabulary';

let tokenizer: Promise<Tokenizer> | undefined;
/** Made once, 0.1 s. */
export const clipTokenizer = (): Promise<Tokenizer> => (tokenizer ??= clipMerges().then((merges) => new Tokenizer(merges)));

const now = (): number => performance.now() / 1000;

/** What a job came to. */
export type Made = Pick<Extract<FromWorker, { type: 'done' }>, 'pixels' | 'timings' | 'notices' | 'embeddings'>;

export async function runJob(message: RunMessage, models: ModelCache, signal: AbortSignal, send: (message: FromWorker) => void): Promise<Made> {
  const { id, job, attempt, embeddingsPath } = message;
  const began = now();
  send({ type: 'phase', id, phase: 'loading' });
  const { refiner: second, ...first } = message.files;
  const wanted = [first, ...(second === undefined ? [] : [{ model: second }])] as const;
  const [[model, refiner], pictures, vocabulary] = await Promise.all([models.get(...wanted), readPictures(message), clipTokenizer()]);
  // Previews are a comfort: without a sound file for them, the job does without.
  const previewDecoder = message.previewPath === undefined ? undefined : await models.previewDecoder(message.previewPath).catch(() => undefined);
  const embeddings = embeddingsPath === undefined ? undefined : await openEmbeddings(embeddingsPath, vocabulary);
  const prepared = now() - began;
  const onStep = ({ step, steps, seconds, preview }: StepReport): void =>
    send({ type: 'step', id, step, steps, seconds, ...(preview && { preview: toPixels(preview) }) });
  try {
    const { image, notices, embeddings: words, openSeconds, stepSeconds, decodeSeconds } = await generate(job, model, { ...pictures, refiner }, {
      vocabulary, embeddings, previewDecoder, now, signal, onStep, sequential: attempt > 1, onPhase: (phase) => send({ type: 'phase', id, phase }),
    });
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    const timings = { openSeconds: prepared + openSeconds, stepSeconds, decodeSeconds, peakBytes };
    return { pixels: toPixels(image), notices, timings, embeddings: words.map(({ name, hash }) => ({ name, hash })) };
  } catch (error) {
    throw error instanceof AppError && error.code === 'weights.notFinite' ? await nameTheTensor(error, wanted.flatMap(pathsOf)) : error;
  }
}

async function readPictures({ job: { width, height }, pictures: { init: initPath, mask: maskPath, depth: depthPath } = {} }: RunMessage): Promise<Pictures> {
  const read = (path: string | undefined, reader: typeof readInitPicture): Promise<Tensor | undefined> =>
    path === undefined ? Promise.resolve(undefined) : reader(path, width, height);
  const [init, mask, depth] = await Promise.all([read(initPath, readInitPicture), read(maskPath, readGreyPicture), read(depthPath, readGreyPicture)]);
  return { init, mask, depth };
}

/** Looks for the broken weights themselves, so that the error says which file and tensor. */
async function nameTheTensor(error: AppError, modelPaths: readonly string[]): Promise<AppError> {
  for (const path of modelPaths) {
    const [first] = await scanNotFinite(await openModel(path), undefined, 1);
    if (!first) continue;
    const { file, tensor, index } = first;
    return new AppError('weights.notFinite', {
      message: `${relative(dirname(path), file)} holds broken weights: ${tensor} has a value that is not a number (element ${index})`,
      data: { file, tensor, index }, cause: error,
      hint: 'Get the file again from its source, or choose another model.',
    });
  }
  const names = modelPaths.map((path) => basename(path)).join(' with ');
  return new AppError('weights.notFinite', {
    message: `${names} answered with values that are not numbers, though ${modelPaths.length > 1 ? 'their' : 'its'} weights are whole`,
    data: { file: modelPaths[0] }, cause: error,
    hint: 'Lower the guidance, or choose another sampler. If it stays, the model itself is damaged.',
  });
}
