// Mochi Diffusion's description: `Key: value` with semicolons between, and since version 2 a line each, with line breaks as \n.
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { asInteger, asNumber, asSeed, asSize, asText, asWords, compact, Fields } from './fields';
import { placedTexts, type Reader } from './reading';
import { jobResources, namedModel } from './resources';
import { takeSampler } from './sampling-fields';

export const readMochi: Reader = (picture) => {
  for (const [place, text] of placedTexts(picture)) {
    if (!/(?:^|[;\n]) ?Include in Image:/.test(text) || text.length > MAX_LENGTH) continue;
    const left = new Fields(fieldsOf(text)), sampling = takeSampler(left, 'Scheduler'), model = left.take(asWords, 'Model');
    const job: PictureJob = {
      ...compact({
        prompt: left.take(asText, 'Include in Image') ?? '', negative: left.take(asText, 'Exclude from Image') ?? '', steps: left.take(asInteger, 'Steps'), sampler: sampling?.sampler, schedule: sampling?.schedule,
        cfg: left.take(asNumber, 'Guidance Scale'), seed: left.take(asSeed, 'Seed'), ...left.take(asSize, 'Size'), model: model === undefined ? undefined : namedModel(model), strength: left.take(asNumber, 'Strength'),
      }),
      loras: [], extra: left.rest(),
    };
    return { source: 'mochi', job, resources: jobResources(job), used: [place] };
  }
  return null;
};

const MAX_LENGTH = 100_000;

function fieldsOf(text: string): [string, string][] {
  const hasLines = /^Metadata Version: /m.test(text);
  return text.split(hasLines ? '\n' : /; (?=[A-Z][A-Za-z ]{1,30}:)/).flatMap((pair): [string, string][] => {
    const colon = pair.indexOf(':'), value = pair.slice(colon + 1).trim();
    return colon < 1 ? [] : [[pair.slice(0, colon).trim(), hasLines ? value.replace(/\\(.)/g, (_, sign: string) => (sign === 'n' ? '\n' : sign === 'r' ? '\r' : sign)) : value]];
  });
}
