// The sizes that the families were published with.
import type { RrdbSizes } from './upscalers/rrdb';
import type { TextSizes, UnetSizes, VaeSizes } from './sizes';

export interface CheckpointSizes {
  readonly unet: UnetSizes;
  /** By the prefix below which each text encoder stands, which also tells the layout of its names. */
  readonly text: Readonly<Record<string, TextSizes>>;
  readonly vae: VaeSizes;
}

export const clipL: TextSizes = { width: 768, layers: 12, mlp: 3072, vocabulary: 49408, positions: 77 };
const clipH: TextSizes = { width: 1024, layers: 24, mlp: 4096, vocabulary: 49408, positions: 77, projection: 1024 };
const bigG: TextSizes = { width: 1280, layers: 32, mlp: 5120, vocabulary: 49408, positions: 77, projection: 1280 };

export const sd15: CheckpointSizes = {
  unet: { inChannels: 4, outChannels: 4, modelChannels: 320, timeEmbed: 1280, channels: [320, 640, 1280, 1280], resBlocks: 2, depths: [1, 1, 1, 0],
    middleDepth: 1, contextDim: 768 },
  text: { 'cond_stage_model.transformer.text_model.': clipL },
  vae: { channels: [128, 256, 512, 512], resBlocks: 2, latentChannels: 4, embedChannels: 4 },
};

/** v-prediction at 768; SD 2.0's 512 model has the same tensors. */
export const sd21: CheckpointSizes = { unet: { ...sd15.unet, contextDim: 1024, linear: true }, text: { 'cond_stage_model.model.': clipH }, vae: sd15.vae };

export const sdxlBase: CheckpointSizes = {
  unet: { inChannels: 4, outChannels: 4, modelChannels: 320, timeEmbed: 1280, channels: [320, 640, 1280], resBlocks: 2, depths: [0, 2, 10], middleDepth: 10,
    contextDim: 2048, linear: true, vectorDim: 2816 },
  text: { 'conditioner.embedders.0.transformer.text_model.': clipL, 'conditioner.embedders.1.model.': bigG },
  vae: sd15.vae,
};

/** RealESRGAN_x4plus, and most ESRGAN files in circulation under other names. */
export const esrganX4: RrdbSizes = { layout: 'basicsr', colors: 3, fold: 1, features: 64, growth: 32, blocks: 23, doublings: 2, plus: false };

export const sdxlRefiner: CheckpointSizes = {
  unet: { inChannels: 4, outChannels: 4, modelChannels: 384, timeEmbed: 1536, channels: [384, 768, 1536, 1536], resBlocks: 2, depths: [0, 4, 4, 0], middleDepth: 4,
    contextDim: 1280, linear: true, vectorDim: 2560 },
  text: { 'conditioner.embedders.0.model.': bigG },
  vae: sd15.vae,
};
