// The tensors of checkpoints of SD 2 and SDXL, name → shape, for any widths and depths; the families' own sizes are `sd21`, `sdxlBase`, `sdxlRefiner`.
import { expectedOpenClip, expectedText, expectedUnet, expectedVae, type Shapes, type TextSizes, type UnetSizes, type VaeSizes } from './expected-networks';
import { sd15 } from './expected-sd1';

export interface CheckpointSizes {
  readonly unet: UnetSizes;
  /** By the prefix below which each text encoder stands, which also tells the layout of its names. */
  readonly text: Readonly<Record<string, TextSizes>>;
  readonly vae: VaeSizes;
}

const bigG: TextSizes = { width: 1280, layers: 32, mlp: 5120, vocabulary: 49408, positions: 77, projection: 1280 };

/** v-prediction at 768; SD 2.0's 512 model has the same tensors. */
export const sd21: CheckpointSizes = {
  unet: { ...sd15.unet, contextDim: 1024, linear: true },
  text: { 'cond_stage_model.model.': { ...bigG, width: 1024, layers: 24, mlp: 4096, projection: 1024 } },
  vae: sd15.vae,
};

export const sdxlBase: CheckpointSizes = {
  unet: { inChannels: 4, outChannels: 4, modelChannels: 320, timeEmbed: 1280, channels: [320, 640, 1280], resBlocks: 2, depths: [0, 2, 10], middleDepth: 10,
    contextDim: 2048, linear: true, vectorDim: 2816 },
  text: { 'conditioner.embedders.0.transformer.text_model.': sd15.text, 'conditioner.embedders.1.model.': bigG },
  vae: sd15.vae,
};

export const sdxlRefiner: CheckpointSizes = {
  unet: { inChannels: 4, outChannels: 4, modelChannels: 384, timeEmbed: 1536, channels: [384, 768, 1536, 1536], resBlocks: 2, depths: [0, 4, 4, 0], middleDepth: 4,
    contextDim: 1280, linear: true, vectorDim: 2560 },
  text: { 'conditioner.embedders.0.model.': bigG },
  vae: sd15.vae,
};

/** All tensors of a checkpoint but the buffers and OpenCLIP's `logit_scale`, which files may have or not. */
export function expectedCheckpoint({ unet, text, vae }: CheckpointSizes): Shapes {
  const encoders = Object.entries(text).flatMap(([prefix, sizes]) => [...expectedEncoder(sizes, prefix)]);
  return new Map([...encoders, ...expectedVae(vae), ...expectedUnet(unet)]);
}

export const isOpenClipPrefix = (prefix: string): boolean => /(?:^|\.)model\.$/.test(prefix);

export const expectedEncoder = (sizes: TextSizes, prefix: string): Shapes => (isOpenClipPrefix(prefix) ? expectedOpenClip : expectedText)(sizes, prefix);
