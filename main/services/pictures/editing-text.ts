// How A1111's text says what was repainted and made larger, in its own words, and reads it.
import type { JobSpec } from '../../../preload/contract/job';
import type { PictureJob } from '../../../preload/contract/picture-report';
import { fillLabels, fillNames, samplerLabels, scheduleLabels, upscalerLabels } from '../../../preload/contract/vocabulary';
import { asNumber, asText, compact, type Fields, type Parse } from './read/fields';

type Pair = [key: string, value: string | number | null | undefined];

/** The values of soft inpainting, all of which A1111 writes. */
const softKeys = {
  bias: 'Soft inpainting schedule bias', preservation: 'Soft inpainting preservation strength', contrast: 'Soft inpainting transition contrast boost',
  influence: 'Soft inpainting mask influence', threshold: 'Soft inpainting difference threshold', edge: 'Soft inpainting difference contrast',
} as const;
const soft = Object.entries(softKeys) as [keyof typeof softKeys, string][];

/** `Mask grow` is ours; of a mask that is read as it stands there is nothing to say. */
export const editingPairs = ({ strength, inpaint, hires, files, seamless, outpaint }: JobSpec): Pair[] => [
  ['Tiling', seamless && 'True'], ['Tiling axis', seamless === 'both' ? null : seamless],
  ['Outpaint', outpaint && sides.flatMap((side) => (outpaint[side] > 0 ? [`${side} ${outpaint[side]}`] : [])).join(' ')],
  ...(inpaint ? inpaintPairs(inpaint) : []), ...(hires ? hiresPairs(hires, strength, files.upscaler !== undefined) : []),
];

const sides = ['left', 'right', 'top', 'bottom'] as const;

const inpaintPairs = ({ invert, grow, blur, fill, area, padding, soft: values }: NonNullable<JobSpec['inpaint']>): Pair[] => [
  ['Mask mode', invert ? 'Inpaint not masked' : null], ['Mask blur', blur || null], ['Mask grow', grow || null],
  ['Inpaint area', area === 'masked' ? 'Only masked' : null], ['Masked area padding', area === 'masked' ? padding : null],
  ['Masked content', fill === 'original' ? null : fillLabels[fill]],
  ...(values ? [['Soft inpainting enabled', 'True'] as Pair, ...soft.map(([name, key]): Pair => [key, values[name]])] : []),
];

/** Where the first pass has a strength of its own, the second's is SD.Next's `Hires strength`. */
const hiresPairs = ({ scale, width, height, upscaler, strength, steps, sampler, schedule, cfg, prompt, negative }: NonNullable<JobSpec['hires']>, first: number | undefined, byFile: boolean): Pair[] => [
  ['Hires sampler', sampler && samplerLabels[sampler]], ['Hires schedule type', schedule && scheduleLabels[schedule]], ['Hires CFG Scale', cfg],
  ['Hires prompt', prompt || null], ['Hires negative prompt', negative || null],
  width === undefined ? ['Hires upscale', scale] : ['Hires resize', `${width}x${height}`], ['Hires steps', steps], ['Hires upscaler', byFile ? null : upscalerLabels[upscaler]],
  ['Hires strength', first === undefined ? null : strength],
];

const asFill: Parse<NonNullable<PictureJob['inpaint']>['fill']> = (value) => fillNames.find((name) => fillLabels[name] === value);
/** A word that stands for one of two, as A1111 writes it. */
const asWord = (word: string): Parse<true> => (value) => (asText(value)?.toLowerCase() === word.toLowerCase() ? true : undefined);

/** A1111 knows both axes, which need no name. */
export function readSeamless(left: Fields): PictureJob['seamless'] {
  if (!left.take(asWord('True'), 'Tiling')) return undefined;
  return left.take((value) => (value === 'x' || value === 'y' ? value : undefined), 'Tiling axis') ?? 'both';
}

/** Its mask and picture are in no text. */
export function readInpaint(left: Fields): PictureJob['inpaint'] {
  const isPart = left.take(asWord('Only masked'), 'Inpaint area');
  const inpaint: NonNullable<PictureJob['inpaint']> = compact({
    invert: left.take(asWord('Inpaint not masked'), 'Mask mode'), blur: left.take(asNumber, 'Mask blur'), grow: left.take(asNumber, 'Mask grow'),
    area: isPart && 'masked' as const, padding: left.take(asNumber, 'Masked area padding'), fill: left.take(asFill, 'Masked content'),
    soft: left.take(asWord('True'), 'Soft inpainting enabled') && Object.fromEntries(soft.flatMap(([name, key]): [string, number][] => { const value = left.take(asNumber, key); return value === undefined ? [] : [[name, value]]; })),
  });
  return Object.keys(inpaint).length > 0 ? inpaint : undefined;
}
