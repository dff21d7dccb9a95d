// What `generate` is given besides words and numbers: pictures, a second model, parts of the model, and a picture to do as.
import { readFile } from 'node:fs/promises';
import { slotNames, slotOf, slotsFrom, type SlotName } from '../../preload/contract/file-slots';
import type { JobRequest, SlotIds } from '../../preload/contract/job';
import { preprocessorNames, preprocessorOf, RESOLUTION } from '../../preload/contract/preprocessors';
import type { PictureRequest } from '../../preload/contract/picture-report';
import type { ModelEntry } from '../../preload/contract/model';
import { samplerLabels, scheduleLabels, type SamplerName, type ScheduleName } from '../../preload/contract/vocabulary';
import { AppError, toAppError } from '../engine/errors';
import { drawPosesOf } from '../engine/vision/openpose-json';
import { preprocessorNamed } from '../engine/vision/preprocessors';
import { unreadable } from '../files/weight-file';
import { encodePng } from '../services/pictures/encode';
import type { LocalStudio } from '../services/studio';
import { picturesAt } from './change-pictures';
import { chooseFile } from './choose-model';
import { ownUpscaler } from './editing-flags';

export interface Size { width: number; height: number }
/** A picture that the command line names, in the studio. */
type Picture = Size & { hash: string };
/** What the command line names besides the model. */
export interface Inputs {
  readonly init?: Picture; readonly mask?: Picture; readonly depth?: Picture;
  /** As a request has them: what they may be, it checks. */
  readonly controls?: readonly Record<string, unknown>[];
  readonly reference?: Record<string, unknown>;
  /** By slot; null: the model's own. */
  readonly files?: SlotIds;
  /** For each of `files.loras`. */
  readonly loras?: JobRequest['loras'];
  /** What the first distilled LoRA wants, in place of the model's settings. */
  readonly suits?: ModelEntry['suits'];
}

/** The flags that name them. */
interface Named {
  readonly init?: string | undefined; readonly mask?: string | undefined; readonly depth?: string | undefined;
  readonly control?: readonly string[]; readonly reference?: string | undefined;
  readonly [flag: string]: unknown;
}

/** Throws input.unreadable and model.* naming the flag. */
export async function openInputs(studio: LocalStudio, { init, mask, depth, control = [], reference, ...flags }: Named): Promise<Inputs> {
  const picture = async (flag: string, path: string | undefined) => (path === undefined ? undefined : addPicture(studio, flag, path));
  const steering: { id: string; settings: Record<string, unknown> }[] = [];
  for (const value of control) steering.push(await openControl(studio, value));
  const { files, ...used } = await openFiles(studio, flags);
  return {
    init: await picture('--init', init), mask: await picture('--mask', mask), depth: await picture('--depth', depth),
    ...(reference !== undefined && { reference: await openReference(studio, reference) }),
    ...(steering.length > 0 && { controls: steering.map(({ settings }) => settings) }),
    ...used, files: { ...files, ...(steering.length > 0 && { controls: steering.map(({ id }) => id) }) },
  };
}

/** Settings of a control as they stand behind its picture, with those of its preprocessor. */
const controlWords = ['weight', 'start', 'end', 'mode', 'kind', 'mask', 'preprocessor', 'resize', RESOLUTION.name, ...new Set(preprocessorNames.flatMap((name) => preprocessorOf(name).settings.map((setting) => setting.name)))];
const controlPattern = new RegExp(String.raw`^((?:[A-Za-z]:(?=[\\/]))?[^=:]+)[=:](.+?)((?:,(?:${controlWords.join('|')})=[^,]*)*)$`, 's');

/** 'MODEL=FILE,weight=0.8' or 'MODEL:FILE': the first sign parts the two, and behind the last comma that a known word follows are settings. Throws usage. */
async function openControl(studio: LocalStudio, value: string): Promise<{ id: string; settings: Record<string, unknown> }> {
  const [, model, path, rest = ''] = controlPattern.exec(value) ?? [];
  if (model === undefined || path === undefined) throw new AppError('usage', { why: 'control', value });
  const { weight, start, end, mode, kind, mask, preprocessor, resize, ...settings } = Object.fromEntries(rest.split(',').slice(1).map((each) => [each.slice(0, each.indexOf('=')), each.slice(each.indexOf('=') + 1)])) as Partial<Record<string, string>>;
  const number = (said: string | undefined): number | undefined => (said === undefined ? undefined : Number(said)), use = Object.fromEntries(Object.entries(settings).map(([name, said]) => [name, number(said)]));
  if (preprocessor === undefined && Object.keys(use).length > 0) throw new AppError('usage', { why: 'control', value });
  const { id } = await chooseFile(studio.models, 'controls', model), { hash } = await addControlPicture(studio, path), where = mask === undefined ? undefined : await addPicture(studio, '--control', mask);
  return {
    id, settings: {
      image: hash, mask: where?.hash, weight: number(weight), start: number(start), end: number(end), kind: number(kind), mode, resize,
      ...(preprocessor !== undefined && { preprocessor: { name: preprocessorNamed(preprocessor), ...use } }),
    },
  };
}

/** 'FILE,mode=reference_adain,fidelity=0.3'. */
async function openReference(studio: LocalStudio, value: string): Promise<Record<string, unknown>> {
  const [, path = '', rest = ''] = /^(.+?)((?:,(?:mode|fidelity|weight|start|end|resize)=[^,]*)*)$/s.exec(value) ?? [];
  const settings = rest.split(',').slice(1).map((each) => { const [name = '', said = ''] = each.split('='); return [name, name === 'mode' || name === 'resize' ? said : Number(said)] as const; });
  return { image: (await addPicture(studio, '--reference', path)).hash, ...Object.fromEntries(settings) };
}

