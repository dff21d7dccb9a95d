// One model file as the studio knows it: what its header tells, as the window lists it and as `inspect` shows it. Reads no weights.
import { createHash } from 'node:crypto';
import { basename, extname } from 'node:path';
import { stat } from 'node:fs/promises';
import type { ModelEntry, ModelKind } from '../../../preload/contract/model';
import { toAppError, type AppError } from '../../engine/errors';
import { identify, whyNotRunnable, type Identity } from '../../engine/families/identify';
import type { WeightFile } from '../../engine/weights/source';
import { openWeightFile } from '../../worker/files';

/** What comes with the model besides its file; the built-in one brings it. */
export type ModelNotes = Partial<Pick<ModelEntry, 'name' | 'examples' | 'defaults'>>;

export interface ModelFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  /** null when the file could not be read; `entry.error` says why. */
  readonly weights: WeightFile | null;
  readonly identity: Identity | null;
  readonly entry: ModelEntry;
  /** Why it cannot make pictures. */
  readonly error: AppError | null;
}

/** `path` is a real path. Throws file.notFound; anything wrong inside the file becomes its `error`. */
export async function describeModel(path: string, sizeBytes: number, mtimeMs: number, builtIn: boolean, notes: ModelNotes): Promise<ModelFile> {
  let weights: WeightFile | null = null, identity: Identity | null = null, error: AppError | null;
  try {
    weights = await openWeightFile(path);
    identity = identify(weights);
    error = whyNotRunnable(weights);
  } catch (thrown) {
    error = toAppError(thrown);
  }
  const entry: ModelEntry = {
    id: modelId(path), name: basename(path, extname(path)), path, sizeBytes, hash: null, family: identity?.family ?? null, runnable: error === null,
    error: error?.toInfo() ?? null, nativeSize: nativeSize(identity), examples: [], defaults: {}, builtIn, ...notes,
  };
  return { path, sizeBytes, mtimeMs, weights, identity, entry, error };
}

/** Size and time of change, by which a file is known to be the same. */
export async function stampOf(path: string): Promise<{ sizeBytes: number; mtimeMs: number } | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() ? { sizeBytes: found.size, mtimeMs: found.mtimeMs } : null;
}

export const modelId = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 16);

/** Files that belong beside a model are not models: they are listed where they are used. */
const adapters: readonly ModelKind[] = ['text-encoder', 'vae', 'taesd', 'lora', 'embedding', 'hypernetwork', 'controlnet', 't2i-adapter', 'ip-adapter',
  'clip-vision', 'upscaler', 'motion-module'];
/** Endings that many things have besides models: what cannot be read there is none. */
const sharedEndings = ['.pt', '.pth', '.bin'];
export const isListed = ({ identity, path }: ModelFile): boolean => {
  const kind = identity?.kind ?? null, isShared = sharedEndings.includes(extname(path).toLowerCase());
  return isShared ? kind === 'checkpoint' || kind === 'unet' : kind === null || !adapters.includes(kind);
};

/** What the families were trained at; SD 2's 768 models predict v. */
function nativeSize(identity: Identity | null): ModelEntry['nativeSize'] {
  const stated = identity?.metadata['atelier.native_size'] ?? identity?.metadata['modelspec.resolution'];
  const [, width, height] = /^(\d{2,4})(?:x(\d{2,4}))?$/.exec(stated ?? '') ?? [];
  if (width) return { width: Number(width), height: Number(height ?? width) };
  const side = identity?.family === 'sdxl' || identity?.family === 'sdxl-refiner' ? 1024 : identity?.family === 'sd2' && identity.prediction === 'v' ? 768 : 512;
  return { width: side, height: side };
}
