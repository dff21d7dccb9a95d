// What a picture of ours says of itself: `parameters` for other tools, and our whole job, which makes the same picture again.
import { z } from 'zod';
import { AnyJob } from '../../../preload/contract/job';
import { parametersText, parseParameters, type Parameters } from './parameters';
import { readPngTexts, type PngText } from '../../files/png-text';

/** The same job gives the same texts, whatever the order of its fields, and so the same file. */
export function pictureTexts(job: AnyJob, { version }: { version: string }): PngText[] {
  return [
    { keyword: 'parameters', text: parametersText(job, { version }) },
    { keyword: 'atelier', text: JSON.stringify(AnyJob.parse(job)) },
  ];
}

/** What is the picture's own, beside its job: two runs of one job differ in this alone. */
const Own = z.object({ /** Part of names of files. */ id: z.uuid(), /** ms since 1970. */ createdAt: z.int().min(0), /** From the job's start to its pixels. */ seconds: z.number().min(0) });
export type Own = z.infer<typeof Own>;

export const ownText = (own: Own): PngText => ({ keyword: 'atelier-picture', text: JSON.stringify(Own.parse(own)) });

export interface PictureTexts {
  /** null where there is none: pictures were made without until version 2. */
  readonly own: Own | null;
  /** Ours, null when there is none or when it cannot be understood. */
  readonly job: AnyJob | null;
  /** Ours, A1111's, Forge's; null when there is none. */
  readonly parameters: (Parameters & { readonly text: string }) | null;
}

/** Reads the texts of a PNG. Never throws; what is no PNG has none. */
export function readPicture(png: Uint8Array): PictureTexts {
  const texts = new Map(readPngTexts(png).map(({ keyword, text }) => [keyword, text]));
  const parameters = texts.get('parameters');
  return { own: parsed(Own, texts.get('atelier-picture')), job: parsed(AnyJob, texts.get('atelier')), parameters: parameters === undefined ? null : { text: parameters, ...parseParameters(parameters) } };
}

function parsed<T>(schema: z.ZodType<T>, text: string | undefined): T | null {
  try {
    return text === undefined ? null : schema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
