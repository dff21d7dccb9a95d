// What a picture of ours says of itself: `parameters` for other tools, and our whole job, which makes the same picture again.
import { JobSpec } from '../../../preload/contract/job';
import { parametersText, parseParameters, type Parameters } from './parameters';
import { readPngTexts, type PngText } from '../../files/png-text';

/** The same job gives the same texts, whatever the order of its fields, and so the same file. */
export function pictureTexts(job: JobSpec, { version }: { version: string }): PngText[] {
  return [
    { keyword: 'parameters', text: parametersText(job, { version }) },
    { keyword: 'atelier', text: JSON.stringify(JobSpec.parse(job)) },
  ];
}

export interface PictureTexts {
  /** Ours, null when there is none or when it cannot be understood. */
  readonly job: JobSpec | null;
  /** Ours, A1111's, Forge's; null when there is none. */
  readonly parameters: (Parameters & { readonly text: string }) | null;
}

/** Reads the texts of a PNG. Never throws; what is no PNG has none. */
export function readPicture(png: Uint8Array): PictureTexts {
  const texts = new Map(readPngTexts(png).map(({ keyword, text }) => [keyword, text]));
  const job = texts.get('atelier'), parameters = texts.get('parameters');
  return { job: job === undefined ? null : parseJob(job), parameters: parameters === undefined ? null : { text: parameters, ...parseParameters(parameters) } };
}

function parseJob(text: string): JobSpec | null {
  try {
    return JobSpec.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
