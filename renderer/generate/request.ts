// From the form to a request, and from a finished picture back to the form.
import type { JobRequest, JobSpec } from '../../preload/contract/job';
import type { ModelEntry } from '../../preload/contract/model';
import type { PictureReading, PictureRequest } from '../../preload/contract/picture-report';
import type { PictureRecord } from '../../preload/contract/picture';
import type { PromptStyle } from '../../preload/contract/studio';
import { api, errorInfoOf } from '../api';
import { said, t } from '../i18n';
import { usableWith } from '../models/beside';
import { refinersFor } from '../models/refiners';
import { queryClient } from '../queries';
import { useJobs } from '../queue/jobs';
import { upscaleAgain } from '../stage/upscale';
import { follow } from '../stage/view';
import { toast } from '../ui/toasts';
import { initialForm, setForm, useForm, type ChosenControl, type ChosenLora, type ChosenReference, type Overrides, type FormValues, type InputPicture } from './form';
import { obstacle } from './needs';
import { firstSize, hiresOf, outpaintOf } from './sizes';

const knownModels = (): readonly ModelEntry[] => queryClient.getQueryData<ModelEntry[]>(['models']) ?? [];

function requestOf(form: FormValues, model: ModelEntry): JobRequest {
  const { prompt, negative, steps, sampler, schedule, cfg, clipSkip, rng, compat, strength, count, init, seed, nearby, variationSeed, switchAt, overrides } = form;
  const keep = form.seedMode === 'keep';
  const { vae, textEncoders, ...other } = overrides ?? {};
  const outpaint = outpaintOf(form), hires = hiresOf(form);
  const refiner = refinersFor(knownModels(), model.id).find(({ id }) => id === form.refiner);
  const loras = usableWith(form.loras, model), controls = usableWith(form.controls, model);
  const known = queryClient.getQueryData<PromptStyle[]>(['styles']) ?? [];
  return {
    files: { model: model.id, vae, textEncoders: textEncoders && [...textEncoders], refiner: refiner?.id, upscaler: hires ? form.upscaler ?? undefined : undefined, ...(loras.length > 0 && { loras: loras.map(({ id }) => id) }), ...(controls.length > 0 && { controls: controls.map(({ id }) => id) }) }, prompt, negative, steps, sampler, schedule, cfg, ...firstSize(form), clipSkip, rng, compat, strength, count, seed: keep ? seed : null, ...other,
    ...(loras.length > 0 && { loras: loras.map(({ use }) => use) }),
    ...(controls.length > 0 && { controls: controls.flatMap(({ picture, mask, settings }) => (picture ? [{ ...settings, image: picture.hash, ...(mask && { mask: mask.hash }) }] : [])) }),
    ...(form.reference && { reference: { ...form.reference.settings, image: form.reference.picture.hash } }),
    styles: form.styles.filter((name) => known.some((style) => style.name === name)),
    ...(init && { init: init.hash, ...(init.mask && !outpaint && { mask: init.mask.hash }), ...((init.mask || outpaint) && form.inpaint && { inpaint: form.inpaint }), ...(outpaint && { outpaint }) }),
    ...(model.variant === 'depth' && form.depth && { depth: form.depth.hash }), ...(model.variant === 'pix2pix' && { imageCfg: form.imageCfg }),
    ...(form.cfgRescale > 0 && { cfgRescale: form.cfgRescale }),
    ...(keep && nearby > 0 && { variation: { seed: variationSeed, strength: nearby } }),
    ...(refiner && { refiner: { switchAt } }), ...(hires && { hires }), ...(form.details && { details: form.details }), ...(form.seamless !== 'off' && { seamless: form.seamless }), ...(form.edit && !init && { edit: form.edit }),
  };
}

/** Asks for what the form says, or says what is missing. Does nothing while there is no model to ask. */
export async function generate(): Promise<void> {
  const form = useForm.getState(), model = knownModels().find(({ id }) => id === form.model);
  if (!model) return;
  const error = obstacle(model, form);
  if (!error) return enqueue(requestOf(form, model));
  follow();
  useJobs.setState({ problem: { error, job: null } });
}

// What kept one model from its picture says nothing of another.
useForm.subscribe((form, before) => {
  if (form.model !== before.model && useJobs.getState().problem?.job === null) useJobs.setState({ problem: null });
});

/** The same settings as a picture's, with another seed. The form stays as it is. */
export async function moreLike({ job }: PictureRecord): Promise<void> {
  if (job.kind === 'upscale') return;
  const request = await requestFrom(job);
  if (request) await enqueue({ ...request, seed: null, variation: undefined });
}

/** Puts all that made a picture into the form, its seed too. */
export async function reuse(job: JobSpec): Promise<void> {
  const reading = await readJob(job);
  if (!reading?.request) return;
  fillForm(reading.request);
  toast(missingFrom(reading) ?? t('actions.reused'));
}

/** The same, to write other words for it: of a picture that was edited, the one that it was made from stays the source. One made from a picture has no source in words alone. */
export async function editWords(job: JobSpec): Promise<void> {
  if (job.kind !== 'txt2img') { toast(t('edit.notOfThis')); return; }
  const reading = await readJob(job);
  if (!reading?.request) return;
  const { request } = reading, { prompt = '', negative } = request;
  fillForm({ ...request, edit: request.edit ?? { source: { prompt, negative }, cross: 0.8, self: 0.4 } });
  setForm({ advanced: true });
  toast(missingFrom(reading) ?? t('edit.begun'));
}

