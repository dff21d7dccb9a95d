// One model file as the studio knows it: what its header tells, as the window lists it and as `inspect` shows it. Reads no weights.
import { createHash } from 'node:crypto';
import { basename, dirname, extname } from 'node:path';
import type { ModelEntry, ModelKind } from '../../../preload/contract/model';
import type { Settings } from '../../../preload/contract/studio';
import { AppError, toAppError } from '../../engine/errors';
import { taesdPart } from '../../engine/families/taesd';
import { identify, type Identity } from '../../engine/identify/identify';
import { fitnessOf, type Fitness } from '../../engine/families/parts';
import type { WeightFile } from '../../engine/weights/source';
import { openModel } from '../../files/model-folder';
import type { Stamp } from '../../files/stamp';
import { isHalfSize, loraSettings, settingsFor } from './usual-settings';

/** What comes with the model besides its file; the built-in one brings it. */
export type ModelNotes = Partial<Pick<ModelEntry, 'name' | 'examples' | 'defaults'>>;

/** A single file or a diffusers folder. */
export interface ModelFile extends Stamp {
  readonly path: string;
  /** null when the file could not be read; `entry.error` says why. */
  readonly identity: Identity | null;
  /** The side of a picture that its settings speak of. */
  readonly trainedSide: number | undefined;
  /** A TAESD that turns latents into pixels. */
  readonly showsSteps: boolean;
  readonly entry: ModelEntry;
  /** Why it cannot make pictures. */
  readonly error: AppError | null;
}

export type Describe = typeof describeModel;

/** `path` is a real path. Throws file.notFound; anything wrong inside the file becomes its `error`. */
export async function describeModel(path: string, stamp: Stamp, builtIn: boolean, notes: ModelNotes): Promise<ModelFile> {
  try {
    const weights = await openModel(path);
    if (weights.tensors.size > MOST_TENSORS) throw new AppError('weights.badHeader', { why: 'tensors', file: path, most: MOST_TENSORS });
    return fileOf({ path, stamp, builtIn, notes }, { weights, identity: identify(weights), fitness: fitnessOf({ file: weights }) });
  } catch (thrown) {
    return fileWithError(path, stamp, builtIn, notes, toAppError(thrown));
  }
}

/** One that could not be looked into. */
export const fileWithError = (...[path, stamp, builtIn, notes, error]: [...Parameters<Describe>, error: AppError]): ModelFile =>
  fileOf({ path, stamp, builtIn, notes }, { weights: null, identity: null, fitness: { lacks: [], error } });

interface Told { readonly path: string; readonly stamp: Stamp; readonly builtIn: boolean; readonly notes: ModelNotes }
interface Found { readonly weights: WeightFile | null; readonly identity: Identity | null; readonly fitness: Fitness }

export function fileOf({ path, stamp, builtIn, notes }: Told, { weights, identity, fitness: { lacks, error } }: Found): ModelFile {
  const name = stamp.isFolder ? folderName(path) : nameOf(path), trainedSide = weights?.config?.side;
  const entry: ModelEntry = {
    id: modelId(path), kind: identity?.kind ?? null, name, path, sizeBytes: stamp.sizeBytes, hash: null,
    family: identity?.family ?? null, variant: identity?.variant ?? null, prediction: identity?.prediction ?? null,
    predictionDoubtful: identity !== null && weights !== null && isDoubtful(weights, identity), runnable: error === null, lacks: [...lacks], besideVae: null, parts: { vae: null, textEncoders: [] },
    error: error?.info ?? null, nativeSize: nativeSize(name, identity, trainedSide), examples: [], defaults: settingsFor(name, weights), builtIn, ...(identity && besideModel(name, identity)), ...notes,
  };
  const showsSteps = identity?.kind === 'taesd' && weights !== null && taesdPart(weights, 'decoder') !== null;
  return { path, ...stamp, identity: identity && { ...identity, metadata: shortOf(identity.metadata) }, trainedSide, showsSteps, entry, error };
}

