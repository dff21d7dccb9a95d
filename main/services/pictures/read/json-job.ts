// A job as an object of JSON tells it. Programs have the same things under words of their own, in any spelling: `cfg_scale`, `cfgScale`, `CFG scale`.
import type { PictureJob, Resource } from '../../../../preload/contract/picture-report';
import { stem } from '../../models/which-model';
import { asInteger, asNumber, asObject, asSeed, asSize, asText, compact, Fields, type Parse } from './fields';
import type { JsonObject } from './json';
import { asLoras, hex, nameIn, type Lora } from './json-loras';
import { asModelName, jobResources, namedModel } from './resources';
import { asSampler, asSchedule, takeSampler } from './sampling-fields';

const words = {
  prompt: ['prompt', 'positive prompt', 'positive'],
  negative: ['negative prompt', 'negative', 'uc'],
  steps: ['steps', 'num inference steps', 'inference steps', 'sampling steps', 'num steps'],
  cfg: ['cfg scale', 'cfg', 'guidance scale', 'guidance'],
  seed: ['seed', 'noise seed'],
  sampler: ['sampler', 'sampler name', 'ksampler name', 'sampling method', 'sample method'],
  schedule: ['scheduler', 'schedule', 'schedule type', 'scheduler name'],
  size: ['resolution', 'size', 'image size'],
  model: ['base model name', 'base model', 'model name', 'model', 'checkpoint', 'ckpt name', 'model id'],
  hash: ['base model hash', 'model hash', 'hash'],
  vae: ['vae', 'vae name', 'sd vae'],
  strength: ['denoise', 'denoising strength', 'strength'],
  loras: ['loras', 'lora', 'models'],
  ensd: ['eta noise seed delta', 'ensd'],
} as const;

/** Whether it tells at all how a picture was made: words, and two more things. */
export function isJsonJob(object: JsonObject): boolean {
  const left = Fields.of(object), has = (parse: Parse<unknown>, keys: readonly string[]): boolean => keys.some((key) => left.peek(parse, key) !== undefined);
  const said = [has(asInteger, words.steps), has(asNumber, words.cfg), has(asSeed, words.seed), has(asSampler, words.sampler) || has(asSampler, words.schedule), has(asSize, words.size) || has(asInteger, ['width'])];
  return has(asText, words.prompt) && said.filter(Boolean).length >= 2;
}

/** Never throws. What has no place in a job is in `extra`, under its own name. */
export function readJsonJob(object: JsonObject): { job: PictureJob; resources: Resource[] } {
  const left = Fields.of(object);
  // diffusers calls a sampler a scheduler.
  const sampling = takeSampler(left, ...words.sampler) ?? (words.schedule.some((key) => left.peek(asSchedule, key)) ? undefined : takeSampler(left, ...words.schedule));
  const loras = takeLoras(left);
  const job: PictureJob = {
    ...compact({
      prompt: left.take(asText, ...words.prompt) ?? '', negative: left.take(asText, ...words.negative) ?? '', steps: left.take(asInteger, ...words.steps),
      sampler: sampling?.sampler, schedule: left.take(asSchedule, ...words.schedule) ?? sampling?.schedule, cfg: left.take(asNumber, ...words.cfg), seed: left.take(asSeed, ...words.seed),
      ...takeSize(left), clipSkip: left.take(asInteger, 'clip skip') || undefined, strength: left.take(asStrength, ...words.strength), ensd: left.take(asInteger, ...words.ensd),
      model: takeModel(left), vae: left.take(asModelName, ...words.vae),
    }),
    loras: loras.map(({ name, weight }) => ({ name, weight })), extra: {},
  };
  job.extra = left.rest();
  return { job, resources: jobResources(job, new Map(loras.map(({ name, hash }) => [name, hash]))) };
}

/** All of it is none. */
const asStrength: Parse<number> = (value) => { const strength = asNumber(value); return strength !== undefined && strength > 0 && strength < 1 ? strength : undefined; };

function takeSize(left: Fields): { width?: number; height?: number } {
  const size = left.take(asSize, ...words.size);
  return compact({ width: size?.width ?? left.take(asInteger, 'width'), height: size?.height ?? left.take(asInteger, 'height') });
}

function takeModel(left: Fields): PictureJob['model'] {
  for (const key of words.model) {
    const name = left.take(asModelName, key), object = name === undefined ? left.take((value) => (nameIn(value) === undefined ? undefined : asObject(value)), key) : undefined;
    if (name !== undefined) return namedModel(name, left.take((value) => hex(value) ?? undefined, ...words.hash));
    if (object) return namedModel(nameIn(object)!, hex(object.hash));
  }
  return undefined;
}

/** A list of them, or one each under `l1`, `w1` and so on, as an old fork of Fooocus has them. */
function takeLoras(left: Fields): Lora[] {
  for (const key of words.loras) {
    const found = left.peek(asLoras, key);
    if (found?.whole) left.take(asLoras, key);
    if (found) return found.loras;
  }
  return Array.from({ length: 10 }, (_, i) => i + 1).flatMap((n) => {
    const name = left.take(asModelName, `l${n}`);
    return name === undefined ? [] : [{ name: stem(name), weight: left.take(asNumber, `w${n}`) ?? 1, hash: null }];
  });
}
