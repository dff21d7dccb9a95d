// From what a picture says to what we would ask for: prompts in our words, models that are here, and values that a job can have.
import { basename } from 'node:path';
import { mapSlots, slotEntries, slotOf, slotsFrom, type SlotName, type Slots } from '../../../preload/contract/file-slots';
import type { JobRequest, SlotIds } from '../../../preload/contract/job';
import { upscalerLabels, upscalerNames, type UpscalerName } from '../../../preload/contract/vocabulary';
import { PictureRequest, type NamedModel, type PictureJob, type PictureReading, type PictureReport } from '../../../preload/contract/picture-report';
import type { ModelEntry } from '../../../preload/contract/model';
import { fromComfyLanguage, fromDialect } from '../../engine/text/dialects';
import { keepable } from '../../engine/text/unicode';
import type { ModelHashes } from '../models/file-hashes';
import { foldersApart, isHere, nameKey, whichModel, type Choice, type LocalModel } from '../models/which-model';
import { tagsOf } from '../queue/prompt-loras';
import { namedModel } from './read/resources';
import { theirSeed } from './their-seed';

type JobLora = NonNullable<JobRequest['loras']>[number];

/** A file that is here. */
interface LocalFile { readonly entry: ModelEntry; readonly hashes: ModelHashes | null }

/** What a job has besides these is either made by the studio or not done by it. */
const plain = ['steps', 'sampler', 'schedule', 'cfg', 'clipSkip', 'rng', 'compat', 'cfgRescale', 'imageCfg', 'prediction', 'ensd', 'emphasis', 'edit', 'seamless', 'details', 'vaeTile'] as const;
/** Blobs that only our own jobs name. */
const pictures = ['init', 'mask', 'depth', 'outpaint', 'reference'] as const;

/** By the name that the studio gives a file, too: the built-in one's is another. */
export const localsOf = (files: readonly LocalFile[]): LocalModel[] => files.flatMap(({ entry, hashes }) => [entry.path, entry.name].map((name) => ({ name, hashes })));

/** `files`: all that are here, of any kind. */
export function readingOf(report: PictureReport, files: readonly LocalFile[]): PictureReading {
  const { job, source } = report;
  // What was made larger is asked for as such, from the picture that it came from.
  if (!job || job['kind'] === 'upscale') return { report, request: null, otherVersions: [], severalFit: [], leftOut: [] };
  const prompt = withNamesHere(inOurWords(job, job.prompt, source), job, files), loras = lorasOf(job, source === 'atelier' ? '' : prompt, files);
  const choices = { ...filesOf(job, files), ...(loras.length > 0 && { loras: loras.map(({ choice }) => choice) }) }, found = mapSlots(choices, ({ file }) => file.entry.id);
  const steering = controlsOf(job, files);
  const wanted: Record<string, unknown> = {
    prompt, ...(loras.length > 0 && { loras: loras.map(({ use }) => use) }), negative: inOurWords(job, job.negative, source), files: { ...found, ...ownParts(job, found, files), ...(steering.length > 0 && { controls: steering.map(({ file }) => file.entry.id) }) },
    ...(job.seed !== undefined && { seed: theirSeed(job.seed, source) }), ...(job.variation && { variation: { ...job.variation, seed: theirSeed(job.variation.seed, source) } }),
    ...Object.fromEntries(plain.flatMap((key) => (job[key] === undefined ? [] : [[key, job[key]]]))),
    ...(job.width !== undefined && { width: roundSide(job.width) }), ...(job.height !== undefined && { height: roundSide(job.height) }),
    ...(found.refiner && job.refiner && { refiner: { switchAt: job.refiner.switchAt } }),
    ...(job.inpaint && { inpaint: job.inpaint }), ...(source === 'atelier' && startOf(job)), ...(steering.length > 0 && { controls: steering.map(({ settings }) => settings) }),
  };
  const hires = hiresOf(job, found.upscaler !== undefined);
  const { request, refused } = inRange({ ...wanted, ...(hires && { hires }) });
  const ids = slotEntries<string | null>(request.files ?? {}).map(([, id]) => id), chosen = files.filter(({ entry }) => ids.includes(entry.id));
  const otherVersions = report.missing.filter(({ name }) => chosen.some(({ entry }) => isNamed(name, entry))).map(({ name }) => name);
  return { report, request, otherVersions, severalFit: slotEntries(choices).flatMap(([slot, choice]) => severalOf(slot, choice)), leftOut: [...refused, ...(job.hires && !hires ? ['hires'] : []), ...(job.controls?.some(({ image }) => image === undefined) ? ['controls'] : [])] };
}

/** ComfyUI's language is one that jobs have; ours are as they were. */
function inOurWords({ emphasis, template }: PictureJob, prompt: string, source: PictureReport['source']): string {
  const isComfy = emphasis === 'comfy' && source !== 'atelier';
  return keepable(isComfy ? fromComfyLanguage(prompt) : fromDialect(prompt, source, { template: template !== undefined }));
}

/** As the studio or the disk names it, with or without the ending. */
function isNamed(name: string, { name: own, path }: ModelEntry): boolean {
  return own.toLowerCase() === name.toLowerCase() || isHere({ name, hash: null }, { name: path, hashes: null });
}

