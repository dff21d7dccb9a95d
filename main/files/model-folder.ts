// A model in diffusers' folders: one network a folder, perhaps in several shards and precisions. Opened as one checkpoint; the weights stay where they are.
import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../engine/errors';
import { readSchedulerConfig } from '../engine/identify/model-config';
import { assembleCheckpoint } from '../engine/weights/key-maps/assemble';
import type { WeightFile } from '../engine/weights/source';
import { readPlain } from './plain-file';
import { withConfigBeside } from './model-config';
import { throwIfPassing } from './system-faults';
import { openWeightFile } from './weight-file';
import { openNetwork } from './network-folder';

/** A model as it lies on the disk, a single file or diffusers' folder, with the settings beside it. Throws what opening either throws. */
export async function openModel(path: string): Promise<WeightFile> {
  const found = await stat(path).catch(() => null);           // why not, opening it tells
  return found?.isDirectory() ? openModelFolder(path) : withConfigBeside(await openWeightFile(path));
}

/**
 * `folder` holds unet/, vae/, text_encoder/ and for SDXL text_encoder_2/. Where a network is there in several precisions, fp16 is taken: the pictures are
 * the same and half is read. Pickles (.bin) count where there are no .safetensors. model_index.json is not needed. Throws model.notACheckpoint naming
 * the network that is not there, model.shard naming a shard that is not, and what opening a file throws.
 */
export async function openModelFolder(folder: string): Promise<WeightFile> {
  const root = resolve(folder);
  const [unet, vae, text, text2] = await Promise.all(['unet', 'vae', 'text_encoder', 'text_encoder_2'].map((name) => openNetwork(join(root, name))));
  for (const [name, part] of [['unet', unet], ['vae', vae], ['text_encoder', text ?? text2]] as const) {
    if (part) continue;
    throw new AppError('model.notACheckpoint', { why: 'folder', file: root, part: name });
  }
  const settings = await readJson(join(root, 'scheduler', SCHEDULER));
  const file = assembleCheckpoint(root, { unet, vae, text, text2 });
  return withConfigBeside(settings ? { ...file, config: readSchedulerConfig(SCHEDULER, settings) } : file, true);
}

const SCHEDULER = 'scheduler_config.json';

/** null where there is none: the scheduler's settings only add to what the weights say. */
async function readJson(path: string): Promise<Record<string, unknown> | null> {
  try {
    const value: unknown = JSON.parse((await readPlain(path, { mostBytes: MOST_SETTINGS })).toString('utf8'));
    return typeof value === 'object' ? value as Record<string, unknown> | null : null;
  } catch (cause) {
    throwIfPassing(cause, path);
    return null;
  }
}

/** Real ones have 600 bytes. */
const MOST_SETTINGS = 1 << 18;
