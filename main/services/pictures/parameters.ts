// AUTOMATIC1111's `parameters` text, the community's common form: prompt, negative prompt, and one line of `Key: value` pairs.
import type { JobSpec } from '../../../preload/contract/job';
import { samplerLabels, scheduleLabels } from '../../../preload/contract/vocabulary';

export interface Parameters {
  readonly prompt: string;
  readonly negative: string;
  /** As written, in their order. `Size: 512x768` is read as `Size-1` and `Size-2`. */
  readonly fields: ReadonlyMap<string, string>;
}

const negativePrefix = 'Negative prompt:';

/** The job in A1111's words and order. `version` of Atelier, e.g. '0.1.0'. */
export function parametersText(job: JobSpec, { version }: { version: string }): string {
  const pairs: [key: string, value: string | number | null][] = [
    ['Steps', job.steps],
    ['Sampler', samplerLabels[job.sampler]],
    ['Schedule type', scheduleLabels[job.schedule]],
    ['CFG scale', job.cfg],
    ['Seed', job.seed],
    ['Size', `${job.width}x${job.height}`],
    ['Model hash', job.model.hash?.slice(0, 10) ?? null],
    ['Model', job.model.name || null],
    ['Denoising strength', job.strength ?? null],
    ['Clip skip', job.clipSkip > 1 ? job.clipSkip : null],
    ['RNG', job.noise === 'gpu' ? null : 'CPU'],      // absent means the graphics card's; ComfyUI's first noise is the CPU's too
    ['Version', `atelier ${version}`],
  ];
  const line = pairs.filter(([, value]) => value !== null).map(([key, value]) => pair(key, String(value))).join(', ');
  return [job.prompt, ...(job.negative ? [`${negativePrefix} ${job.negative}`] : []), line].join('\n');
}

const pair = (key: string, value: string): string => (key === value ? key : `${key}: ${/[,:\n]/.test(value) ? JSON.stringify(value) : value}`);

// A key has two characters or more. Its length is bounded, so that a long line without a colon takes linear time.
const pairPattern = /([\p{L}\p{N}_][\p{L}\p{N}_ \-/]{1,99}):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/gu;
const sizePattern = /^(\d+)x(\d+)$/;

/** Reads the text by A1111's own rules. A last line with fewer than three pairs belongs to the prompt. Never throws. */
export function parseParameters(text: string): Parameters {
  const lines = text.trim().split('\n');
  const matches = [...lines.at(-1)!.matchAll(pairPattern)];
  if (matches.length >= 3) lines.pop();
  return { ...parsePrompts(lines), fields: new Map(matches.length >= 3 ? matches.flatMap(([, key, value]) => parsePair(key!.trim(), value!)) : []) };
}

function parsePrompts(lines: readonly string[]): { prompt: string; negative: string } {
  const found = { prompt: '', negative: '' };
  let part: keyof typeof found = 'prompt';
  for (let line of lines.map((each) => each.trim())) {
    if (line.startsWith(negativePrefix)) {
      part = 'negative';
      line = line.slice(negativePrefix.length).trim();
    }
    found[part] += found[part] === '' ? line : `\n${line}`;
  }
  return found;
}

function parsePair(key: string, written: string): [string, string][] {
  const value = unquote(written);
  const size = sizePattern.exec(value);
  return size ? [[`${key}-1`, size[1]!], [`${key}-2`, size[2]!]] : [[key, value]];
}

function unquote(value: string): string {
  if (!/^".*"$/s.test(value)) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return value;
  }
}
