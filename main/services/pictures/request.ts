// From what a picture says to what we would ask for: prompts in our words, models that are here, and values that a job can have.
import type { PictureJob, PictureReading, PictureReport, PictureRequest } from '../../../preload/contract/picture-report';
import { PictureRequest as Schema } from '../../../preload/contract/picture-report';
import type { ModelEntry } from '../../../preload/contract/model';
import { fromDialect } from '../../engine/text/dialects';
import type { ModelHashes } from '../hashes';
import { isSame, type LocalModel } from './read/resources';

/** A file that is here. */
interface KnownFile { readonly entry: ModelEntry; readonly hashes: ModelHashes | null }

/** What a job has besides these is either made by the studio or not done by it. */
const plain = ['seed', 'steps', 'sampler', 'schedule', 'cfg', 'clipSkip', 'noise', 'cfgRescale', 'imageCfg', 'prediction', 'variation', 'ensd', 'emphasis', 'width', 'height'] as const;
/** Blobs that only our own jobs name. */
const pictures = ['init', 'mask', 'depth'] as const;
const notDone = ['loras', 'hires'] as const;

/** `files`: all that are here, of any kind. */
export function readingOf(report: PictureReport, files: readonly KnownFile[]): PictureReading {
  const { job, source } = report;
  if (!job) return { report, request: null, otherVersions: [], leftOut: [] };
  const models = files.filter(({ entry }) => entry.runnable), parts = files.filter(({ entry }) => !entry.runnable);
  const find = (among: readonly KnownFile[], named: { name: string; hash: string | null }): string | undefined => idOf(named, among);
  const model = job.model && find(models, job.model), refiner = job.refiner && find(models, job.refiner.model);
  const wanted: Record<string, unknown> = {
    prompt: inOurWords(job, job.prompt, source), negative: inOurWords(job, job.negative, source), model,
    ...Object.fromEntries(plain.flatMap((key) => (job[key] === undefined ? [] : [[key, job[key]]]))),
    ...(job.width !== undefined && { width: roundSide(job.width) }), ...(job.height !== undefined && { height: roundSide(job.height) }),
    ...(refiner && job.refiner && { refiner: { model: refiner, switchAt: job.refiner.switchAt } }),
    ...(source === 'atelier' && startOf(job)),
    ...partsOf(job, (named) => find(parts, named), model === undefined ? undefined : models.find(({ entry }) => entry.id === model)?.entry),
  };
  const { request, refused } = inRange(wanted);
  const chosen = files.filter(({ entry }) => [request.model, request.refiner?.model, request.vae, ...request.textEncoders ?? []].includes(entry.id));
  const otherVersions = report.missing.filter(({ name }) => chosen.some(({ entry }) => isNamed(name, entry))).map(({ name }) => name);
  return { report, request, otherVersions, leftOut: [...refused, ...notDone.filter((key) => { const value = job[key]; return value !== undefined && (!Array.isArray(value) || value.length > 0); })] };
}

/** ComfyUI's language is one that jobs have. */
const inOurWords = ({ emphasis }: PictureJob, prompt: string, source: PictureReport['source']): string => (emphasis === 'comfy' ? prompt : fromDialect(prompt, source));

function idOf({ name, hash }: { name: string; hash: string | null }, among: readonly KnownFile[]): string | undefined {
  const local = ({ entry, hashes }: KnownFile): LocalModel => ({ name: entry.path, hashes });
  return among.find((each) => isSame({ kind: 'unknown', name, hash }, local(each)))?.entry.id ?? among.find(({ entry }) => isNamed(name, entry))?.entry.id;
}

/** As the studio or the disk names it, with or without the ending. */
function isNamed(name: string, { name: own, path }: ModelEntry): boolean {
  return own.toLowerCase() === name.toLowerCase() || isSame({ kind: 'unknown', name, hash: null }, { name: path, hashes: null });
}

/** As large as it was, or nearly: sides are multiples of 8. */
const roundSide = (side: number): number => Math.round(side / 8) * 8;

const startOf = (job: PictureJob): Record<string, unknown> => Object.fromEntries([...pictures, ...(job['init'] ? ['strength'] as const : [])].map((key) => [key, job[key]]));

/** A job of ours without a VAE had the model's own; of others it is not known, so that what goes with the model holds. */
function partsOf(job: PictureJob, find: (named: { name: string; hash: string | null }) => string | undefined, model: ModelEntry | undefined): Pick<PictureRequest, 'vae' | 'textEncoders'> {
  const hash = typeof job['vaeHash'] === 'string' ? job['vaeHash'] : null;
  const vae = job.vae === undefined ? undefined : find({ name: job.vae, hash });
  const isOwn = job['version'] === 1, named = isOwn && Array.isArray(job['textEncoders']) ? job['textEncoders'] as { name: string; hash: string | null }[] : [];
  const textEncoders = named.flatMap((each) => find(each) ?? []);
  return {
    ...(vae !== undefined ? { vae } : isOwn && job.vae === undefined && model && !model.lacks.includes('vae') && { vae: null }),
    ...(textEncoders.length > 0 && { textEncoders }),
  };
}

/** The fields whose values a request may have, and the names of the others. */
function inRange(wanted: Record<string, unknown>): { request: PictureRequest; refused: string[] } {
  const refused: string[] = [], taken: [string, unknown][] = [];
  for (const [key, value] of Object.entries(wanted)) {
    if (value === undefined) continue;
    if (Schema.shape[key as keyof typeof Schema.shape].safeParse(value).success) taken.push([key, value]);
    else refused.push(key);
  }
  return { request: Object.fromEntries(taken) as PictureRequest, refused };
}
