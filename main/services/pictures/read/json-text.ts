// Programs that write one object of JSON, or one PNG text a key: RuinedFooocus, Fooocus' other forks, Spaces of Hugging Face, and scripts of people who use diffusers.
import type { PictureSource } from '../../../../preload/contract/vocabulary';
import { asNumber, asObject, asText, asWords, compact, asInteger } from './fields';
import type { JsonObject } from './json';
import { isJsonJob, readJsonJob } from './json-job';
import { placedObjects, sized, type Reader, type Texts } from './reading';

/** What tells them apart, the surest first. */
const marks: readonly [source: PictureSource, is: (object: JsonObject) => boolean][] = [
  ['ruinedfooocus', ({ software }) => /RuinedFooocus/i.test(asText(software) ?? '')],
  ['fooocus', ({ software, version, real_prompt: real }) => real !== undefined || /Fooocus/i.test(`${asText(software) ?? ''} ${asText(version) ?? ''}`)],
  ['huggingface', (object) => 'use_upscaler' in object || ('num_inference_steps' in object && ('resolution' in object || 'Model' in object))],
];

export const readJsonText: Reader = (picture) => {
  for (const { used, object } of [...placedObjects(picture).map(([place, object]) => ({ used: [place], object })), keyedTexts(picture)]) {
    if (!isJsonJob(object)) continue;
    const { job: said, resources } = readJsonJob(object), upscaler = asObject(object.use_upscaler);
    const job = sized(upscaler ? { ...said, hires: readUpscaler(upscaler) } : said, picture);
    return { source: marks.find(([, is]) => is(object))?.[0] ?? 'other', job, resources, used };
  }
  return null;
};

/** Keys may have the program's name before them, `SD:prompt`. */
function keyedTexts({ texts }: Texts): { used: string[]; object: JsonObject } {
  const keyed = [...texts].filter(([key]) => !/^(?:exif|xmp)\./.test(key));
  return { used: keyed.map(([key]) => key), object: Object.fromEntries(keyed.map(([key, text]) => [key.replace(/^\w{1,20}:/, ''), text])) };
}

/** Of Animagine's Space and those made after it. */
const readUpscaler = (upscaler: JsonObject) => compact({
  scale: asNumber(upscaler.upscale_by), strength: asNumber(upscaler.upscaler_strength), steps: asInteger(upscaler.upscale_steps), upscaler: asWords(upscaler.upscale_method),
});
