// One job on this worker: models, the pictures that it brings, the engine's pipeline, pixels.
import type { ErrorInfo } from '../../preload/contract/errors';
import { AppError, toAppError } from '../engine/errors';
import type { ControlNetwork, OpenControl } from '../engine/pipeline/control';
import type { Pictures } from '../engine/pipeline/extra-channels';
import { generate, type Generated, type StepReport } from '../engine/pipeline/generate';
import type { ImageAdapter, ImagePrompt } from '../engine/pipeline/image-prompt';
import { decodePassState, type PassState } from '../engine/pipeline/pass-state';
import type { Inputs } from '../engine/pipeline/passes';
import type { OpenReference } from '../engine/pipeline/reference';
import { Tokenizer } from '../engine/text/tokenizer';
import type { Tensor } from '../engine/tensor';
import { controlPicture, middleOf, partOf } from '../engine/vision/control-picture';
import type { Vision } from '../engine/vision/vision';
import { decodePicture } from '../files/decode-picture';
import { openEmbeddings } from './embeddings/embeddings';
import { readCanvas, readGreyPart, readGreyPicture, readInitPicture, toPixels } from './init-picture';
import { versionOf } from '../files/stamp';
import { scanNotFinite } from '../files/weight-file';
import { HandOver } from './hand-over';
import { openLoras } from './loras';
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

export async function runJob(message: RunMessage, models: ModelCache, signal: AbortSignal, send: (message: FromWorker) => void, handOver = new HandOver(message, send)): Promise<Made> {
  const { id, job, sparing, embeddingsPath } = message;
  const began = now();
  send({ type: 'phase', id, phase: 'loading' });
  const { refiner: second, upscaler: enlarging, controls: steering = [], loras: loraPaths = [], imageEncoders = message.imageEncoders ?? [], ...first } = message.files;
  const wanted = [first, ...(second === undefined ? [] : [{ model: second }])] as const;
  const [[model, refiner], pictures, vocabulary, loras] = await Promise.all([models.get(...wanted), readPictures(message), clipTokenizer(), openLoras(loraPaths)]);
  // Previews are a comfort: without a sound file for them, the job does without.
  const previewDecoder = message.previewPath === undefined ? undefined : await models.previewDecoder(message.previewPath).catch(() => undefined);
  const upscaler = enlarging === undefined ? undefined : await models.upscaler(enlarging);
  const { controls, images } = await openControls(message, (path) => models.imageAdapter(path, imageEncoders, model), (path) => models.control(path, first, model), models.vision);
  const embeddings = embeddingsPath === undefined ? undefined : await openEmbeddings(embeddingsPath, vocabulary);
  const prepared = now() - began;
  const allPaths = [...wanted.flatMap(pathsOf), ...loraPaths];
  const versions = (await Promise.all([...allPaths, ...(enlarging === undefined ? [] : [enlarging]), ...steering, ...(images.length > 0 ? imageEncoders : [])].map(versionOf))).join();
  const onStep = ({ step, steps, seconds, preview, state }: StepReport): void => {
    send({ type: 'step', id, step, steps, seconds, ...(preview && { preview: toPixels(preview) }) });
    handOver.take(state);
  };
  const make = (resume?: PassState): Promise<Generated> => generate(job, model, { ...pictures, refiner, upscaler, controls, images, reference: openReference(message), loras, find: (...what) => models.vision.boxes(...what) }, {
    vocabulary, embeddings, previewDecoder, now, signal, onStep, resume, versions, sequential: sparing, onPhase: (phase) => {
      send({ type: 'phase', id, phase });
      if (resume && phase === 'running') send({ type: 'resumed', id, step: resume.done, steps: resume.steps });
    },
  });
  try {
    const { image, notices, embeddings: words, openSeconds, stepSeconds, decodeSeconds } = await goOn(message, make, (why) => send({ type: 'startedOver', id, why }));
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    const timings = { openSeconds: prepared + openSeconds, stepSeconds, decodeSeconds, peakBytes };
    return { pixels: toPixels(image), notices, timings, embeddings: words.map(({ name, hash }) => ({ name, hash })) };
  } catch (error) {
    throw error instanceof AppError && error.code === 'weights.notFinite' ? await nameTheTensor(error, allPaths) : error;
  } finally {
    await models.vision.close();
  }
}

