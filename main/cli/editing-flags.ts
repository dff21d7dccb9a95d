// The flags of `generate` for what is repainted and made larger, and the fields of the request that they mean.
import { Detail } from '../../preload/contract/detail';
import type { JobRequest } from '../../preload/contract/job';
import type { PictureRequest } from '../../preload/contract/picture-report';
import { detailTargets, fillNames, samplerNames, scheduleNames, upscalerLabels, upscalerNames, type UpscalerName } from '../../preload/contract/vocabulary';
import { AppError } from '../engine/errors';
import { isSamplerName, isScheduleName, samplingOf } from './sampler-names';
import type { Command, parseCommand } from './args';

export const editingFlags = {
  'mask-invert': { kind: 'switch', help: 'where --mask is black, something new is painted' },
  'mask-grow': { kind: 'number', value: 'PX', help: 'pixels that --mask grows by, on all sides; below 0 it shrinks' },
  'mask-blur': { kind: 'number', value: 'PX', help: 'how softly --mask ends: a standard deviation in pixels' },
  'inpaint-fill': { kind: 'text', value: 'WHAT', help: 'what stands there before: the picture, the colours around it, noise, or nothing', choices: fillNames },
  'inpaint-area': { kind: 'text', value: 'AREA', help: 'whole: all of the picture is shown to the model; masked: the part around --mask, at --size, put back into the picture, which keeps its own', choices: ['whole', 'masked'] },
  padding: { kind: 'number', value: 'PX', help: 'pixels around --mask that the model is shown with --inpaint-area masked; 32 without it' },
  'soft-inpaint': { kind: 'switch', help: 'greys of --mask say how much may change (differential diffusion)' },
  outpaint: { kind: 'text', value: 'SIDE:PX,…', help: 'new ground around --init, such as right:128,left:64; sides are left, right, top, bottom; --strength is 0.8 then' },
  seamless: { kind: 'text', value: 'AXES', help: 'the picture goes on at the other side: left at right (x), top at bottom (y), or both', choices: ['x', 'y', 'both'] },
  detail: { kind: 'list', value: 'WHAT', help: `what of the finished picture is found and repainted by itself: ${detailTargets.join(', ')}; behind it, with commas, prompt=TEXT, strength=0-1, padding=PX, and the others of ADetailer's settings` },
  'hires-scale': { kind: 'number', value: 'N', help: 'a second pass over the picture made N times as large' },
  'hires-size': { kind: 'text', value: 'WxH', help: 'the same with a size in place of a factor' },
  'hires-upscaler': { kind: 'text', value: 'NAME', help: `what makes it larger: ${upscalerNames.join(', ')}, or an upscaler's file or name` },
  'hires-strength': { kind: 'number', value: '0-1', help: 'how much the second pass may change; 0.7 without it' },
  'hires-steps': { kind: 'number', value: 'N', help: 'steps of the second pass; as many as the first without it' },
  'hires-sampler': { kind: 'text', value: 'NAME', help: 'its sampler', choices: samplerNames, known: isSamplerName },
  'hires-schedule': { kind: 'text', value: 'NAME', help: 'its noise schedule', choices: scheduleNames, known: isScheduleName },
  'hires-cfg': { kind: 'number', value: 'N', help: 'its --cfg' },
  'hires-prompt': { kind: 'text', value: 'TEXT', help: 'its --prompt' },
  'hires-negative': { kind: 'text', value: 'TEXT', help: 'its --negative' },
} as const satisfies Command['flags'];

type Values = ReturnType<typeof parseCommand<typeof editingFlags>>['values'];
type Fields = Pick<Partial<JobRequest>, 'inpaint' | 'hires' | 'outpaint' | 'seamless' | 'details'>;

const inpaintFlags = ['mask-invert', 'mask-grow', 'mask-blur', 'inpaint-fill', 'inpaint-area', 'padding', 'soft-inpaint'] as const;
const hiresFlags = ['hires-upscaler', 'hires-strength', 'hires-steps', 'hires-sampler', 'hires-schedule', 'hires-cfg', 'hires-prompt', 'hires-negative'] as const;

/** Flags that mean nothing without another. */
export const editingCompanions = [['outpaint', 'init']] as const;

