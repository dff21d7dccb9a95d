// The files of a job: the models, parts and pictures that its ids and hashes mean on this machine, now.
import { mapSlots, slotEntries, slotNames, slotOf, slotsFrom, type SlotName, type Slots, type WithModel } from '../../../preload/contract/file-slots';
import type { JobRequest, JobSpec, NamedFile, SlotIds } from '../../../preload/contract/job';
import type { RunMessage } from '../../worker/protocol';
import type { KnownFile, ModelChoice, RunnableModel } from '../models/runnable';

/** They find the files again while their hashes are not known yet. A part of the model is null, or a list without files, where the model's own is meant. */
export type FileIds = WithModel<SlotIds>;

export interface JobFileServices {
  readonly models: {
    /** A model that can run. Throws model.notFound, or why it cannot be used. */
    runnable(choice: ModelChoice): Promise<RunnableModel>;
    /** The file of a TAESD that shows the steps of models of a family. */
    previewDecoder(family: string): Promise<string | null>;
    /** Waits for the background's hash. null when the file is gone. */
    hash(id: string): Promise<string | null>;
  };
  /** The file of a picture that jobs name by its hash. Throws picture.notFound. */
  blobPath(hash: string): Promise<string>;
  /** The folder of trained words (textual inversion). */
  readonly embeddingsPath?: string;
}

/** A job's files as they are here. `model` and `refiner` are the models that those in their slots make, with the parts of theirs. */
export interface JobModels { readonly model: RunnableModel; readonly refiner: RunnableModel | null; readonly files: WithModel<Slots<KnownFile>> }
type Paths = Omit<RunMessage, 'type' | 'id' | 'job' | 'attempt'>;

export class JobFiles {
  private readonly services: JobFileServices;

  constructor(services: JobFileServices) { this.services = services; }

  /** Throws model.notFound, picture.notFound, or why a model cannot be used. */
  async ofRequest(request: JobRequest): Promise<JobModels & { ids: FileIds }> {
    const models = await this.resolve(request.files);
    await this.picturePaths(request);
    return { ...models, ids: { ...ownParts, ...mapSlots(models.files, ({ id }) => id) } };
  }

  /** The same, some time later, and where all of it lies. */
  async open(ids: FileIds, job: JobSpec): Promise<JobModels & { paths: Paths }> {
    const models = await this.resolve(ids), { embeddingsPath } = this.services;
    const paths = {
      files: mapSlots(models.files, ({ path }) => path), previewPath: await this.services.models.previewDecoder(models.model.family) ?? undefined, embeddingsPath,
      pictures: await this.picturePaths(job),
    };
    return { ...models, paths };
  }

  /** The job as the picture tells it: its files by their content. */
  async withHashes(job: JobSpec, { files }: JobModels): Promise<JobSpec> {
    const hashed = slotEntries(files).map(async ([slot, { name, hash, id }]): Promise<[SlotName, NamedFile]> => [slot, { name, hash: hash ?? await this.services.models.hash(id) }]);
    return { ...job, files: { ...job.files, ...slotsFrom(await Promise.all(hashed)) } };
  }

  /** The files of all slots, each once. */
  private async resolve({ model: id, refiner: second, ...parts }: FileIds): Promise<JobModels> {
    const { models } = this.services;
    const model = await models.runnable({ model: id, ...parts }), refiner = second ? await models.runnable({ model: second }) : null;
    return { model, refiner, files: { ...model.parts, model, ...(refiner && { refiner }) } };
  }

  private async picturePaths({ init, mask, depth }: Pick<JobSpec, 'init' | 'mask' | 'depth'>): Promise<NonNullable<Paths['pictures']>> {
    const path = async (hash: string | undefined) => (hash === undefined ? undefined : this.services.blobPath(hash));
    return { init: await path(init), mask: await path(mask), depth: await path(depth) };
  }
}

/** The model's own of each, whatever goes with it later. */
const ownParts: SlotIds = Object.fromEntries(slotNames.filter((name) => slotOf(name).partOf).map((name) => [name, slotOf(name).most === undefined ? null : []]));
