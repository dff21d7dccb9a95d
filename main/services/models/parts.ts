// Files that stand beside a model: autoencoders and text encoders in place of its own, adapters, controls, upscalers; and which of them belongs to which model.
import { basename, dirname, extname, join } from 'node:path';
import type { ModelEntry, ModelKind } from '../../../preload/contract/model';
import { slotNames, slotOf, type SlotName } from '../../../preload/contract/file-slots';
import { AppError } from '../../engine/errors';
import { modelId, type ModelFile } from './describe';

/** What a job names in a slot of its own beside models, which have theirs. */
const partKinds: readonly (ModelKind | null)[] = slotNames.map(slotOf).filter(({ fromWords }) => !fromWords).flatMap(({ kinds }) => kinds).filter((kind) => kind !== 'checkpoint' && kind !== 'unet');

export const isPart = ({ kind }: Pick<ModelEntry, 'kind'>): boolean => partKinds.includes(kind);

/** The id of the VAE that bears the model's name and lies beside it. */
export function vaeBeside(path: string, files: ReadonlyMap<string, ModelFile>): string | null {
  const stem = join(dirname(path), basename(path, extname(path)));
  const ids = ['.vae.safetensors', '.vae.pt', '.vae.ckpt'].map((ending) => modelId(stem + ending));
  return ids.find((id) => files.get(id)?.identity?.kind === 'vae') ?? null;
}

/** A TAESD that shows the steps of a model of this family. SD 1's and SDXL's are alike in all but their weights, so that the name decides. */
export function previewDecoderFor(family: string, files: Iterable<ModelFile>): string | null {
  const isForXl = (path: string): boolean => /xl/i.test(join(basename(dirname(path)), basename(path)));
  for (const { showsSteps, path } of files) {
    if (showsSteps && isForXl(path) === family.startsWith('sdxl')) return path;
  }
  return null;
}

/** The file of a part was there when it was chosen. */
export const partGone = (slot: SlotName, model: string, cause: unknown): AppError => new AppError('model.notFound', { why: 'slot', slot, model }, { cause });
