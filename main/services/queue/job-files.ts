// The files of a job: the models, parts and pictures that its ids and hashes mean on this machine, now.
import { mapSlots, slotEntries, slotNames, slotOf, slotsFrom, type SlotName, type Slots, type WithModel } from '../../../preload/contract/file-slots';
import type { AnyJob, JobRequest, JobSpec, NamedFile, SlotIds, UpscaleRequest } from '../../../preload/contract/job';
import type { Notice } from '../../../preload/contract/notice';
import type { RunMessage, UpscaleMessage } from '../../worker/protocol';
import type { ModelHashes } from '../models/file-hashes';
import type { AnyFile } from '../models/models';
import type { KnownBeside, KnownFile, ModelChoice, RunnableModel } from '../models/runnable';
import { promptLoras, tagsOfJob } from './prompt-loras';

/** They find the files again while their hashes are not known yet. A part of the model is null, or a list without files, where the model's own is meant. */
export type FileIds = SlotIds;

export interface JobFileServices {
  readonly models: {
    /** A model that can run. Throws model.notFound, or why it cannot be used. */
    runnable(choice: ModelChoice): Promise<RunnableModel>;
    /** A file that is no part of a model. Throws model.notFound, model.wrongPart, or why it cannot be read. */
    file(id: string, slot: SlotName): Promise<KnownBeside>;
    /** The file of a TAESD that shows the steps of models of a family. */
    previewDecoder(family: string): Promise<string | null>;
    /** Every file that is here. */
    known(): Promise<AnyFile[]>;
    /** Waits for the background's hashes. null when the file is gone. */
    allHashes(id: string): Promise<ModelHashes | null>;
  };
  /** The file of a picture that jobs name by its hash. Throws picture.notFound. */
  blobPath(hash: string): Promise<string>;
  /** In pixels. Throws picture.notFound, picture.unreadable. */
  pictureSize(hash: string): Promise<{ width: number; height: number }>;
  /** The folder of trained words (textual inversion). */
  readonly embeddingsPath?: string;
}

/** A job's files as they are here. `model` and `refiner` are the models that those in their slots make, with the parts of theirs. */
export interface JobModels { readonly model: RunnableModel; readonly refiner: RunnableModel | null; readonly loras: readonly KnownBeside[]; readonly files: WithModel<Slots<KnownFile>> }
/** Of any job. */
export interface OpenFiles { readonly model: RunnableModel | null; readonly files: Slots<KnownFile> }
type Paths = Pick<RunMessage, 'files' | 'pictures' | 'previewPath' | 'embeddingsPath' | 'imageEncoders'>;

export class JobFiles {
  private readonly services: JobFileServices;

  constructor(services: JobFileServices) { this.services = services; }

  /** Throws model.notFound, picture.notFound, or why a model cannot be used. */
  async ofRequest(request: JobRequest): Promise<JobModels & { ids: FileIds }> {
    const models = await this.resolve(request.files);
    await this.picturePaths(request);
    return { ...models, ids: { ...ownParts, ...mapSlots(models.files, ({ id }) => id) } };
  }

  /** With what the job's prompt calls up. */
  async withPromptLoras(job: JobSpec, ids: FileIds, model: RunnableModel): Promise<{ spec: JobSpec; fileIds: FileIds; notices: readonly Notice[] }> {
    const tags = tagsOfJob(job);
    if (tags.length === 0) return { spec: job, fileIds: ids, notices: [] };
    const { uses, files, notices } = promptLoras(tags, await this.services.models.known(), model);
    if (uses.length === 0) return { spec: job, fileIds: ids, notices };
    return {
      spec: { ...job, loras: [...job.loras ?? [], ...uses], files: { ...job.files, loras: [...job.files.loras ?? [], ...files.map(({ name, hash }) => ({ name, hash }))] } },
      fileIds: { ...ids, loras: [...ids.loras ?? [], ...files.map(({ id }) => id)] }, notices,
    };
  }

