// Nodes that make, change and sample latents and pixels.
import { asText } from '../../fields';
import type { Call } from '../call';
import { as, plain, type Fields, type Pass, type Picture, type Plain, type Resize, type Size, type Unknown, type Value } from '../values';
import { numberOf, text, type Made, type Rule } from './kit';

/** Under all the names that outputs have for it. */
const both = (picture: Picture): Made => ({ latent: { ...picture, isLatent: true }, image: { ...picture, isLatent: false } });

export const blank = (size: Size | undefined): Made => both({ kind: 'picture', size, keepsSize: false, isLatent: true });

/** Empty latents of a size that is written. */
export const empties = (width = 'width', height = 'height'): Rule => (call) => blank(sizeAt(call, width, height));

export const sizeAt = (call: Call, width: string, height: string): Size => ({
  width: call.inputs.get(width) ?? call.unknown,
  height: call.inputs.get(height) ?? call.unknown,
});

/** '1216 x 832 (landscape)', '832x1216 (0.68)': the first two numbers with an x between them. */
export function sizeInWords(words: unknown): { width: number; height: number } | undefined {
  const [, width, height] = /(\d{2,5})\s*[x×*]\s*(\d{2,5})/i.exec(asText(words) ?? '') ?? [];
  return width && height ? { width: Number(width), height: Number(height) } : undefined;
}

/** A size out of a choice of sizes; where the choice has none ('custom'), the one that is written. */
export function chosenSize(call: Call, choice: string, width: string, height: string): Size {
  const chosen = call.inputs.get(choice), size = chosen?.kind === 'plain' ? sizeInWords(chosen.value) : undefined;
  if (chosen?.kind === 'unknown') return { width: chosen, height: chosen };
  return size && chosen?.kind === 'plain' ? { width: plain(size.width, chosen), height: plain(size.height, chosen) } : sizeAt(call, width, height);
}

export const pictureOf = (call: Call): Picture | undefined =>
  as('picture', call.fields.get('latent')) ?? as('picture', call.fields.get('image')) ??
  [...call.inputs.values()].flatMap((value) => as('picture', value) ?? [])[0];

/** The picture that comes in, as large as it was. */
export function kept(call: Call, before = pictureOf(call)): Made {
  return both({ kind: 'picture', before, size: before?.size, keepsSize: true, isLatent: true, vae: call.fields.get('vae') });
}

export function resized(call: Call, resize: Resize, size: Size | undefined, before = pictureOf(call)): Made {
  return both({ kind: 'picture', before, resize, size, keepsSize: false, isLatent: true });
}

/** What is made of both sides of a size. */
export function sizeBy(call: Call, size: Size | undefined, by: Value | undefined, side: (side: number, by: number) => number): Size | undefined {
  if (!size || !by) return undefined;
  const made = (of: Value): Value => {
    if (of.kind !== 'plain') return of;
    if (by.kind !== 'plain') return by;
    const a = numberOf(of.value), b = numberOf(by.value);
    return a === undefined || b === undefined ? call.unknown : plain(side(a, b), of, by);
  };
  return { width: made(size.width), height: made(size.height) };
}

/** Latents are eighths. */
export const inEighths = (side: number, by: number): number => Math.round((side / 8) * by) * 8;
const inPixels = (side: number, by: number): number => Math.round(side * by);

export const scalesBy = (by: string, side = inPixels, method = 'upscale_method'): Rule => (call) => {
  const factor = call.inputs.get(by);
  return resized(call, { by: factor, method: call.inputs.get(method) }, sizeBy(call, pictureOf(call)?.size, factor, side));
};

/** To a size that is written; where one side is 0, as the other one grows. */
export const scalesTo = (width = 'width', height = 'height', method = 'upscale_method'): Rule => (call) => {
  const to = sizeAt(call, width, height), before = pictureOf(call)?.size;
  const full = before
    ? { width: follows(call, to.width, to.height, before.width, before.height), height: follows(call, to.height, to.width, before.height, before.width) }
    : to;
  return resized(call, { to: full, method: call.inputs.get(method) }, full);
};

function follows(call: Call, side: Value, other: Value, sideBefore: Value, otherBefore: Value): Value {
  if (side.kind !== 'plain' || side.value !== 0) return side;
  const [a, b, c] = [other, sideBefore, otherBefore].map((value) => (value.kind === 'plain' ? numberOf(value.value) : undefined));
  return a === undefined || b === undefined || !c ? call.unknown : plain(Math.max(1, Math.round((b * a) / c)), side, other as Plain);
}

const factorInName = /(?:^|[^0-9])([1-8])x|x([1-8])(?![0-9])/i;

/** By a model, whose file's name tells how much: '4x-sharp', 'plus_x2'. */
export function factorOf(name: Value | undefined): Plain | Unknown | undefined {
  if (name?.kind !== 'plain') return name?.kind === 'unknown' ? name : undefined;
  const factor = factorInName.exec(text(name.value))?.slice(1).find(Boolean);
  return factor === undefined ? undefined : plain(Number(factor));
}

export const scalesByModel: Rule = (call) => {
  const name = as('upscaler', call.fields.get('upscale_model'))?.name, factor = factorOf(name) ?? call.unknown;
  return resized(call, { by: factor, upscaler: name }, sizeBy(call, pictureOf(call)?.size, factor, inPixels));
};

/** A picture's sides, for nodes that tell them. */
export const sidesOf = (picture: Picture | undefined, call: Call): Made => ({
  width: picture?.size?.width ?? call.unknown,
  height: picture?.size?.height ?? call.unknown,
});

/** A sampler: what it works on comes in as latents, or as a picture. */
export function sampled(call: Call, fields: Fields = call.fields, more: Partial<Pass> = {}): Made {
  const before = as('picture', fields.get('latent')) ?? as('picture', fields.get('image'));
  return both({ kind: 'picture', before, size: before?.size, keepsSize: true, isLatent: true, pass: { node: call.node, fields, isSure: true, ...more } });
}

export const samples: Rule = (call) => sampled(call);

/** A pass over a picture that it makes larger itself. */
export const samplesLarger = (by: string): Rule => (call) => {
  const factor = call.inputs.get(by), before = pictureOf(call), name = as('upscaler', call.fields.get('upscale_model'))?.name;
  const larger: Picture = {
    kind: 'picture',
    before,
    resize: { by: factor, upscaler: name },
    size: sizeBy(call, before?.size, factor, inPixels),
    keepsSize: false,
    isLatent: false,
  };
  return sampled(call, new Map([...call.fields, ['latent', larger]]));
};

/** With fields under other names: `{ model: 'base_model' }`. */
export const renamed = (fields: Fields, names: Readonly<Record<string, string>>): Fields => new Map([
  ...fields,
  ...Object.entries(names).flatMap(([to, from]): [string, Value][] => {
    const value = fields.get(from);
    return value ? [[to, value]] : [];
  }),
]);