/** What is told of a file that goes beside a model. */
function besideModel(name: string, { kind, family, confidence, trainedWords, controlKinds, scale, metadata }: Identity): Pick<ModelEntry, 'madeFor' | 'trainedWords' | 'controlKinds' | 'scale' | 'suits'> {
  const suits = kind === 'lora' ? loraSettings([name, metadata['ss_output_name'], metadata['modelspec.title']]) : undefined;
  if (kind === 'upscaler') return scale === undefined ? {} : { scale };
  if (!adapters.includes(kind)) return {};
  return { ...(suits && { suits }), ...(family !== null && confidence >= SURE && { madeFor: family }), ...(trainedWords?.length && { trainedWords: trainedWords.slice(0, MOST_WORDS) }), ...(controlKinds !== undefined && { controlKinds }) };
}
const SURE = 0.85;
/** Where a folder has a single picture all of its tags count. */
const MOST_WORDS = 40;

/** Five times what the largest model with its optimizer has. */
const MOST_TENSORS = 50_000;
/** Trainers write tens of kilobytes. */
const LONGEST_METADATA = 1 << 18;

/** What a header says besides its tensors, without the texts that no person reads. */
function shortOf(metadata: Identity['metadata']): Identity['metadata'] {
  const isLong = (entries: Identity['metadata']): boolean => Object.entries(entries).reduce((sum, [key, value]) => sum + key.length + value.length, 0) > LONGEST_METADATA;
  return isLong(metadata) ? Object.fromEntries(Object.entries(metadata).filter(([key, value]) => key.length + value.length < 1000).slice(0, 200)) : metadata;
}

/** The entry with what the user said of the model, and with its hash once that is known. */
export function entryOf({ entry, identity, trainedSide }: ModelFile, hash: string | null, { modelSettings }: Settings): ModelEntry {
  const said = modelSettings[entry.id]?.prediction;
  if (!said || !identity || identity.prediction === null) return { ...entry, hash };
  return { ...entry, hash, prediction: said, nativeSize: nativeSize(entry.name, { ...identity, prediction: said }, trainedSide) };
}

/** The same weights may be meant either way where nothing in the file says which. */
const isDoubtful = (weights: WeightFile, { prediction, confidence }: Identity): boolean =>
  prediction !== null && confidence < identify(weights, { prediction }).confidence;

/** In Hugging Face's cache, models--<owner>--<name>/snapshots/<commit>, the folder's own name says nothing. */
const folderName = (path: string): string => /^models--(?:.+--)?(.+)$/.exec(basename(dirname(dirname(path))))?.[1] ?? basename(path);

/** Names that every repository gives to its networks; the folder's is the one that people know. */
const nameOf = (path: string): string => {
  const name = basename(path, extname(path));
  return /^(?:diffusion_pytorch_model|pytorch_model|open_clip_pytorch_model|model)(?:\.(?:fp16|bf16|fp32|non_ema))?$/.test(name) ? folderName(dirname(path)) : name;
};

export const modelId = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 16);

/** Files that belong beside a model are not models: they are listed where they are used. */
const adapters: readonly ModelKind[] = ['text-encoder', 'vae', 'taesd', 'lora', 'embedding', 'hypernetwork', 'controlnet', 't2i-adapter', 'ip-adapter',
  'clip-vision', 'upscaler', 'motion-module'];
/** Endings that many things have besides models: what cannot be read there is none. */
const sharedEndings = ['.pt', '.pth', '.bin'];
export const isListed = ({ identity, path, isFolder }: ModelFile): boolean => {
  const kind = identity?.kind ?? null, isShared = !isFolder && sharedEndings.includes(extname(path).toLowerCase());
  return isShared ? kind === 'checkpoint' || kind === 'unet' : kind === null || !adapters.includes(kind);
};

/** What the families were trained at; SD 2's 768 models predict v. */
function nativeSize(name: string, identity: Pick<Identity, 'metadata' | 'family' | 'prediction'> | null, trained: number | undefined): ModelEntry['nativeSize'] {
  if (trained !== undefined) return { width: trained, height: trained };
  const stated = identity?.metadata['atelier.native_size'] ?? identity?.metadata['modelspec.resolution'];
  const [, width, height] = /^(\d{2,4})(?:x(\d{2,4}))?$/.exec(stated ?? '') ?? [];
  if (width) return { width: Number(width), height: Number(height ?? width) };
  const side = identity?.family?.startsWith('sdxl') ? (isHalfSize(name) ? 512 : 1024) : identity?.family === 'sd2' && identity.prediction === 'v' ? 768 : 512;
  return { width: side, height: side };
}
