// What a checkpoint's family fixes beyond its tensors: noise levels, latent scale, what the network's output means.
import { identify } from '../identify/identify';
import { hasZeroTerminalSnr } from '../identify/prediction';
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

/** `file` is the one with the U-Net. A file that names no prediction is taken for eps. */
export function familyTraits(file: WeightFile): FamilyTraits {
  const { family, prediction } = identify(file);
  const xl = family === 'sdxl' || family === 'sdxl-refiner';
  return {
    prediction: prediction ?? 'eps', latentScale: xl ? 0.13025 : 0.18215, latentSpace: xl ? 'sdxl' : 'sd1',
    table: tableOf(file),
  };
}

function tableOf(file: WeightFile): SigmaTable {
  const { betas } = file.config ?? {}, isZero = hasZeroTerminalSnr(file);
  if (!betas && !isZero) return stableDiffusionTable;
  const alphas = scaledLinearAlphas(1000, betas?.start, betas?.end);
  return sigmaTable(isZero ? rescaleToZeroTerminalSnr(alphas) : alphas);
}
