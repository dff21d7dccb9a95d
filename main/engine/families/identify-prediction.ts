// What the network's output means: noise (eps) or velocity (v). SD 2's two kinds are identical in every name and shape.
import type { ModelReport } from '../../../preload/contract/model';
import type { WeightFile } from '../weights/source';
import { predictionFromMetadata } from './identify-metadata';
import type { Found } from './identify-types';

interface PredictionGuess { readonly prediction: ModelReport['prediction']; /** 0–1. */ readonly confidence: number; readonly doubt: string | null }

/** Playground 2.5 and CosXL: outputs are scaled by noise level in a way of their own, which marker tensors tell. */
export const predictsOtherwise = (file: WeightFile): boolean => file.tensors.has('edm_mean') || file.tensors.has('edm_vpred.sigma_max');

/** null for what is no diffusion network of the families that have this choice. */
export function guessPrediction(file: WeightFile, { kind, family, variant }: Found): PredictionGuess {
  const sure = (prediction: ModelReport['prediction'], confidence = 1): PredictionGuess => ({ prediction, confidence, doubt: null });
  if ((kind !== 'checkpoint' && kind !== 'unet') || !/^(?:sd1|sd2|sdxl|sdxl-refiner)$/.test(family ?? '')) return sure(null);
  if (predictsOtherwise(file)) {
    return { prediction: null, confidence: 0.99, doubt: "It was trained in the form of EDM (its edm_… tensors say so), which is neither eps nor v and which Atelier does not support yet." };
  }
  // Markers that trainers of v-prediction SDXL models put into the file: empty tensors.
  if (file.tensors.has('v_pred')) return sure('v');
  const said = predictionFromMetadata(file.metadata);
  if (said) return sure(said);
  // All SD 2 variants but the plain one were made from the eps model.
  if (family !== 'sd2' || variant !== 'base') return sure('eps', 0.95);
  return {
    prediction: 'v', confidence: 0.6,
    doubt: 'Nothing in a Stable Diffusion 2 file tells whether it predicts noise (eps) or velocity (v). v is assumed; if pictures come out as noise, set the prediction to eps.',
  };
}
