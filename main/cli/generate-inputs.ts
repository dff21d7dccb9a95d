// What `generate` is given besides words and numbers: pictures, a second model, parts of the model, and a picture to do as.
import { readFile } from 'node:fs/promises';
import type { ModelEntry } from '../../preload/contract/model';
import type { PictureRequest } from '../../preload/contract/picture-report';
import { AppError } from '../engine/errors';
import type { LocalStudio } from '../services/studio';
import { usageError } from './args';
import { chooseModel, choosePart } from './choose-model';

export interface Size { width: number; height: number }
/** A picture that the command line names, in the studio. */
type Picture = Size & { hash: string };
/** What the command line names besides the model. */
export interface Inputs {
  readonly init?: Picture; readonly mask?: Picture; readonly depth?: Picture;
  readonly refiner?: ModelEntry;
  /** null: the model's own. */
  readonly vae?: ModelEntry | null;
  readonly textEncoders?: readonly ModelEntry[];
}

/** The flags that name them. */
interface Named {
  readonly init?: string | undefined; readonly mask?: string | undefined; readonly depth?: string | undefined; readonly refiner?: string | undefined; readonly vae?: string | undefined;
  readonly 'text-encoder': readonly string[];
}
/** Throws file.*, picture.unreadable, model.* naming the flag. */
export async function openInputs(studio: LocalStudio, { init, mask, depth, refiner, vae, 'text-encoder': texts }: Named): Promise<Inputs> {
  const picture = async (flag: string, path: string | undefined) => (path === undefined ? undefined : addPicture(studio, flag, path));
  return {
    init: await picture('--init', init), mask: await picture('--mask', mask), depth: await picture('--depth', depth),
    refiner: refiner === undefined ? undefined : await chooseModel(studio.models, refiner, '--refiner'),
    vae: vae === undefined ? undefined : vae === 'own' ? null : await choosePart(studio.models, vae, '--vae'),
    textEncoders: await Promise.all(texts.map((file) => choosePart(studio.models, file, '--text-encoder'))),
  };
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
  if (request.model === undefined && model && !hasModel) {
    throw new AppError('model.notFound', { message: `${path} was made with ${model.name || 'a model'}${model.hash ? ` [${model.hash.slice(0, 10)}]` : ''}, which is not among your models.`, hint: 'Put it there, or choose another with --model.', data: { file: path } });
  }
  if (otherVersions.length > 0) process.stderr.write(`Here in another version: ${otherVersions.join(', ')}\n`);
  const missing = report.missing.filter(({ kind, name }) => kind !== 'checkpoint' && !otherVersions.includes(name)).map(({ kind, name }) => `${kind} ${name}`);
  if (leftOut.length + missing.length > 0) process.stderr.write(`Without what is not here or cannot be done yet: ${[...leftOut, ...missing].join(', ')}\n`);
  return request;
}
