// AUTOMATIC1111's `parameters` text, the community's common form: prompt, negative prompt, and one line of `Key: value` pairs.
import { slotNames, slotOf } from '../../../preload/contract/file-slots';
import type { AnyJob, JobSpec } from '../../../preload/contract/job';
import { samplerLabels, scheduleLabels } from '../../../preload/contract/vocabulary';
import { controlPairs } from './control-text';
import { detailPairs } from './detail-text';
import { editingPairs } from './editing-text';
import { readPrompts, splitPairs } from './parameter-lines';

export interface Parameters {
  readonly prompt: string;
  readonly negative: string;
  /** As written, in their order; a key that comes twice has its last value. A word without a value is its own value. */
  readonly fields: ReadonlyMap<string, string>;
}

/** What A1111's settings call the ways to read brackets; ComfyUI's has no name there. */
export const emphasisLabels: Partial<Record<NonNullable<JobSpec['emphasis']>, string>> = { original: 'Original', no_norm: 'No norm', ignore: 'Ignore', none: 'None' };

/** The job in A1111's words and order. `version` of Atelier, e.g. '0.1.0'. */
export function parametersText(job: AnyJob, { version }: { version: string }): string {
  // As A1111's extras, without steps or a seed.
  if (job.kind === 'upscale') return `Postprocess upscale by: ${job.scale}, ${pair('Postprocess upscaler', job.files.upscaler.name)}, Version: atelier ${version}`;
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
    ['Denoising strength', job.strength ?? job.hires?.strength],
    ['Clip skip', job.clipSkip > 1 ? job.clipSkip : null],
    ['ENSD', job.ensd || null],
    ['RNG', job.rng === 'nv' ? null : 'CPU'],      // absent means the graphics card's; the first noise decides
    ['Emphasis', job.emphasis && job.emphasis !== 'original' ? emphasisLabels[job.emphasis] : null],
    ['CFG rescale', job.cfgRescale],
    ...fileList(files).flatMap(({ inText, file }): [string, string][] => ('named' in inText ? [[inText.named, file.name]] : [])),
    ...editingPairs(job), ...detailPairs(job), ...controlPairs(job),
    ['VAE Decoder', files.vae && /taesd/i.test(files.vae.name) ? 'TAESD' : null],
    ...slotNames.flatMap((slot): [string, string | null][] => {
      const { inText } = slotOf(slot), list = [files[slot]].flat().filter((file) => file !== undefined);
      return 'hashes' in inText ? [[inText.hashes, list.flatMap(({ name, hash, autov3 = hash?.slice(0, 12) }) => (autov3 ? [`${name.replace(/[:,]/g, '')}: ${autov3}`] : [])).join(', ') || null]] : [];
    }),
    ...fileList(files).flatMap(({ inText, file }): [string, string][] => ('title' in inText ? [[inText.title, titleOf(file)]] : [])),
    ['Refiner switch at', job.refiner?.switchAt],
    ['Prompt to prompt', job.edit ? JSON.stringify(job.edit) : null],
    ['Template', job.template?.prompt || null],
    ['Negative Template', job.template?.negative || null],
    ['Version', `atelier ${version}`],
    ...fileList(files).flatMap(({ inText, file, n }): [string, string][] => ('numbered' in inText ? [[`${inText.numbered} ${n}`, file.name]] : [])),
  ];
  const line = pairs.flatMap(([key, value]) => (value === null || value === undefined ? [] : [pair(key, String(value))])).join(', ');
  return [[job.prompt, ...tagsFor(job)].filter(Boolean).join(' '), ...(job.negative ? [`Negative prompt: ${job.negative}`] : []), line].join('\n');
}

/** The LoRAs that no tag of the prompt calls up, as tags: others know no other way. */
const tagsFor = ({ loras = [], files }: JobSpec): string[] => loras.flatMap(({ unet, text, ranks, fromPrompt }, i) => {
  const weights = ranks === undefined ? (text === unet ? [unet] : [text, unet]) : [text, unet, ranks];
  return fromPrompt ? [] : [`<lora:${[files.loras?.[i]?.name, ...weights].join(':')}>`];
});

/** Each file of the job, with what its slot is in the text, and which it is of its list, from 1. */
const fileList = (files: JobSpec['files']) => slotNames.flatMap((slot) => [files[slot]].flat().flatMap((file, i) => (file ? [{ inText: slotOf(slot).inText, file, n: i + 1 }] : [])));

const pair = (key: string, value: string): string => (key === value ? key : `${key}: ${needsQuotes(value) ? JSON.stringify(value) : value}`);

/** As A1111 quotes, and where space, a quote or a bracket at its ends would be taken for more than a letter. */
const needsQuotes = (value: string): boolean => /[,:\n\r]|^["[{]/.test(value) || value !== value.trim();

/** As in A1111's lists of checkpoints: the name, and ten digits of the hash in brackets. */
const titleOf = ({ name, hash }: { name: string; hash: string | null }): string => (hash ? `${name} [${hash.slice(0, 10)}]`.trimStart() : name);

/**
 * Reads the text by A1111's own rules, and by what wrote such texts before it quoted line breaks: pairs may go on over several lines, and templates of
 * prompts may stand before or behind them. A last line with fewer than three pairs belongs to the prompt. Never throws.
 */
export function parseParameters(text: string): Parameters {
  const clean = text.replaceAll('\0', '').replace(/\r\n?/g, '\n').trim(), { prompts, pairs } = splitPairs(clean);
  const { prompt, negative, templates } = readPrompts(prompts, pairs !== null);
  return { prompt, negative, fields: new Map([...templates, ...pairs ?? []]) };
}
