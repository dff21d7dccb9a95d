// Draw Things: JSON with short keys, in XMP's exif:UserComment or in EXIF's.
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { stem } from '../../models/which-model';
import { asInteger, asList, asNumber, asObject, asSeed, asSize, asText, asWords, compact, Fields, type Parse } from './fields';
import { placedObjects, type Reader } from './reading';
import { jobResources, namedModel } from './resources';
import { takeSampler } from './sampling-fields';

export const readDrawThings: Reader = (picture) => {
  for (const [key, settings] of placedObjects(picture)) {
    if (asText(settings.c) === undefined || settings.sampler === undefined) continue;
    const job = readSettings(Fields.of(settings));
    return { source: 'drawthings', job, resources: jobResources(job), used: [key] };
  }
  return null;
};

/** Their seed modes, by the generator that they imitate. */
const asRng: Parse<'cpu' | 'nv'> = (value) => (/CPU/i.test(asText(value) ?? '') ? 'cpu' : /NVIDIA/i.test(asText(value) ?? '') ? 'nv' : undefined);

function readSettings(left: Fields): PictureJob {
  const sampling = takeSampler(left, 'sampler'), rng = left.take(asRng, 'seed_mode');
  const model = left.take(asWords, 'model');
  const loras = left.take((value) => asList(value)?.map(asObject), 'lora', 'loras') ?? [];
  const job: PictureJob = {
    ...compact({
      prompt: left.take(asText, 'c') ?? '', negative: left.take(asText, 'uc') ?? '', steps: left.take(asInteger, 'steps'), sampler: sampling?.sampler,
      schedule: sampling?.schedule, cfg: left.take(asNumber, 'scale'), seed: left.take(asSeed, 'seed'), ...left.take(asSize, 'size'),
      clipSkip: left.take(asInteger, 'clip_skip') ?? 1, rng, compat: rng && 'a1111', strength: left.take(asNumber, 'strength'),
      model: model === undefined ? undefined : namedModel(model),
    }),
    loras: loras.flatMap((lora) => {
      const name = asWords(lora?.model) ?? asWords(lora?.file);
      return name === undefined ? [] : [{ name: stem(name), weight: asNumber(lora?.weight) ?? 1 }];
    }),
    extra: {},
  };
  if (loras.some((lora) => Object.keys(lora ?? {}).length > 2)) left.keep('lora', loras);      // more than name and weight
  job.extra = left.rest();
  return job;
}
