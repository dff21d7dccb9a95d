// Which tensors a network of these sizes reads, name → shape: said by the code that builds it.
import { WeightRecord } from '../nn/weights';
import type { Dims } from '../tensor';
import { clipTowerOf } from './clip';
import { buildControlHint, buildControlNet } from './control/controlnet';
import { CONTROL } from './control/controlnet-file';
import type { CheckpointSizes } from './known-sizes';
import { openClipTowerOf } from './openclip';
import type { TextSizes, UnetSizes, VaeSizes } from './sizes';
import { readWholeTower } from './text-tower';
import { buildUnet, unetConfigOf } from './unet';
import { buildRrdb, type RrdbSizes } from './upscalers/rrdb';
import { buildVaeDecoder, buildVaeEncoder, vaeConfigOf } from './vae';

export type Shapes = Map<string, Dims>;

/** Latents of this side go through any U-Net, down to one row at its lowest level; a picture of it through any autoencoder. */
const SIDE = 64;

export const isOpenClipPrefix = (prefix: string): boolean => /(?:^|\.)model\.$/.test(prefix);

/** `prefix` ends with a dot, or is empty. Throws RangeError for sizes that no such network has. */
export const unetTensors = (sizes: UnetSizes, prefix = 'model.diffusion_model.'): Shapes =>
  recorded(['unet', sizes, prefix], (record) => buildUnet(record, unetConfigOf(sizes, prefix), { batch: 1, height: SIDE, width: SIDE, tokens: 77 }));

/** Of a ControlNet for such a U-Net. `kinds`: of control, where it is a union of several. */
export const controlNetTensors = (sizes: UnetSizes, kinds = 0): Shapes => recorded(['control', sizes, kinds], (record) => {
  const config = { ...unetConfigOf(sizes, CONTROL), hintChannels: 3, kinds }, shape = { batch: 1, height: SIDE, width: SIDE, tokens: 77 };
  buildControlHint(record, config, shape, kinds > 0);
  buildControlNet(record, config, shape);
});

export const vaeTensors = (sizes: VaeSizes, prefix = 'first_stage_model.'): Shapes => recorded(['vae', sizes, prefix], (record) => {
  const config = vaeConfigOf(sizes, prefix), shape = { batch: 1, height: SIDE, width: SIDE };
  buildVaeEncoder(record, config, shape);
  buildVaeDecoder(record, config, shape);
});

export const rrdbTensors = (sizes: RrdbSizes): Shapes => recorded(['rrdb', sizes], (record) => buildRrdb(record, sizes, { batch: 1, height: SIDE, width: SIDE }));

/** All layers, those that no picture needs too. `prefix` tells the layout of the names. */
export const textTensors = (sizes: TextSizes, prefix: string): Shapes =>
  recorded(['text', sizes, prefix], (record) => readWholeTower(isOpenClipPrefix(prefix) ? openClipTowerOf(record, prefix, sizes) : clipTowerOf(record, prefix, sizes)));

/** All tensors of a checkpoint but the buffers and OpenCLIP's `logit_scale`, which files may have or not. */
export function checkpointTensors({ unet, text, vae }: CheckpointSizes): Shapes {
  const encoders = Object.entries(text).flatMap(([prefix, sizes]) => [...textTensors(sizes, prefix)]);
  return new Map([...encoders, ...vaeTensors(vae), ...unetTensors(unet)]);
}

/** Most files of a family have the same sizes, and a folder of models asks for each. */
const known = new Map<string, Shapes>();
const KEPT = 24;

function recorded(key: readonly unknown[], read: (record: WeightRecord) => void): Shapes {
  const name = JSON.stringify(key);
  let shapes = known.get(name);
  if (!shapes) {
    const record = new WeightRecord();
    read(record);
    shapes = new Map([...record.tensors.values()].map((tensor) => [tensor.name, tensor.shape]));
    if (known.size >= KEPT) known.delete(known.keys().next().value!);
  }
  known.delete(name);
  known.set(name, shapes);
  return new Map(shapes);
}
