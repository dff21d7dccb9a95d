// The upscalers that come with Atelier (docs/notes/small-networks.md), listed like files of the user's. Not ×8, which draws what it cannot know: that is done in two rounds.
import { join } from 'node:path';
import { AppError } from '../../engine/errors';
import type { Identity } from '../../engine/identify/identify';
import { embeddedUpscalers } from '../../files/embedded-models';
import type { Stamp } from '../../files/stamp';
import { fileOf, type ModelFile } from './describe';

/** By their weights' files, below the folder of the models that come along. */
export const builtInUpscalers = (folder: string): Map<string, number> => new Map(embeddedUpscalers.map(({ weights, scale }) => [join(folder, weights), scale]));

const TENSORS = 24;

export const upscalerName = (scale: number): string => `ESRGAN slim ×${scale}`;

export function upscalerFile(path: string, stamp: Stamp, scale: number): ModelFile {
  const identity: Identity = {
    kind: 'upscaler', family: null, variant: null, prediction: null, precision: 'fp32', parameters: stamp.sizeBytes / 4, tensors: TENSORS, sizeBytes: stamp.sizeBytes, metadata: {}, scale, confidence: 1, problems: [], runnable: false,
  };
  return fileOf({ path, stamp, builtIn: true, notes: { name: upscalerName(scale) } }, { weights: null, identity, fitness: { lacks: [], error: new AppError('model.notACheckpoint', { why: 'kind', file: path, kind: 'upscaler' }) } });
}