/** Over what a picture says of it. How a mask is read means nothing without one. */
export function editingFrom(values: Values, hasMask: boolean, like: PictureRequest): { [F in keyof Fields]: unknown } {
  const own = withoutUnset({
    invert: values['mask-invert'] || undefined, grow: values['mask-grow'], blur: values['mask-blur'], fill: values['inpaint-fill'], area: values['inpaint-area'], padding: values['padding'],
    soft: values['soft-inpaint'] ? {} : undefined,
  });
  const inpaint = { ...like.inpaint, ...own }, hires = hiresFrom(values, like.hires), outpaint = values.outpaint === undefined ? like.outpaint : marginsFrom(values.outpaint);
  const [flag] = inpaintFlags.filter((each) => values[each] !== undefined && values[each] !== false);
  if (flag && !hasMask && !outpaint) throw new AppError('usage', { why: 'companion', flag: `--${flag}`, base: '--mask' });
  return { inpaint: (hasMask || outpaint) && Object.keys(inpaint).length > 0 ? inpaint : undefined, hires, ...withoutUnset({ outpaint, seamless: values.seamless }), ...(values.detail.length > 0 && { details: values.detail.map(detailFrom) }) };
}

/** 'right:128,left:64'. Throws usage. */
function marginsFrom(text: string): Record<string, number> {
  return Object.fromEntries(text.split(',').map((part) => {
    const [, side, px] = /^\s*(left|right|top|bottom)\s*[:=]\s*(\d{1,4})\s*$/i.exec(part) ?? [];
    if (side === undefined) throw new AppError('usage', { why: 'sides', value: text });
    return [side.toLowerCase(), Number(px)];
  }));
}

const detailKeys = Object.keys(Detail.shape).filter((key) => key !== 'find');
const kebab = (key: string): string => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const detailPart = new RegExp(`,\\s*(${detailKeys.map(kebab).join('|')})=`);

/** 'face,strength=0.5,prompt=a face, smiling': commas that no setting follows are text. Throws usage. */
function detailFrom(text: string): Record<string, unknown> {
  const [find = '', ...parts] = text.split(detailPart), target = find.trim().toLowerCase();
  if (!detailTargets.some((name) => name === target) || parts.some((part) => /,\s*[a-z][a-z-]*=/.test(part))) throw new AppError('usage', { why: 'detail', value: text, names: [...detailTargets] });
  const settings = detailKeys.flatMap((key): [string, unknown][] => {
    const at = parts.findIndex((part, i) => i % 2 === 0 && part === kebab(key)), said = parts[at + 1]?.trim();
    return at < 0 || said === undefined ? [] : [[key, said !== '' && Number.isFinite(Number(said)) && key !== 'prompt' && key !== 'negative' ? Number(said) : said]];
  });
  const own = Object.fromEntries(settings), named = samplingOf(textOf(own['sampler']), textOf(own['schedule']));
  return { find: target, ...own, ...named };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

function hiresFrom(values: Values, like: PictureRequest['hires']): object | undefined {
  const [flag] = hiresFlags.filter((each) => values[each] !== undefined);
  if (!like && flag && values['hires-scale'] === undefined && values['hires-size'] === undefined) throw new AppError('usage', { why: 'companion', flag: `--${flag}`, base: '--hires-scale' });
  const size = values['hires-size'] === undefined ? {} : sizeFrom(values['hires-size']), { scale, width, height, ...rest } = like ?? {};
  const target = values['hires-scale'] !== undefined ? { scale: values['hires-scale'] } : 'width' in size ? size : { scale, width, height };
  const named = samplingOf(values['hires-sampler'], values['hires-schedule']);
  const own = withoutUnset({ upscaler: ownUpscaler(values['hires-upscaler'] ?? ''), strength: values['hires-strength'], steps: values['hires-steps'], ...named, cfg: values['hires-cfg'], prompt: values['hires-prompt'], negative: values['hires-negative'] });
  const hires = { ...rest, ...withoutUnset(target), ...own };
  return Object.keys(hires).length > 0 ? hires : undefined;
}

/** By our name or A1111's; anything else is a file's. */
export const ownUpscaler = (named: string): UpscalerName | undefined => upscalerNames.find((name) => [name, upscalerLabels[name]].some((each) => each.toLowerCase() === named.trim().toLowerCase()));

/** '512x768'. Throws usage. */
export function sizeFrom(text: string): { width: number; height: number } {
  const [, width, height] = /^(\d{1,5})[x×*](\d{1,5})$/i.exec(text.trim()) ?? [];
  if (width === undefined || height === undefined) throw new AppError('usage', { why: 'size', value: text });
  return { width: Number(width), height: Number(height) };
}

export function withoutUnset<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}