/** Fields that the form has under the same names. */
const plain = ['prompt', 'negative', 'steps', 'sampler', 'schedule', 'cfg', 'width', 'height', 'clipSkip', 'rng', 'compat', 'strength'] as const satisfies readonly (keyof PictureRequest & keyof FormValues)[];

/** What the request leaves open stays as it is in the form, but nothing is left of what was taken from another picture. */
export function fillForm(request: PictureRequest): void {
  const { seed, init, mask, depth, refiner, variation, cfgRescale = 0, imageCfg = initialForm.imageCfg, inpaint = null, hires = null, edit = null, outpaint = null, seamless = 'off', details = null } = request;
  const { width, height } = { ...useForm.getState(), ...request };
  const model = knownModels().find(({ id }) => id === request.files?.model);
  const picture = (hash: string): InputPicture => ({ hash, width, height, thumbnail: null });
  // It is smaller than what was made of it.
  const start = (hash: string): InputPicture => ({ ...picture(hash), ...(outpaint && { width: width - outpaint.left - outpaint.right, height: height - outpaint.top - outpaint.bottom }) });
  setForm({
    ...Object.fromEntries(plain.filter((key) => request[key] !== undefined).map((key) => [key, request[key]])),
    ...(model && { model: model.id }), ...(seed !== undefined && seed !== null && { seed, seedMode: 'keep' }), cfgRescale, imageCfg, inpaint, outpaint, seamless, edit, hires, details, upscaler: request.files?.upscaler ?? null, styles: [],
    nearby: variation?.strength ?? 0, variationSeed: variation?.seed ?? null,
    init: init ? { ...start(init), ...(mask && { mask: picture(mask) }) } : null, depth: depth ? picture(depth) : null,
    refiner: request.files?.refiner ?? null, ...(refiner && { switchAt: refiner.switchAt }), overrides: overridesFrom(request, model), loras: lorasFrom(request), controls: controlsFrom(request, picture), reference: referenceFrom(request, picture),
  });
}

/** Where nothing is said of their use they are used whole. */
function lorasFrom({ loras, files }: PictureRequest): ChosenLora[] {
  return (files?.loras ?? []).map((id, i) => ({ id, name: nameOfFile(id), use: loras?.[i] ?? { unet: 1, text: 1 } }));
}

function controlsFrom({ controls = [], files }: PictureRequest, picture: (hash: string) => InputPicture): ChosenControl[] {
  return controls.map(({ image, mask, ...settings }, i) => {
    const id = files?.controls?.[i] ?? '';
    return { key: `${i} ${image}`, id, name: nameOfFile(id), picture: picture(image), mask: mask ? picture(mask) : null, settings };
  });
}

function referenceFrom({ reference }: PictureRequest, picture: (hash: string) => InputPicture): ChosenReference | null {
  if (!reference) return null;
  const { image, ...settings } = reference;
  return { picture: picture(image), settings };
}

const nameOfFile = (id: string): string => queryClient.getQueryData<ModelEntry[]>(['parts'])?.find((part) => part.id === id)?.name ?? id;

/** Parts only where they are others than those that go with the model anyway. */
function overridesFrom({ prediction, ensd, emphasis, files: { vae, textEncoders } = {} }: PictureRequest, model: ModelEntry | undefined): Overrides | null {
  const isUsual = (ids: readonly string[]) => [...ids].sort().join() === [...(model?.parts.textEncoders ?? [])].sort().join();
  const all: Overrides = {
    prediction, ensd, emphasis, ...(model && vae !== undefined && vae !== model.parts.vae && { vae }), ...(model && textEncoders && !isUsual(textEncoders) && { textEncoders }),
  };
  const overrides = Object.entries(all).filter(([, value]) => value !== undefined);
  return overrides.length > 0 ? Object.fromEntries(overrides) : null;
}

/** Once more what a failed job was to do, to the bit. */
export async function retry(jobId: string): Promise<void> {
  const job = await api.queue.get.query({ id: jobId }).catch(sayWhy);
  if (job?.spec.kind === 'upscale') return upscaleAgain(job.spec);
  const request = job && await requestFrom(job.spec);
  if (request) await enqueue(request);
}

/** null, and a word to the user, when a file that the job names is not there. What tags call up they call up once more. */
async function requestFrom(job: JobSpec): Promise<JobRequest | null> {
  const reading = await readJob(job);
  if (!reading?.request) return null;
  const missing = missingFrom(reading), { request: { files, ...rest } } = reading;
  if (files?.model && missing === null) return { ...job, loras: undefined, controls: undefined, ...rest, files: { ...files, model: files.model }, strength: job.strength ?? 1, count: 1 };
  toast(missing ?? t('gone.model', { name: job.files.model.name }));
  return null;
}

/** The studio finds the files that a job names. null, and a word to the user, when it does not answer. */
const readJob = (job: JobSpec): Promise<PictureReading | null> => api.pictures.readJob.mutate(job).catch(sayWhy);

function sayWhy(thrown: unknown): null {
  toast(said(errorInfoOf(thrown)));
  return null;
}

/** A sentence that names the first file that is not here, or null. */
function missingFrom({ report: { missing, job }, otherVersions }: PictureReading): string | null {
  // Of what the words call up the picture's own remarks tell.
  const isCalled = (name: string): boolean => job?.loras.some((lora) => lora.fromPrompt && lora.name === name) ?? false;
  const gone = missing.find(({ kind, name }) => kind !== 'embedding' && !(kind === 'lora' && isCalled(name)) && !otherVersions.includes(name));
  return gone ? t(gone.kind === 'checkpoint' ? 'gone.model' : 'gone.part', { name: gone.name }) : null;
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
