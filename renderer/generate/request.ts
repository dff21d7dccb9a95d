// From the form to a request, and from a finished picture back to the form.
import type { JobRequest, JobSpec } from '../../preload/contract/job';
import type { ModelEntry } from '../../preload/contract/model';
import type { PictureRecord } from '../../preload/contract/picture';
import { api, errorInfoOf } from '../api';
import { t } from '../i18n';
import { refinersFor } from '../models/refiners';
import { queryClient } from '../queries';
import { useJobs } from '../queue/jobs';
import { follow } from '../stage/view';
import { toast } from '../ui/toasts';
import { setForm, useForm, type FormValues, type InputPicture } from './form';

function requestOf(form: FormValues, model: string): JobRequest {
  const { prompt, negative, steps, sampler, schedule, cfg, width, height, clipSkip, noise, strength, count, init, seed, nearby, variationSeed, switchAt, carried } = form;
  const keep = form.seedMode === 'keep';
  const refiner = refinersFor(knownModels(), model).find(({ id }) => id === form.refiner);
  return {
    model, prompt, negative, steps, sampler, schedule, cfg, width, height, clipSkip, noise, strength, count, seed: keep ? seed : null, ...carried,
    ...(init && { init: init.hash, ...(init.mask && { mask: init.mask.hash }) }),
    ...(keep && nearby > 0 && { variation: { seed: variationSeed, strength: nearby } }),
    ...(refiner && { refiner: { model: refiner.id, switchAt } }),
  };
}

/** Asks for what the form says. Does nothing while there is no model to ask. */
export async function generate(): Promise<void> {
  const form = useForm.getState();
  if (form.model) await enqueue(requestOf(form, form.model));
}

/** The same settings as a picture's, with another seed. The form stays as it is. */
export async function moreLike({ job }: PictureRecord): Promise<void> {
  const request = requestFrom(job);
  if (request) await enqueue({ ...request, seed: null, variation: undefined });
}

/** Puts all that made a picture into the form, its seed too. */
export function reuse(job: JobSpec): void {
  const { prompt, negative, seed, steps, sampler, schedule, cfg, width, height, clipSkip, noise, init, mask, variation } = job;
  const { model, refiner, missing } = modelsOf(job);
  const { cfgRescale, imageCfg, prediction, ensd, emphasis, depth } = job;
  const carried = Object.entries({ cfgRescale, imageCfg, prediction, ensd, emphasis, depth }).filter(([, value]) => value !== undefined);
  const picture = (hash: string): InputPicture => ({ hash, width, height, thumbnail: null });
  setForm({
    prompt, negative, seed, seedMode: 'keep', steps, sampler, schedule, cfg, width, height, clipSkip, noise,
    nearby: variation?.strength ?? 0, variationSeed: variation?.seed ?? null,
    init: init ? { ...picture(init), ...(mask && { mask: picture(mask) }) } : null, refiner: refiner?.id ?? null, ...(job.refiner && { switchAt: job.refiner.switchAt }),
    ...(job.strength !== undefined && { strength: job.strength }), ...(model && { model: model.id }),
    carried: carried.length > 0 ? Object.fromEntries(carried) : null,
  });
  toast(missing ? t('errors.modelGone', { name: missing.name }) : t('actions.reused'));
}

/** Once more what a failed job was to do, to the bit. */
export async function retry(job: JobSpec): Promise<void> {
  const request = requestFrom(job);
  if (request) await enqueue(request);
}

/** null, and a word to the user, when a model that the job names is not there. */
function requestFrom({ version: _version, kind: _kind, ...job }: JobSpec): JobRequest | null {
  const { model, refiner, missing } = modelsOf(job);
  if (model && !missing) return { ...job, model: model.id, refiner: refiner && job.refiner && { ...job.refiner, model: refiner.id }, strength: job.strength ?? 1, count: 1 };
  toast(t('errors.modelGone', { name: missing?.name ?? job.model.name }));
  return null;
}

/** The queue's events bring the jobs; the answer is only waited for. */
async function enqueue(request: JobRequest): Promise<void> {
  follow();
  useJobs.setState({ problem: null });
  try {
    await api.queue.enqueue.mutate(request);
  } catch (thrown) {
    useJobs.setState({ problem: { error: errorInfoOf(thrown), job: null } });
  }
}

const knownModels = (): readonly ModelEntry[] => queryClient.getQueryData<ModelEntry[]>(['models']) ?? [];

/** `missing`: the first that the job names and that is not there. */
function modelsOf({ model: named, refiner: namedRefiner }: Pick<JobSpec, 'model' | 'refiner'>) {
  const model = modelOf(named), refiner = namedRefiner && modelOf(namedRefiner.model);
  return { model, refiner, missing: !model ? named : namedRefiner && !refiner ? namedRefiner.model : null };
}

/** The model that a job names, by its hash, else by its name while a file has not been hashed. */
function modelOf({ name, hash }: JobSpec['model']): ModelEntry | undefined {
  const models = knownModels().filter((model) => model.runnable);
  return models.find((model) => hash !== null && model.hash === hash) ?? models.find((model) => model.name === name);
}