  /** The files of a picture that is to be made larger, and how large it is. Throws model.notFound, model.wrongPart, picture.notFound. */
  async ofUpscale({ upscaler: id, init }: UpscaleRequest): Promise<{ upscaler: KnownBeside; size: { width: number; height: number }; ids: FileIds }> {
    return { upscaler: await this.services.models.file(id, 'upscaler'), size: await this.services.pictureSize(init), ids: { upscaler: id } };
  }

  /** What a worker is told of the job's files, some time later. */
  async message(ids: FileIds, job: AnyJob): Promise<{ files: OpenFiles; message: Pick<UpscaleMessage, 'type' | 'job' | 'upscaler' | 'picture'> | Pick<RunMessage, 'type' | 'job'> & Paths }> {
    if (job.kind === 'upscale') {
      const upscaler = await this.services.models.file(ids.upscaler ?? '', 'upscaler');
      return { files: { model: null, files: { upscaler } }, message: { type: 'upscale', job, upscaler: upscaler.path, picture: await this.services.blobPath(job.init) } };
    }
    const { paths, ...files } = await this.open(ids, job);
    return { files, message: { type: 'run', job, ...paths } };
  }

  private async open(ids: FileIds, job: JobSpec): Promise<JobModels & { paths: Paths }> {
    const models = await this.resolve({ ...ids, model: ids.model ?? '' }), { embeddingsPath } = this.services;
    const paths = {
      files: mapSlots(models.files, ({ path }) => path), previewPath: await this.services.models.previewDecoder(models.model.family) ?? undefined, embeddingsPath,
      pictures: await this.picturePaths(job), ...(ids.controls && { imageEncoders: (await this.services.models.known()).flatMap(({ entry: { kind, path } }) => (kind === 'clip-vision' ? [path] : [])) }),
    };
    return { ...models, paths };
  }

  /** The job as the picture tells it: its files by their content. */
  async withHashes<J extends AnyJob>(job: J, { files }: OpenFiles): Promise<J> {
    const { models } = this.services;
    const hashed = slotEntries(files).map(async ([slot, { name, hash, id }]): Promise<[SlotName, NamedFile]> => {
      const hashes = hash === null || slot === 'loras' ? await models.allHashes(id) : null;
      return [slot, { name, hash: hash ?? hashes?.sha256 ?? null, ...(slot === 'loras' && hashes && { autov3: hashes.autov3 }) }];
    });
    return { ...job, files: { ...job.files, ...slotsFrom(await Promise.all(hashed)) } };
  }

  /** The files of all slots, each once. */
  private async resolve({ model: id, refiner: second, ...rest }: WithModel<SlotIds>): Promise<JobModels> {
    const { models } = this.services, isPart = ([slot]: [SlotName, unknown]): boolean => slotOf(slot).partOf !== undefined, ids = slotEntries<string | null>(rest);
    const model = await models.runnable({ ...slotsFrom(ids.filter(isPart)) as SlotIds, model: id }), refiner = second ? await models.runnable({ model: second }) : null;
    const found = ids.filter((entry) => !isPart(entry)).map(async ([slot, other]): Promise<[SlotName, KnownBeside][]> => (other === null ? [] : [[slot, await models.file(other, slot)]]));
    const beside = (await Promise.all(found)).flat(), loras = beside.flatMap(([slot, file]) => (slot === 'loras' ? [file] : []));
    return { model, refiner, loras, files: { ...model.parts, model, ...(refiner && { refiner }), ...slotsFrom(beside) } };
  }

  private async picturePaths({ init, mask, depth, reference, controls = [] }: Pick<JobSpec, 'init' | 'mask' | 'depth' | 'controls' | 'reference'>): Promise<NonNullable<Paths['pictures']>> {
    const path = async (hash: string | undefined) => (hash === undefined ? undefined : this.services.blobPath(hash));
    const steering = await Promise.all(controls.map(async (control) => ({ image: await this.services.blobPath(control.image), mask: await path(control.mask) })));
    return { init: await path(init), mask: await path(mask), depth: await path(depth), reference: await path(reference?.image), ...(steering.length > 0 && { controls: steering }) };
  }
}

/** The model's own of each, whatever goes with it later. */
const ownParts: SlotIds = Object.fromEntries(slotNames.filter((name) => slotOf(name).partOf).map((name) => [name, slotOf(name).most === undefined ? null : []]));