/** A picture, or the points of a pose (.json), which are drawn. */
const addControlPicture = (studio: LocalStudio, path: string): Promise<Picture> =>
  addPicture(studio, '--control', path, async (bytes) => (/\.json$/i.test(path) ? encodePng(drawPosesOf(Buffer.from(bytes).toString('utf8')), []) : bytes));

/** The pictures that --init means: one, or all of a folder. Throws usage for a folder without any; one that cannot be read whoever reads it names. */
export async function initsAt(path: string | undefined): Promise<(string | undefined)[]> {
  if (path === undefined) return [path];
  return picturesAt(path).catch((thrown: unknown) => { if (toAppError(thrown).code === 'usage') throw thrown; return [path]; });
}

/** In `generate` the upscaler is the second pass's. */
const hiresUpscaler = 'hires-upscaler';

/** The files besides the model. */
async function openFiles(studio: LocalStudio, flags: Readonly<Record<string, unknown>>): Promise<Pick<Inputs, 'files' | 'loras'>> {
  const files: [SlotName, string | null][] = [], loras: NonNullable<JobRequest['loras']> = [];
  for (const slot of slotNames) {
    const { flag, partOf } = slotOf(slot);
    if (slot === 'model' || flag === undefined) continue;
    const [name, by] = slot === 'upscaler' ? [hiresUpscaler, flags[hiresUpscaler]] : [flag, flags[flag]];
    for (const given of [by].flat()) {
      if (typeof given !== 'string' || (slot === 'upscaler' && ownUpscaler(given))) continue;
      const { name: named, ...use } = slot === 'loras' ? parseLora(given) : { name: given };
      files.push([slot, partOf && named === 'own' ? null : (await chooseFile(studio.models, slot, named, `--${name}`)).id]);
      if ('unet' in use) loras.push(use);
    }
  }
  return { files: slotsFrom(files) as SlotIds, ...(loras.length > 0 && { loras }) };
}

/** By a flag or by a tag of the prompt; it is told on stderr. */
export async function suitsOf(studio: LocalStudio, model: string, prompt: string, chosen: readonly string[] = []): Promise<ModelEntry['suits']> {
  const called = await studio.prompts.loras({ prompt, model }), ids = [...chosen, ...called.loras.map(({ id }) => id)];
  if (ids.length === 0) return undefined;
  const parts = await studio.models.parts(), distilled = ids.flatMap((id) => parts.filter((part) => part.id === id && part.suits))[0];
  if (!distilled?.suits) return undefined;
  const { steps, sampler, schedule, cfg } = distilled.suits;
  process.stderr.write(`${distilled.name} was made for few steps: ${steps} steps, ${samplerLabels[sampler as SamplerName]}, ${scheduleLabels[schedule as ScheduleName]}, guidance ${cfg}, where no flag says otherwise\n`);
  return distilled.suits;
}

/** NAME, NAME:TE or NAME:TE:UNET, as in a tag; numbers alone are strengths. */
function parseLora(text: string): { name: string; unet: number; text: number } {
  const [, name = text, te, unet] = /^(.+?)(?::([+-]?(?:\d+\.?\d*|\.\d+)))?(?::([+-]?(?:\d+\.?\d*|\.\d+)))?$/.exec(text) ?? [], strength = Number(te ?? 1);
  return { name, text: strength, unet: Number(unet ?? strength) };
}

/** Reads the picture into the studio. */
async function addPicture(studio: LocalStudio, flag: string, path: string, drawn: (bytes: Uint8Array) => Promise<Uint8Array> = (bytes) => Promise.resolve(bytes)): Promise<Picture> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError('input.unreadable', { flag, file: path, error: toAppError(unreadable(path, cause)).info }, { cause });
  });
  return drawn(bytes).then((picture) => studio.blobs.add(picture)).catch((cause: unknown) => {
    throw new AppError('input.unreadable', { flag, file: path, error: toAppError(cause).info }, { cause });
  });
}

/** What a picture says of how it was made; files that `given` has flags for are not spoken of. Throws model.notFound naming its model where that is not here and no other is chosen. */
export async function readLike(studio: LocalStudio, path: string, given: Readonly<Record<string, unknown>>): Promise<PictureRequest> {
  const { hash } = await addPicture(studio, '--from', path);
  const { report, request, otherVersions, severalFit, leftOut } = await studio.pictures.read(hash);
  if (!request) throw new AppError('usage', { why: 'from', file: path });
  const model = report.job?.model;
  if (request.files?.model === undefined && model && given['model'] === undefined) {
    throw new AppError('model.notFound', { why: 'ofPicture', file: path, name: [model.name, model.hash && `[${model.hash.slice(0, 10)}]`].filter(Boolean).join(' ') });
  }
  if (otherVersions.length > 0) process.stderr.write(`Here in another version: ${otherVersions.join(', ')}\n`);
  for (const { slot, name, taken, others } of severalFit) if (given[slotOf(slot as SlotName).flag ?? ''] === undefined) process.stderr.write(`Several files fit ${name}: ${taken} is taken, and not ${others.join(', ')}\n`);
  const missing = report.missing.filter(({ kind, name }) => kind !== 'checkpoint' && !otherVersions.includes(name)).map(({ kind, name }) => `${kind} ${name}`);
  const notKnown = report.job?.notKnown ?? [];
  if (notKnown.length > 0) process.stderr.write(`Made by nodes that Atelier does not know: ${notKnown.map(({ field, class: type }) => `${field} (${type})`).join(', ')}\n`);
  if (leftOut.length + missing.length > 0) process.stderr.write(`Without what is not here or cannot be done yet: ${[...leftOut, ...missing].join(', ')}\n`);
  return request;
}