/** The second pass, where all of it is ours to do: by the same model, with an upscaler that is here. */
function hiresOf({ hires, strength, compat }: PictureJob, byFile: boolean): Record<string, unknown> | null {
  // Where A1111 names no upscaler it is its first.
  if (!hires || hires.model || (hires.upscaler === undefined && compat !== 'a1111')) return null;
  const { upscaler: named = 'latent', steps, strength: own = strength, ...rest } = hires, upscaler = ownUpscaler(named);
  return upscaler || byFile ? { ...rest, ...(upscaler && { upscaler }), ...(own !== undefined && { strength: own }), ...(steps && { steps }) } : null;
}

const ownUpscaler = (named: string): UpscalerName | undefined => upscalerNames.find((name) => name === named || upscalerLabels[name] === named);

/** As large as it was, or nearly: sides are multiples of 8. */
const roundSide = (side: number): number => Math.round(side / 8) * 8;

const startOf = (job: PictureJob): Record<string, unknown> => Object.fromEntries([...pictures, ...(job['init'] ? ['strength'] as const : [])].map((key) => [key, job[key]]));

/** Those of its files that are here, by their slots. */
function filesOf({ model, refiner, vae, vaeHash = null, textEncoders, hires: { upscaler } = {} }: PictureJob, files: readonly LocalFile[]): Slots<Choice<LocalFile>> {
  const named: Slots<NamedModel> = { model, refiner: refiner?.model, vae: vae === undefined ? undefined : { name: vae, hash: vaeHash }, textEncoders, upscaler: upscaler === undefined || ownUpscaler(upscaler) ? undefined : { name: upscaler, hash: null } };
  return slotsFrom(slotEntries(named).flatMap(([slot, file]): [SlotName, Choice<LocalFile>][] => {
    const { kinds, partOf } = slotOf(slot);
    const choice = whichModel(file, kinds.flatMap((kind) => files.filter(({ entry }) => entry.kind === kind && (partOf !== undefined || !kinds.includes('checkpoint') || entry.runnable))));
    return choice ? [[slot, choice]] : [];
  }));
}

/** Those whose networks are here, of jobs that name their pictures. */
function controlsOf({ controls = [] }: PictureJob, files: readonly LocalFile[]): { settings: unknown; file: LocalFile }[] {
  const ofControls = files.filter(({ entry }) => entry.kind !== null && slotOf('controls').kinds.includes(entry.kind));
  return controls.flatMap(({ model, ...settings }) => {
    const choice = settings.image === undefined ? null : whichModel(model, ofControls);
    return choice ? [{ settings, file: choice.file }] : [];
  });
}

type LoraInPicture = PictureJob['loras'][number];

/** Those that are here and that no tag of the prompt calls up; of our own jobs it is known. */
function lorasOf({ loras }: PictureJob, prompt: string, files: readonly LocalFile[]): { choice: Choice<LocalFile>; use: JobLora }[] {
  const tags = tagsOf({ prompt }).map(({ name }) => nameKey(name));
  return loras.flatMap((lora) => {
    const { name, hash: _, weight, textWeight = weight, fromPrompt, ...more } = lora, called = tags.indexOf(nameKey(name));
    if (called >= 0) tags.splice(called, 1);
    const choice = fromPrompt || called >= 0 ? null : whichLora(lora, files);
    return choice ? [{ choice, use: { unet: weight, text: textWeight, ...more } }] : [];
  });
}

function whichLora({ name, hash = null }: Pick<LoraInPicture, 'name' | 'hash'>, files: readonly LocalFile[]): Choice<LocalFile> | null {
  return whichModel({ ...namedModel(name), hash }, files.filter(({ entry }) => entry.kind === 'lora'));
}

/** A tag whose file bears another name here, by its contents, gets that name, as in A1111. */
function withNamesHere(prompt: string, { loras }: PictureJob, files: readonly LocalFile[]): string {
  return loras.reduce((text, lora) => {
    const here = lora.hash ? whichLora(lora, files)?.file : undefined;
    if (!here || isNamed(lora.name, here.entry)) return text;
    return text.replaceAll(new RegExp(`(<(?:lora|lyco):)${lora.name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')}(?=[:>])`, 'gi'), (_, start: string) => start + here.entry.name);
  }, prompt);
}

/** What else the picture may mean, named as shortly as tells the files apart. */
function severalOf(slot: SlotName, { file, others }: Choice<LocalFile>): PictureReading['severalFit'] {
  if (others.length === 0) return [];
  const paths = [file, ...others].map(({ entry }) => entry.path), folders = foldersApart(paths);
  const [taken = '', ...rest] = paths.map((path, i) => [folders[i], basename(path)].filter(Boolean).join('/'));
  return [{ slot, name: file.entry.name, taken, others: rest }];
}

/** A job of ours without a VAE or text encoders had the model's own; of others it is not known, so that what goes with the model holds. */
function ownParts(job: PictureJob, found: Slots<string>, files: readonly LocalFile[]): SlotIds {
  const model = files.find(({ entry }) => entry.id === found.model)?.entry;
  if (job['version'] === undefined || !model) return {};
  return {
    ...(job.vae === undefined && !model.lacks.includes('vae') && { vae: null }), ...(!job.textEncoders?.length && !model.lacks.includes('text-encoder') && { textEncoders: [] }),
  };
}

/** The fields whose values a request may have, and the names of the others. */
function inRange(wanted: Record<string, unknown>): { request: PictureRequest; refused: string[] } {
  const refused: string[] = [], taken: [string, unknown][] = [];
  for (const [key, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    if (PictureRequest.shape[key as keyof typeof PictureRequest.shape].safeParse(value).success) taken.push([key, value]);
    else refused.push(key);
  }
  return { request: Object.fromEntries(taken) as PictureRequest, refused };
}
