// From what a picture says to what we would ask for: prompts in our words, models that are here, and values that a job can have.
import { slotEntries, slotOf, slotsFrom, type SlotName, type Slots } from '../../../preload/contract/file-slots';
import type { SlotIds } from '../../../preload/contract/job';
import { PictureRequest, type PictureJob, type PictureReading, type PictureReport } from '../../../preload/contract/picture-report';
import type { ModelEntry } from '../../../preload/contract/model';
import { fromDialect } from '../../engine/text/dialects';
import type { ModelHashes } from '../models/file-hashes';
import { isSame, type LocalModel } from './read/resources';

/** A file that is here. */
interface LocalFile { readonly entry: ModelEntry; readonly hashes: ModelHashes | null }

/** As a picture names one. */
interface Named { readonly name: string; readonly hash: string | null }

/** What a job has besides these is either made by the studio or not done by it. */
const plain = ['seed', 'steps', 'sampler', 'schedule', 'cfg', 'clipSkip', 'rng', 'compat', 'cfgRescale', 'imageCfg', 'prediction', 'variation', 'ensd', 'emphasis'] as const;
/** Blobs that only our own jobs name. */
const pictures = ['init', 'mask', 'depth'] as const;
const notDone = ['loras', 'hires'] as const;

/** By the name that the studio gives a file, too: the built-in one's is another. */
export const localsOf = (files: readonly LocalFile[]): LocalModel[] => files.flatMap(({ entry, hashes }) => [entry.path, entry.name].map((name) => ({ name, hashes })));

/** `files`: all that are here, of any kind. */
export function readingOf(report: PictureReport, files: readonly LocalFile[]): PictureReading {
  const { job, source } = report;
  if (!job) return { report, request: null, otherVersions: [], leftOut: [] };
  const found = filesOf(job, files);
  const wanted: Record<string, unknown> = {
    prompt: inOurWords(job, job.prompt, source), negative: inOurWords(job, job.negative, source), files: { ...found, ...ownParts(job, found, files) },
    ...Object.fromEntries(plain.flatMap((key) => (job[key] === undefined ? [] : [[key, job[key]]]))),
    ...(job.width !== undefined && { width: roundSide(job.width) }), ...(job.height !== undefined && { height: roundSide(job.height) }),
    ...(found.refiner && job.refiner && { refiner: { switchAt: job.refiner.switchAt } }),
    ...(source === 'atelier' && startOf(job)),
  };
  const { request, refused } = inRange(wanted);
  const ids = slotEntries<string | null>(request.files ?? {}).map(([, id]) => id), chosen = files.filter(({ entry }) => ids.includes(entry.id));
  const otherVersions = report.missing.filter(({ name }) => chosen.some(({ entry }) => isNamed(name, entry))).map(({ name }) => name);
  return { report, request, otherVersions, leftOut: [...refused, ...notDone.filter((key) => { const value = job[key]; return value !== undefined && (!Array.isArray(value) || value.length > 0); })] };
}

/** ComfyUI's language is one that jobs have. */
const inOurWords = ({ emphasis }: PictureJob, prompt: string, source: PictureReport['source']): string => (emphasis === 'comfy' ? prompt : fromDialect(prompt, source));

/** The file of that content, else the one of that name. */
function find({ name, hash }: Named, among: readonly LocalFile[]): ModelEntry | undefined {
  const same = among.find(({ entry, hashes }) => isSame({ kind: 'unknown', name, hash }, { name: entry.path, hashes }));
  return (same ?? among.find(({ entry }) => isNamed(name, entry)))?.entry;
}

/** As the studio or the disk names it, with or without the ending. */
function isNamed(name: string, { name: own, path }: ModelEntry): boolean {
  return own.toLowerCase() === name.toLowerCase() || isSame({ kind: 'unknown', name, hash: null }, { name: path, hashes: null });
}

/** As large as it was, or nearly: sides are multiples of 8. */
const roundSide = (side: number): number => Math.round(side / 8) * 8;

const startOf = (job: PictureJob): Record<string, unknown> => Object.fromEntries([...pictures, ...(job['init'] ? ['strength'] as const : [])].map((key) => [key, job[key]]));

/** The ids of those of its files that are here, by their slots. */
function filesOf({ model, refiner, vae, vaeHash = null, textEncoders }: PictureJob, files: readonly LocalFile[]): Slots<string> {
  const named: Slots<Named> = { model, refiner: refiner?.model, vae: vae === undefined ? undefined : { name: vae, hash: vaeHash }, textEncoders };
  return slotsFrom(slotEntries(named).flatMap(([slot, file]): [SlotName, string][] => {
    const { kinds, partOf } = slotOf(slot);
    const fitting = kinds.flatMap((kind) => files.filter(({ entry }) => entry.kind === kind && (partOf !== undefined || entry.runnable)));
    const id = find(file, fitting)?.id;
    return id === undefined ? [] : [[slot, id]];
  }));
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
