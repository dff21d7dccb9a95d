// What programs put into a file beside a picture: A1111's and Easy Diffusion's .txt; Easy Diffusion's, Fooocus', SwarmUI's and ComfyUI's .json.
import { readFile, stat } from 'node:fs/promises';
import type { PictureReport } from '../../../preload/contract/picture-report';
import { looksLikeSafetensors } from '../../engine/weights/container';
import { readTexts } from './read';
import type { LocalModel } from '../models/which-model';
import { missingResources } from './read/resources';

const MAX_BYTES = 8 << 20;

/** null when the file is no text by its name, or cannot be read. */
export async function readTextFile(path: string): Promise<string | null> {
  if (!/\.(?:txt|json)$/i.test(path)) return null;
  const found = await stat(path).catch(() => null);
  const bytes = found?.isFile() && found.size <= MAX_BYTES ? await readFile(path).catch(() => null) : null;
  return bytes && !looksLikeSafetensors(bytes) ? bytes.toString('utf8').replace(/^\ufeff/, '') : null;
}

/** The places in pictures where the same text would stand, in the order of the surest. */
const places = ['exif.UserComment', 'prompt', 'workflow'];

/** null when the text says nothing of a picture. Never throws. */
export function reportOnText(text: string, locals: readonly LocalModel[] = []): PictureReport | null {
  for (const texts of [titlesOf(text), ...places.map((place) => new Map([[place, text]]))]) {
    const reading = readTexts({ texts, width: 0, height: 0 });
    if (reading) return { kind: 'picture', source: reading.source, job: reading.job, missing: missingResources(reading.resources, locals) };
  }
  return null;
}

/** Easy Diffusion's lines, `Negative Prompt: fog`. */
const titlesOf = (text: string): Map<string, string> => new Map(text.split('\n').flatMap((line): [string, string][] => {
  const [, title, value] = /^([A-Z][A-Za-z ]{1,40}): (.*?)\r?$/.exec(line) ?? [];
  return title === undefined || value === undefined ? [] : [[title, value]];
}));
