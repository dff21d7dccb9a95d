// Our own pictures: the whole job, as it was.
import { JobSpec } from '../../../../preload/contract/job';
import { parseJsonObject } from './json';
import { lorasOf } from './lora-tags';
import type { Reader } from './reading';
import { jobResources } from './resources';

export const readAtelier: Reader = ({ texts }) => {
  const own = JobSpec.safeParse(parseJsonObject(texts.get('atelier'))).data;
  if (!own) return null;
  const job = { loras: lorasOf(own.prompt), ...own, extra: {} };
  return { source: 'atelier', job, resources: jobResources(job), used: ['atelier', 'parameters'] };
};
