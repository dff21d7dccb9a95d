// One checkpoint out of parts in files of their own: diffusers folders, a VAE or text encoders beside a checkpoint. Weights stay in their files.
import { pairFactors } from '../quantized/factors';
import type { TensorEntry, WeightFile } from '../source';
import { isDiffusersUnet, isDiffusersVae, unetKeyMap, vaeKeyMap, type KeyMap } from './diffusers';

export interface Parts {
  /** What the parts replace or complete. */
  readonly checkpoint?: WeightFile;
  readonly unet?: WeightFile;
  readonly vae?: WeightFile;
  /** CLIP-L of SD 1 and SDXL, OpenCLIP-H of SD 2. */
  readonly text?: WeightFile;
  /** OpenCLIP-bigG of SDXL and its refiner. */
  readonly text2?: WeightFile;
}

const UNET = 'model.diffusion_model.';
const VAE = 'first_stage_model.';

/**
 * The parts under the names of an original checkpoint, each tensor with the file that it lies in. `path` names the whole in errors. Parts may have
 * diffusers' names, LDM's, or LDM's without the prefix; which tensors are there is checked later, as for every checkpoint.
 */
export function assembleCheckpoint(path: string, parts: Parts, metadata: Readonly<Record<string, string>> = {}): WeightFile {
  const tensors = new Map<string, TensorEntry>(), samples = new Map<string, Float32Array>();
  /** `slot`: what the part takes the place of. */
  const put = (file: WeightFile, slot: string, prefix: string, map: KeyMap): void => {
    for (const name of [...tensors.keys()]) if (name.startsWith(slot)) tensors.delete(name);
    for (const [name, values] of file.samples ?? []) samples.set(prefix + (map(name) ?? name), values);
    for (const entry of file.tensors.values()) {
      const mapped = map(entry.name);
      if (mapped !== undefined) tensors.set(prefix + mapped, asStored(prefix + mapped, { ...entry, name: prefix + mapped, file: entry.file ?? file.path }));
    }
  };
  const { checkpoint, unet, vae, text, text2 } = parts;
  if (checkpoint) put(checkpoint, '', '', (name) => name);
  if (unet) put(unet, UNET, UNET, isDiffusersUnet(unet) ? unetKeyMap(unet) : withoutPrefix(/^(?:model\.)?diffusion_model\.|^unet\./));
  if (vae) put(vae, VAE, VAE, isDiffusersVae(vae) ? vaeKeyMap(vae) : ldmVaeNames(vae));
  const putText = (file: WeightFile, slot: string): void => put(file, slot, `${slot}${layoutOf(file)}.`, textNames);
  if (text) putText(text, tensors.has(`${UNET}label_emb.0.0.weight`) ? 'conditioner.embedders.0.' : 'cond_stage_model.');
  // The refiner has no CLIP-L, so that its one encoder is the first.
  const second = [...tensors.keys()].some((name) => name.startsWith('conditioner.embedders.0.transformer.'));
  if (text2) putText(text2, `conditioner.embedders.${second ? 1 : 0}.`);

  const files = [checkpoint, unet, vae, text, text2].filter((file) => file !== undefined);
  return {
    path, tensors, samples, config: (checkpoint ?? unet)?.config, companions: files.flatMap(({ companions = [] }) => companions), doubts: files.flatMap(({ doubts = [] }) => doubts), dataOffset: 0, sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0),
    // What somebody says of a VAE does not hold for the model.
    metadata: { ...(checkpoint || unet ? { ...unet?.metadata, ...checkpoint?.metadata } : Object.assign({}, ...files.map((file) => file.metadata)) as Record<string, string>), ...metadata },
  };
}

/** Shards of one network as one file. */
export function joinShards(path: string, shards: readonly WeightFile[]): WeightFile {
  const tensors = new Map(shards.flatMap((shard) => [...shard.tensors.values()].map((entry) => [entry.name, { ...entry, file: entry.file ?? shard.path }] as const)));
  return pairFactors({                                       // a weight and its factor may lie in two shards
    path, tensors, companions: shards.flatMap(({ companions = [] }) => companions), doubts: shards.flatMap(({ doubts = [] }) => doubts), samples: new Map(shards.flatMap((shard) => [...shard.samples ?? []])), dataOffset: 0, sizeBytes: shards.reduce((sum, shard) => sum + shard.sizeBytes, 0),
    metadata: Object.assign({}, ...shards.map((shard) => shard.metadata)) as Record<string, string>,
  });
}

const withoutPrefix = (prefix: RegExp): KeyMap => (name) => name.replace(prefix, '');

/** Of a whole checkpoint, its autoencoder alone; of a VAE's file, all but what its training left (`loss.…`). */
function ldmVaeNames(file: WeightFile): KeyMap {
  const within = /^(?:first_stage_model|vae)\./, isWhole = [...file.tensors.keys()].some((name) => within.test(name));
  return (name) => (isWhole ? within.test(name) : /^(?:encoder|decoder|quant_conv|post_quant_conv)\./.test(name)) ? name.replace(within, '') : undefined;
}

/** OpenCLIP's own names stand below `model`, transformers' below `transformer`. */
const layoutOf = (file: WeightFile): 'model' | 'transformer' => ([...file.tensors.keys()].some((name) => name.includes('transformer.resblocks.')) ? 'model' : 'transformer');

/** What comes before the tower's own names goes. */
const textNames: KeyMap = (name) => name.replace(/^.*?(?=(?:text_model|text_projection|transformer\.resblocks|token_embedding|positional_embedding|ln_final|logit_scale)(?:\.|$))/, '');

/** LDM keeps the matrices of the autoencoder's attention as 1×1 convolutions. */
function asStored(name: string, entry: TensorEntry): TensorEntry {
  const isAttention = entry.shape.length === 2 && /^first_stage_model\..*\.attn_1\.(?:q|k|v|proj_out)\.weight$/.test(name);
  return isAttention && !entry.layout ? { ...entry, shape: [...entry.shape, 1, 1], ...(entry.strides && { strides: [...entry.strides, 1, 1] }) } : entry;
}
