// Golden case `samplers`: trajectories, sigma lists, conversions between σ, timestep and prediction, and guidance.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mixture } from './gaussian-mixture';
import { readTensors } from './read';
import { checkConversions } from './sampling-conversions';
import { checkSchedules } from './schedule-lists';
import { checkDiffusersCase, checkKCase } from './sampler-trajectories';
import type { Checker } from './types';

export const samplers: Checker = async function* (folder) {
  const mixture = folder.config['model'] as Mixture;
  const kTensors = await readTensors(join(folder.path, 'k_samplers.safetensors'));
  for (const config of folder.config['k_cases']) yield* await checkKCase(config, kTensors, mixture);
  const diffusersTensors = await readTensors(join(folder.path, 'diffusers_schedulers.safetensors'));
  for (const config of folder.config['diffusers_cases']) yield* await checkDiffusersCase(config, diffusersTensors, mixture);

  yield* checkSchedules(JSON.parse(await readFile(join(folder.path, 'schedules.json'), 'utf8')), diffusersTensors, folder.config['diffusers_cases']);
  yield* checkConversions(await readTensors(join(folder.path, 'conversions.safetensors')), kTensors);
};
