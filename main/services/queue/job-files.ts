// The files of a job: the models, parts and pictures that its ids and hashes mean on this machine, now.
import type { JobRequest, JobSpec } from '../../../preload/contract/job';
import type { RunMessage } from '../../worker/protocol';
import type { KnownFile, ModelChoice, RunnableModel } from '../models/runnable';

/** They find the files again while their hashes are not known yet. */
export interface FileIds { readonly modelId: string; readonly refinerId: string | null; readonly vaeId: string | null; readonly textEncoderIds: readonly string[] }

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

interface JobModels { readonly model: RunnableModel; readonly refiner: RunnableModel | null }
type Paths = Omit<RunMessage, 'type' | 'id' | 'job' | 'attempt'>;

export class JobFiles {
  private readonly services: JobFileServices;

  constructor(services: JobFileServices) { this.services = services; }

  /** Throws model.notFound, picture.notFound, or why a model cannot be used. */
  async ofRequest(request: JobRequest): Promise<JobModels & { ids: FileIds }> {
    const { models } = this.services;
    const model = await models.runnable(request), refiner = request.refiner ? await models.runnable({ model: request.refiner.model }) : null;
    await this.picturePaths(request);
    return { model, refiner, ids: { modelId: model.id, refinerId: refiner?.id ?? null, vaeId: model.vae?.id ?? null, textEncoderIds: model.textEncoders.map(({ id }) => id) } };
  }

  /** The same, some time later, and where all of it lies. */
  async open({ modelId, refinerId, vaeId, textEncoderIds }: FileIds, job: JobSpec): Promise<JobModels & { paths: Paths }> {
    const { models, embeddingsPath } = this.services;
    const model = await models.runnable({ model: modelId, vae: vaeId, textEncoders: textEncoderIds });
    const refiner = refinerId === null ? null : await models.runnable({ model: refinerId });
    const paths = {
      modelPath: model.path, refinerPath: refiner?.path, vaePath: model.vae?.path, textEncoderPaths: model.textEncoders.map(({ path }) => path),
      previewPath: await models.previewDecoder(model.family) ?? undefined, embeddingsPath, ...await this.picturePaths(job),
    };
    return { model, refiner, paths };
  }

  /** The job as the picture tells it: its files by their content. */
  async withHashes(job: JobSpec, { refinerId }: FileIds, { vae, textEncoders, ...model }: RunnableModel): Promise<JobSpec> {
    const { models } = this.services;
    const named = async (name: string, hash: string | null, id: string) => ({ name, hash: hash ?? await models.hash(id) });
    const known = ({ name, hash, id }: KnownFile) => named(name, hash, id);
    return {
      ...job, model: await named(job.model.name, model.hash, model.id), ...(vae && { vae: await known(vae) }),
      ...(textEncoders.length > 0 && { textEncoders: await Promise.all(textEncoders.map(known)) }),
      ...(job.refiner && refinerId !== null && { refiner: { ...job.refiner, model: await named(job.refiner.model.name, job.refiner.model.hash, refinerId) } }),
    };
  }

  private async picturePaths({ init, mask, depth }: Pick<JobSpec, 'init' | 'mask' | 'depth'>): Promise<Pick<Paths, 'initPath' | 'maskPath' | 'depthPath'>> {
    const path = async (hash: string | undefined) => (hash === undefined ? undefined : this.services.blobPath(hash));
    return { initPath: await path(init), maskPath: await path(mask), depthPath: await path(depth) };
  }
}
