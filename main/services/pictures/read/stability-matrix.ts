// Stability Matrix: a text in A1111's form, the same as JSON, its project, and the ComfyUI graph. The text has the prompt with its comments, and the size of the
// result; the graph has what was run.
import { readParameters } from './a1111';
import { asObject, compact } from './fields';
import { parseJsonObject, type JsonObject } from './json';
import { readJsonJob } from './json-job';
import type { Reader, Reading } from './reading';
import { readComfyUi } from './comfy/comfyui';

export const readStabilityMatrix: Reader = (picture) => {
  const json = parseJsonObject(picture.texts.get('parameters-json'));
  if (!json && !isProject(parseJsonObject(picture.texts.get('smproj')))) return null;
  const text = picture.texts.get('parameters'), said = text === undefined ? json && readJsonJob(json) : readParameters(text), graph = readComfyUi(picture);
  if (!said && !graph) return null;
  const reading: Omit<Reading, 'source' | 'used'> = said ?? graph!, run = graph?.job;
  return {
    source: 'stabilitymatrix', resources: reading.resources, used: ['parameters', 'parameters-json'],
    job: compact({
      ...run, ...reading.job, ...compact({ width: run?.width, height: run?.height, clipSkip: run?.clipSkip, sampler: run?.sampler, schedule: run?.schedule, vae: run?.vae }),
      // The graph's prompt has lost its comments, and then the text's is in other words than the graph's.
      emphasis: isSame(reading.job.prompt, run?.prompt) && isSame(reading.job.negative, run?.negative) ? run?.emphasis : undefined,
      rng: 'cpu_nv', compat: 'comfy', loras: reading.job.loras.length > 0 ? reading.job.loras : run?.loras ?? [],
    }),
  };
};

/** Up to space. */
const isSame = (one: string, other = ''): boolean => one.replace(/\s/g, '') === other.replace(/\s/g, '');

const isProject = (project: JsonObject | undefined): boolean => asObject(project?.State) !== undefined;
