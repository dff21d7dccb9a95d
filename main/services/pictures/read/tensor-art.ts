// Tensor.Art: a ComfyUI graph with files under numbers, and `generation_data`, which has their names, hashes and LoRAs, but seldom the seed.
import { readComfyUi } from './comfy/comfyui';
import { compact } from './fields';
import { parseJsonObject } from './json';
import { readJsonJob } from './json-job';
import type { Reader } from './reading';

export const readTensorArt: Reader = (picture) => {
  const data = parseJsonObject(picture.texts.get('generation_data'));
  if (!data) return null;
  const { job, resources } = readJsonJob(data), graph = readComfyUi(picture);
  const { seed, extra, loras, ...known } = job;
  return {
    source: 'tensorart', resources, used: ['generation_data', ...(graph?.used ?? [])],
    job: { ...graph?.job, ...compact({ ...known, seed: graph?.job.seed ?? seed, width: graph?.job.width ?? job.width, height: graph?.job.height ?? job.height }), loras: loras.length > 0 ? loras : graph?.job.loras ?? [], extra: { ...graph?.job.extra, ...extra } },
  };
};
