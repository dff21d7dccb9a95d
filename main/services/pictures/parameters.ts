// AUTOMATIC1111's `parameters` text, the community's common form: prompt, negative prompt, and one line of `Key: value` pairs.
import { slotNames, slotOf } from '../../../preload/contract/file-slots';
import type { JobSpec } from '../../../preload/contract/job';
import { samplerLabels, scheduleLabels } from '../../../preload/contract/vocabulary';
import { parsePairs } from './parameter-pairs';

export interface Parameters {
  readonly prompt: string;
  readonly negative: string;
  /** As written, in their order; a key that comes twice has its last value. A word without a value is its own value. */
  readonly fields: ReadonlyMap<string, string>;
}

const negativePrefix = 'Negative prompt:';

/** What A1111's settings call the ways to read brackets; ComfyUI's has no name there. */
export const emphasisLabels: Partial<Record<NonNullable<JobSpec['emphasis']>, string>> = { original: 'Original', no_norm: 'No norm', ignore: 'Ignore', none: 'None' };

/** The job in A1111's words and order. `version` of Atelier, e.g. '0.1.0'. */
export function parametersText(job: JobSpec, { version }: { version: string }): string {
  const { files } = job;
  const pairs: [key: string, value: string | number | null | undefined][] = [
    ['Steps', job.steps],
    ['Sampler', samplerLabels[job.sampler]],
    ['Schedule type', scheduleLabels[job.schedule]],
    ['CFG scale', job.cfg],
    ['Image CFG scale', job.imageCfg],
    ['Seed', job.seed],
    ['Size', `${job.width}x${job.height}`],
    ...fileList(files).flatMap(({ inText, file: { name, hash } }): [string, string | null | undefined][] =>
      ('name' in inText ? [[inText.hash, hash?.slice(0, 10)], [inText.name, name || null]] : [])),
    ['Variation seed', job.variation?.seed],
    ['Variation seed strength', job.variation?.strength],
    ['Denoising strength', job.strength],
    ['Clip skip', job.clipSkip > 1 ? job.clipSkip : null],
    ['ENSD', job.ensd || null],
    ['RNG', job.rng === 'nv' ? null : 'CPU'],      // absent means the graphics card's; the first noise decides
    ['Emphasis', job.emphasis && job.emphasis !== 'original' ? emphasisLabels[job.emphasis] : null],
    ['CFG rescale', job.cfgRescale],
    ['VAE Decoder', files.vae && /taesd/i.test(files.vae.name) ? 'TAESD' : null],
    ...slotNames.flatMap((slot): [string, string | null][] => {
      const { inText } = slotOf(slot), list = [files[slot]].flat().filter((file) => file !== undefined);
      return 'hashes' in inText ? [[inText.hashes, list.flatMap(({ name, hash }) => (hash ? [`${name.replace(/[:,]/g, '')}: ${hash.slice(0, 12)}`] : [])).join(', ') || null]] : [];
    }),
    ...fileList(files).flatMap(({ inText, file }): [string, string][] => ('title' in inText ? [[inText.title, titleOf(file)]] : [])),
    ['Refiner switch at', job.refiner?.switchAt],
    ['Template', job.template?.prompt || null],
    ['Negative Template', job.template?.negative || null],
    ['Version', `atelier ${version}`],
    ...fileList(files).flatMap(({ inText, file, n }): [string, string][] => ('numbered' in inText ? [[`${inText.numbered} ${n}`, file.name]] : [])),
  ];
  const line = pairs.flatMap(([key, value]) => (value === null || value === undefined ? [] : [pair(key, String(value))])).join(', ');
  return [job.prompt, ...(job.negative ? [`${negativePrefix} ${job.negative}`] : []), line].join('\n');
}

/** Each file of the job, with what its slot is in the text, and which it is of its list, from 1. */
const fileList = (files: JobSpec['files']) => slotNames.flatMap((slot) => [files[slot]].flat().flatMap((file, i) => (file ? [{ inText: slotOf(slot).inText, file, n: i + 1 }] : [])));

const pair = (key: string, value: string): string => (key === value ? key : `${key}: ${/[,:\n]/.test(value) ? JSON.stringify(value) : value}`);

/** As in A1111's lists of checkpoints: the name, and ten digits of the hash in brackets. */
const titleOf = ({ name, hash }: { name: string; hash: string | null }): string => (hash ? `${name} [${hash.slice(0, 10)}]` : name);

/** Reads the text by A1111's own rules. A last line with fewer than three pairs belongs to the prompt. Never throws. */
export function parseParameters(text: string): Parameters {
  const lines = text.trim().split('\n');
  const fields = parsePairs(lines.at(-1)!);
  if (fields) lines.pop();
  return { ...parsePrompts(lines), fields: fields ?? new Map() };
}

function parsePrompts(lines: readonly string[]): { prompt: string; negative: string } {
  const found: { prompt: string[]; negative: string[] } = { prompt: [], negative: [] };
  let part: keyof typeof found = 'prompt';
  for (let line of lines.map((each) => each.trim())) {
    if (line.startsWith(negativePrefix)) {
      part = 'negative';
      line = line.slice(negativePrefix.length).trim();
    }
    if (found[part].length > 0 || line !== '') found[part].push(line);      // no empty lines at the start of either
  }
  return { prompt: found.prompt.join('\n'), negative: found.negative.join('\n') };
}
