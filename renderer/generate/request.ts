// From the form to a request, and from a finished picture back to the form.
import type { JobRequest, JobSpec } from '../../preload/contract/job';
import type { ModelEntry } from '../../preload/contract/model';
import type { PictureRecord } from '../../preload/contract/picture';
import { api, errorInfoOf } from '../api';
import { t } from '../i18n';
import { queryClient } from '../queries';
import { useJobs } from '../queue/jobs';
import { follow } from '../stage/view';
import { toast } from '../ui/toasts';
import { setForm, useForm, type FormValues } from './form';

function requestOf(form: FormValues, model: string): JobRequest {
  const { prompt, negative, steps, sampler, schedule, cfg, width, height, clipSkip, strength, count, init } = form;
  return { model, prompt, negative, steps, sampler, schedule, cfg, width, height, clipSkip, strength, count, noise: 'cpu',
    seed: form.seedMode === 'keep' ? form.seed : null, ...(init && { init: init.hash }) };
}

/** Asks for what the form says. Does nothing while there is no model to ask. */
export async function generate(): Promise<void> {
  const form = useForm.getState();
  if (form.model) await enqueue(requestOf(form, form.model));
}

/** The same settings as a picture's, with another seed. The form stays as it is. */
export async function moreLike(picture: PictureRecord): Promise<void> {
  const model = modelOf(picture.job);
  if (!model) return void toast(t('errors.modelGone', { name: picture.job.model.name }));
  await enqueue({ ...withoutModel(picture.job), model: model.id, seed: null, count: 1 });
}

/** Puts all that made a picture into the form, its seed too. */
export function reuse(job: JobSpec): void {
  const { prompt, negative, seed, steps, sampler, schedule, cfg, width, height, clipSkip } = job;
  const model = modelOf(job);
  setForm({
    prompt, negative, seed, seedMode: 'keep', steps, sampler, schedule, cfg, width, height, clipSkip,
    init: job.init ? { hash: job.init, width, height, thumbnail: null } : null,
    ...(job.strength !== undefined && { strength: job.strength }), ...(model && { model: model.id }),
  });
  toast(model ? t('actions.reused') : t('errors.modelGone', { name: job.model.name }));
}

/** Once more what a failed job was to do, to the bit. */
export async function retry(job: JobSpec): Promise<void> {
  const model = modelOf(job);
  if (!model) return void toast(t('errors.modelGone', { name: job.model.name }));
  await enqueue({ ...withoutModel(job), model: model.id, count: 1 });
}

function withoutModel({ version: _version, kind: _kind, model: _model, ...rest }: JobSpec) {
  return { ...rest, strength: rest.strength ?? 1 };
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

/** The model that a job names, by its hash, else by its name while a file has not been hashed. */
function modelOf(job: JobSpec): ModelEntry | undefined {
  const models = queryClient.getQueryData<ModelEntry[]>(['models'])?.filter((model) => model.runnable);
  return models?.find((model) => job.model.hash !== null && model.hash === job.model.hash) ?? models?.find((model) => model.name === job.model.name);
}
