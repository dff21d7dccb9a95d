// What `generate` is given besides words and numbers: pictures, a second model, parts of the model, and a picture to do as.
import { readFile } from 'node:fs/promises';
import { slotNames, slotOf, slotsFrom, type SlotName } from '../../preload/contract/file-slots';
import type { SlotIds } from '../../preload/contract/job';
import type { PictureRequest } from '../../preload/contract/picture-report';
import { AppError } from '../engine/errors';
import type { LocalStudio } from '../services/studio';
import { usageError } from './args';
import { chooseFile } from './choose-model';

export interface Size { width: number; height: number }
/** A picture that the command line names, in the studio. */
type Picture = Size & { hash: string };
/** What the command line names besides the model. */
export interface Inputs {
  readonly init?: Picture; readonly mask?: Picture; readonly depth?: Picture;
  /** By slot; null: the model's own. */
  readonly files?: SlotIds;
}

/** The flags that name them. */
interface Named {
  readonly init?: string | undefined; readonly mask?: string | undefined; readonly depth?: string | undefined;
  readonly [flag: string]: unknown;
}

/** Throws file.*, picture.unreadable, model.* naming the flag. */
export async function openInputs(studio: LocalStudio, { init, mask, depth, ...flags }: Named): Promise<Inputs> {
  const picture = async (flag: string, path: string | undefined) => (path === undefined ? undefined : addPicture(studio, flag, path));
  return { init: await picture('--init', init), mask: await picture('--mask', mask), depth: await picture('--depth', depth), files: await openFiles(studio, flags) };
}

/** The files besides the model. */
async function openFiles(studio: LocalStudio, flags: Readonly<Record<string, unknown>>): Promise<SlotIds> {
  const files: [SlotName, string | null][] = [];
  for (const slot of slotNames) {
    const { flag } = slotOf(slot);
    if (slot === 'model' || flag === undefined) continue;
    for (const named of [flags[flag]].flat()) if (typeof named === 'string') files.push([slot, named === 'own' ? null : (await chooseFile(studio.models, slot, named)).id]);
  }
  return slotsFrom(files) as SlotIds;
}

/** Reads the picture into the studio. */
async function addPicture(studio: LocalStudio, flag: string, path: string): Promise<Picture> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError(cause.code === 'ENOENT' ? 'file.notFound' : 'file.unreadable', { message: `${flag} ${path} cannot be read: ${cause.message}`, hint: 'Check the path of the picture.', data: { file: path }, cause });
  });
  return studio.blobs.add(bytes).catch((cause: unknown) => {
    throw cause instanceof AppError ? new AppError(cause.code, { message: `${flag} ${path}: ${cause.message}`, hint: cause.hint, data: { ...cause.data, file: path }, cause }) : cause;
  });
}

/** What a picture says of how it was made. Throws model.notFound naming its model where that is not here and no other is chosen. */
export async function readLike(studio: LocalStudio, path: string, hasModel: boolean): Promise<PictureRequest> {
  const { hash } = await addPicture(studio, '--from', path);
  const { report, request, otherVersions, leftOut } = await studio.pictures.read(hash);
  if (!request) throw usageError(`--from ${path} says nothing of how it was made.`, 'Choose a picture that another program or Atelier saved with its settings, or give --prompt.');
  const model = report.job?.model;
  if (request.files?.model === undefined && model && !hasModel) {
    throw new AppError('model.notFound', { message: `${path} was made with ${model.name || 'a model'}${model.hash ? ` [${model.hash.slice(0, 10)}]` : ''}, which is not among your models.`, hint: 'Put it there, or choose another with --model.', data: { file: path } });
  }
  if (otherVersions.length > 0) process.stderr.write(`Here in another version: ${otherVersions.join(', ')}\n`);
  const missing = report.missing.filter(({ kind, name }) => kind !== 'checkpoint' && !otherVersions.includes(name)).map(({ kind, name }) => `${kind} ${name}`);
  if (leftOut.length + missing.length > 0) process.stderr.write(`Without what is not here or cannot be done yet: ${[...leftOut, ...missing].join(', ')}\n`);
  return request;
}
