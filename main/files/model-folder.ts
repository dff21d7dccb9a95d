// A model in diffusers' folders: one network a folder, perhaps in several shards and precisions. Opened as one checkpoint; the weights stay where they are.
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../engine/errors';
import { assembleCheckpoint } from '../engine/weights/key-maps/assemble';
import { baseName } from '../engine/weights/safetensors';
import type { WeightFile } from '../engine/weights/source';
import { openWeightFile } from './weight-file';
import { openNetwork } from './network-folder';

/** A model as it lies on the disk: a single file, or diffusers' folder. Throws what opening either throws. */
export async function openModel(path: string): Promise<WeightFile> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() ? openModelFolder(path) : openWeightFile(path);
}

/**
 * `folder` holds unet/, vae/, text_encoder/ and for SDXL text_encoder_2/. Where a network is there in several precisions, fp16 is taken: the pictures are
 * the same and half is read. Pickles (.bin) count where there are no .safetensors. model_index.json is not needed. Throws model.notACheckpoint naming
 * the network that is not there, file.notFound naming a shard that is not, and what opening a file throws.
 */
export async function openModelFolder(folder: string): Promise<WeightFile> {
  const root = resolve(folder);
  const [unet, vae, text, text2] = await Promise.all(['unet', 'vae', 'text_encoder', 'text_encoder_2'].map((name) => openNetwork(join(root, name))));
  for (const [name, part] of [['unet', unet], ['vae', vae], ['text_encoder', text ?? text2]] as const) {
    if (part) continue;
    throw new AppError('model.notACheckpoint', {
      message: `${baseName(root)} has no ${name} folder with a .safetensors or .bin file`, data: { file: root, part: name },
      hint: `Choose the folder that holds unet, vae and text_encoder, and get the files of ${name} as well.`,
    });
  }
  const { prediction_type: prediction, rescale_betas_zero_snr: zeroSnr } = await readJson(join(root, 'scheduler', 'scheduler_config.json'));
  const file = assembleCheckpoint(root, { unet, vae, text, text2 }, typeof prediction === 'string' ? { 'modelspec.prediction_type': prediction } : {});
  return zeroSnr === true ? withMarker(file, 'ztsnr') : file;
}

/** An empty object where there is none: the scheduler's settings only add to what the weights say. */
async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    return (JSON.parse(await readFile(path, 'utf8')) ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** An empty tensor, as trainers mark single files. */
function withMarker(file: WeightFile, name: string): WeightFile {
  return { ...file, tensors: new Map([...file.tensors, [name, { name, dtype: 'F32', shape: [0], offset: 0, byteLength: 0 }]]) };
}
