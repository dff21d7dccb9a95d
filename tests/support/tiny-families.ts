// The families in small, as sizes: what the tests' random checkpoints are made of, with a test around them or not.
import type { CheckpointSizes } from '../../main/engine/families/known-sizes';
import type { UnetSizes } from '../../main/engine/families/sizes';

/** SD 1.x in small: two levels in the U-Net, four in the autoencoder (factor 8), CLIP's whole vocabulary. 5 MB. */
export const tinySizes: CheckpointSizes = {
  unet: { inChannels: 4, outChannels: 4, modelChannels: 32, timeEmbed: 128, channels: [32, 64], resBlocks: 1, depths: [1, 1], middleDepth: 1, contextDim: 32 },
  text: { 'cond_stage_model.transformer.text_model.': { width: 32, layers: 2, mlp: 128, vocabulary: 49408, positions: 77 } },
  vae: { channels: [32, 32, 64, 64], resBlocks: 1, latentChannels: 4, embedChannels: 4 },
};

const tinyText = { width: 32, layers: 3, mlp: 128, vocabulary: 49408, positions: 77 };
/** Heads are 64 wide in the later families, so no level is narrower. */
const tinyLinearUnet: UnetSizes = { ...tinySizes.unet, modelChannels: 64, channels: [64, 128], depths: [1, 1], linear: true };

/** The later families in small, each with what sets it apart. SDXL has six numbers beside the pooled text, its refiner five and four levels. */
export const tinyFamilies = {
  sd1: tinySizes,
  sd2: { unet: tinyLinearUnet, text: { 'cond_stage_model.model.': { ...tinyText, projection: 32 } }, vae: tinySizes.vae },
  sdxl: {
    unet: { ...tinyLinearUnet, depths: [0, 2], middleDepth: 2, contextDim: 64, vectorDim: 48 + 6 * 256 },
    text: { 'conditioner.embedders.0.transformer.text_model.': tinyText, 'conditioner.embedders.1.model.': { ...tinyText, projection: 48 } }, vae: tinySizes.vae,
  },
  'sdxl-refiner': {
    unet: { ...tinyLinearUnet, channels: [64, 64, 64, 128], depths: [0, 1, 1, 0], vectorDim: 48 + 5 * 256 },
    text: { 'conditioner.embedders.0.model.': { ...tinyText, projection: 48 } }, vae: tinySizes.vae,
  },
} satisfies Record<string, CheckpointSizes>;

/** The same with more channels going in: 9 inpainting, 8 instruct-pix2pix, 5 depth. */
export const withInputs = (sizes: CheckpointSizes, inChannels: number): CheckpointSizes => ({ ...sizes, unet: { ...sizes.unet, inChannels } });
