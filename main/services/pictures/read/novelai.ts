// NovelAI: Description and a Comment of JSON, as PNG texts, in a WebP's UserComment (JSON inside JSON), or in the lowest bits of the pixels.
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { asInteger, asList, asNumber, asObject, asSeed, asText, asWords, compact, Fields } from './fields';
import { parseJsonObject, type JsonObject } from './json';
import type { Reader, Texts } from './reading';
import { jobResources } from './resources';
import { asSchedule, takeSampler } from './sampling-fields';

/** As A1111 reads these pictures: layer and seed offset that NovelAI is known to use. */
const CLIP_SKIP = 2, ENSD = 31337;

export const readNovelAi: Reader = (picture) => {
  const { fields, used } = topLevel(picture);
  const comment = parseJsonObject(fields.get('Comment'));
  const isTheirs = fields.get('Software') === 'NovelAI' || /^NovelAI/.test(fields.get('Source') ?? '') || comment?.v4_prompt !== undefined || comment?.signed_hash !== undefined;
  if (!comment || !isTheirs) return null;
  const { job, rest } = readComment(comment, fields.get('Description'), picture);
  const source = fields.get('Source');
  if (source !== undefined) job.model = { name: source, hash: null };
  const own = ['Comment', 'Description', 'Source', 'Software'];
  job.extra = { ...Object.fromEntries([...fields].filter(([key]) => !own.includes(key))), ...rest };
  return { source: 'novelai', job, resources: jobResources(job), used: [...used, ...own] };
};

/** A picture's PNG texts, or what one text of JSON has in their place. */
function topLevel({ texts }: Texts): { fields: ReadonlyMap<string, string>; used: string[] } {
  for (const key of ['exif.UserComment', 'comment', 'stealth']) {
    const object = parseJsonObject(texts.get(key));
    if (object?.Comment === undefined) continue;
    return { fields: new Map(Object.entries(object).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)])), used: [key, 'exif.Software'] };
  }
  const own = ['Comment', 'Description', 'Source', 'Software'];
  return { fields: new Map([...texts].filter(([key]) => own.includes(key))), used: [] };
}

function readComment(comment: JsonObject, description: string | undefined, { width, height }: Texts): { job: PictureJob; rest: Record<string, unknown> } {
  const left = Fields.of(comment);
  const found = takeSampler(left, 'sampler');
  const written = left.take(asText, 'prompt'), uc = left.take(asText, 'uc');
  const prompt = captionsOf(comment, 'v4_prompt'), negative = captionsOf(comment, 'v4_negative_prompt');
  const whole = asWords(description?.replaceAll('\0', '')) ?? prompt.base ?? written ?? '';
  const job: PictureJob = {
    ...compact({
      prompt: joined([whole, ...prompt.characters]), negative: joined([uc ?? negative.base ?? '', ...negative.characters]),
      steps: left.take(asInteger, 'steps'), sampler: found?.sampler ?? 'euler_a' as const,
      schedule: left.take(asSchedule, 'noise_schedule') ?? found?.schedule,
      cfg: left.take(asNumber, 'scale'), seed: left.take(asSeed, 'seed'), width: left.take(asInteger, 'width') ?? width, height: left.take(asInteger, 'height') ?? height,
      clipSkip: CLIP_SKIP, ensd: ENSD, strength: left.take(asNumber, 'strength'), cfgRescale: left.take(asNumber, 'cfg_rescale'),
    }),
    loras: [], extra: {},
  };
  if (written !== undefined && written !== whole) left.keep('prompt', written);
  return { job, rest: left.rest() };
}

/** Since its fourth version: what the whole picture is asked for, and each of its characters, who have places besides. */
function captionsOf(comment: JsonObject, key: string): { base: string | undefined; characters: string[] } {
  const caption = asObject(asObject(comment[key])?.caption), characters = asList(caption?.char_captions) ?? [];
  return { base: asWords(caption?.base_caption), characters: characters.flatMap((character) => asWords(asObject(character)?.char_caption) ?? []) };
}

/** Each ends in a comma, whether it had one or none. */
const joined = (parts: readonly string[]): string => (parts.length === 1 ? parts[0]! : parts.map((part) => part.trim().replace(/,$/, '').trimEnd()).filter((part) => part !== '').join(', '));
