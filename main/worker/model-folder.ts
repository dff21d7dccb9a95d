// A model in diffusers' folders: one network a folder, perhaps in several shards and precisions. Opened as one checkpoint; the weights stay where they are.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../engine/errors';
import { assembleCheckpoint, joinShards } from '../engine/families/key-maps/assemble';
import { baseName } from '../engine/weights/safetensors';
import type { WeightFile } from '../engine/weights/source';
import { openWeightFile } from './files';

/** A model as it lies on the disk: a single file, or diffusers' folder. Throws what opening either throws. */
export async function openModel(path: string): Promise<WeightFile> {
  const found = await stat(path).catch(() => null);
  return found?.isDirectory() ? openModelFolder(path) : openWeightFile(path);
}

/**
 * `folder` holds unet/, vae/, text_encoder/ and for SDXL text_encoder_2/. Where a network is there in several precisions, fp16 is taken: the pictures are
 * the same and half is read. Throws model.notACheckpoint naming the network that is not there, and what opening a file throws.
 */
export async function openModelFolder(folder: string): Promise<WeightFile> {
  const root = resolve(folder);
  const [unet, vae, text, text2] = await Promise.all(['unet', 'vae', 'text_encoder', 'text_encoder_2'].map((name) => openNetwork(join(root, name))));
  for (const [name, part] of [['unet', unet], ['vae', vae], ['text_encoder', text ?? text2]] as const) {
    if (part) continue;
    throw new AppError('model.notACheckpoint', {
      message: `${baseName(root)} has no ${name} folder with a .safetensors file`, data: { file: root, part: name },
      hint: 'Choose the folder that holds model_index.json, and get its .safetensors files, not the .bin ones.',
    });
  }
  const { prediction_type: prediction, rescale_betas_zero_snr: zeroSnr } = await readJson(join(root, 'scheduler', 'scheduler_config.json'));
  const file = assembleCheckpoint(root, { unet, vae, text, text2 }, typeof prediction === 'string' ? { 'modelspec.prediction_type': prediction } : {});
  return zeroSnr === true ? withMarker(file, 'ztsnr') : file;
}

/** Name → parsed object, or an empty one: the scheduler's settings only add to what the weights say. */
async function readJson(path: string): Promise<Record<string, unknown>> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** An empty tensor, as trainers mark single files. */
function withMarker(file: WeightFile, name: string): WeightFile {
  return { ...file, tensors: new Map([...file.tensors, [name, { name, dtype: 'F32', shape: [0], offset: 0, byteLength: 0 }]]) };
}

/** The network's weights, or undefined where the folder has none. */
async function openNetwork(folder: string): Promise<WeightFile | undefined> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.safetensors'));
  const [variant] = [...new Set(names.map(variantOf))].sort((a, b) => rank(a) - rank(b));
  if (variant === undefined) return undefined;
  const chosen = names.filter((name) => variantOf(name) === variant);
  // A whole file beside shards of the same precision is the same once more.
  const whole = chosen.find((name) => !shard.test(name));
  const files = await Promise.all((whole ? [whole] : chosen.sort()).map((name) => openWeightFile(join(folder, name))));
  return files.length === 1 ? files[0] : joinShards(folder, files);
}

const shard = /-\d{5}-of-\d{5}/;

/** 'diffusion_pytorch_model.fp16-00001-of-00002.safetensors' → 'fp16'; '' for the plain name. */
const variantOf = (name: string): string => name.replace(shard, '').split('.').slice(1, -1).join('.');

/** EMA copies and others come last. */
const rank = (variant: string): number => (variant === 'fp16' ? 0 : variant === '' ? 1 : 2);
