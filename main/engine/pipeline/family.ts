// What a checkpoint's family fixes beyond its tensors: noise levels, latent scale, what the network's output means.
import { identify } from '../identify/identify';
import { rescaleToZeroTerminalSnr, scaledLinearAlphas, sigmaTable, stableDiffusionTable, type Prediction, type SigmaTable } from '../sampling/model-sampling';
import type { WeightFile } from '../weights/source';

export interface FamilyTraits {
  readonly prediction: Prediction;
  readonly table: SigmaTable;
  /** Latents of the diffusion model are the autoencoder's times this. */
  readonly latentScale: number;
  /** SD 1 and SD 2 share a latent space and tuned schedules; SDXL and its refiner have their own. */
  readonly latentSpace: 'sd1' | 'sdxl';
}

/** Marker of trainers of SDXL models with zero terminal SNR: an empty tensor. */
const ZERO_TERMINAL_SNR = 'ztsnr';

/** `file` is the one with the U-Net. A file that names no prediction is taken for eps. */
export function familyTraits(file: WeightFile): FamilyTraits {
  const { family, prediction } = identify(file);
  const xl = family === 'sdxl' || family === 'sdxl-refiner';
  return {
    prediction: prediction ?? 'eps', latentScale: xl ? 0.13025 : 0.18215, latentSpace: xl ? 'sdxl' : 'sd1',
    table: file.tensors.has(ZERO_TERMINAL_SNR) ? sigmaTable(rescaleToZeroTerminalSnr(scaledLinearAlphas())) : stableDiffusionTable,
  };
}
