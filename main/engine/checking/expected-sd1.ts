// The tensors of a Stable Diffusion 1.x checkpoint, name → shape, for any widths and depths. SD 1.5 itself is `sd15`.
import { expectedText, expectedUnet, expectedVae, type Shapes, type TextSizes, type UnetSizes, type VaeSizes } from './expected-networks';

export interface Sd1Sizes { readonly unet: UnetSizes; readonly text: TextSizes; readonly vae: VaeSizes }

export const sd15: Sd1Sizes = {
  unet: { inChannels: 4, outChannels: 4, modelChannels: 320, timeEmbed: 1280, channels: [320, 640, 1280, 1280], resBlocks: 2, depths: [1, 1, 1, 0],
    middleDepth: 1, contextDim: 768 },
  text: { width: 768, layers: 12, mlp: 3072, vocabulary: 49408, positions: 77 },
  vae: { channels: [128, 256, 512, 512], resBlocks: 2, latentChannels: 4, embedChannels: 4 },
};

/** All tensors of a checkpoint; `position_ids` and schedules are buffers, which files may have or not. */
export function expectedSd1(sizes: Sd1Sizes, textPrefix = 'cond_stage_model.transformer.text_model.'): Shapes {
  return new Map([...expectedText(sizes.text, textPrefix), ...expectedVae(sizes.vae), ...expectedUnet(sizes.unet)]);
}