/** From the state that came with the job, where there is one that it can go on from. */
async function goOn({ state }: RunMessage, make: (resume?: PassState) => Promise<Generated>, startedOver: (why: ErrorInfo) => void): Promise<Generated> {
  if (state) {
    try {
      return await make(await decodePassState(state, 'The kept steps'));
    } catch (error) {
      const why = toAppError(error).info;
      if (why.code !== 'pass.unreadable' && why.code !== 'pass.stale') throw error;
      startedOver(why);
    }
  }
  return make();
}

async function readPictures({ job: { width, height, inpaint, outpaint }, pictures: { init: initPath, mask: maskPath, depth: depthPath } = {} }: RunMessage): Promise<Pick<Inputs, keyof Pictures | 'canvas'>> {
  if (initPath !== undefined && (outpaint || (inpaint && maskPath !== undefined))) {
    return { canvas: await readCanvas({ init: initPath, mask: maskPath, depth: depthPath }, !outpaint && inpaint?.area === 'whole' ? { width, height } : undefined) };
  }
  const read = (path: string | undefined, reader: typeof readInitPicture): Promise<Tensor | undefined> =>
    path === undefined ? Promise.resolve(undefined) : reader(path, width, height);
  const [init, mask, depth] = await Promise.all([read(initPath, readInitPicture), read(maskPath, readGreyPicture), read(depthPath, readGreyPicture)]);
  return { init, mask, depth };
}

async function openControls({ job, files, pictures }: RunMessage, asAdapter: (path: string) => Promise<ImageAdapter | undefined>, asControl: (path: string) => Promise<ControlNetwork>, vision: Vision): Promise<Required<Pick<Inputs, 'controls' | 'images'>>> {
  const controls: OpenControl[] = [], images: ImagePrompt[] = [];
  for (const [i, path] of (files.controls ?? []).entries()) {
    const { image, mask } = pictures!.controls![i]!, settings = job.controls![i]!, { preprocessor, resize } = settings, adapter = await asAdapter(path), made = adapter && resize === 'crop' && !preprocessor ? middleOf : controlPicture;
    const open: Omit<OpenControl, 'network'> = {
      settings, mask: mask === undefined ? undefined : (width, height, part) => (part ? readGreyPart(mask, { width, height }, part) : readGreyPicture(mask, width, height)),
      picture: async (width, height, part) => {
        const whole = await decodePicture(image), picture = part ? partOf(whole, resize, part) : whole;
        return made(picture, part && !adapter ? { preprocessor, resize: 'stretch' } : settings, { width, height }, preprocessor && await vision.seenFor(preprocessor.name, picture));
      },
    };
    if (adapter) images.push({ ...open, network: adapter });
    else controls.push({ ...open, network: await asControl(path) });
  }
  return { controls, images };
}

function openReference({ job: { reference }, pictures }: RunMessage): OpenReference | undefined {
  return reference && { settings: reference, picture: async (width, height) => controlPicture(await decodePicture(pictures!.reference!), reference, { width, height }) };
}

/** Looks for the broken weights themselves, so that the error says which file and tensor. */
async function nameTheTensor(error: AppError, modelPaths: readonly string[]): Promise<AppError> {
  for (const path of modelPaths) {
    const [first] = await scanNotFinite(await openModel(path), undefined, 1);
    if (!first) continue;
    const { file, tensor, index } = first;
    return new AppError('weights.notFinite', { why: 'tensor', file, key: tensor, index }, { cause: error });
  }
  return new AppError('weights.notFinite', { why: 'models', files: [...modelPaths] }, { cause: error });
}
