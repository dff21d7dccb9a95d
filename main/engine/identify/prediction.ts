// What the network's output means: noise (eps) or velocity (v). SD 2's two kinds are identical in every name and shape.
import type { ModelReport } from '../../../preload/contract/model';
import type { TensorEntry, WeightFile } from '../weights/source';
import { predictionFromMetadata } from './metadata';
import type { Found } from './types';

interface PredictionGuess { readonly prediction: ModelReport['prediction']; /** 0–1. */ readonly confidence: number; readonly doubt: string | null }

/** Playground 2.5 and CosXL: outputs are scaled by noise level in a way of their own, which marker tensors tell. */
export const predictsOtherwise = (file: WeightFile): boolean => file.tensors.has('edm_mean') || file.tensors.has('edm_vpred.sigma_max');

/** In the LDM and the diffusers layout, with whatever stands before. */
const telltaleName = /(?:^|\.)(?:output_blocks\.11\.1|up_blocks\.3\.attentions\.2)\.transformer_blocks\.0\.norm1\.bias$/;
/** v models of SD 2 spread these wider than eps models; ComfyUI goes by the same number. */
const WIDE = 0.09;

/** The tensor whose values tell SD 2's two kinds apart, where a file has one: 320 numbers. */
export const telltale = (file: WeightFile): TensorEntry | undefined =>
  [...file.tensors.values()].find(({ name, shape }) => telltaleName.test(name) && shape.length === 1 && shape[0] === 320 && !name.startsWith('model_ema.'));

/** What the weights suggest; null without them, or where they were never trained. */
function fromWeights({ samples }: WeightFile): 'eps' | 'v' | null {
  const values = [...samples ?? []].find(([name]) => telltaleName.test(name))?.[1] ?? new Float32Array();
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
  return spread > 0 && Number.isFinite(spread) ? (spread > WIDE ? 'v' : 'eps') : null;
}

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
  const suggested = fromWeights(file);
  if (suggested) {
    const [is, other] = suggested === 'v' ? ['velocity (v)', 'eps'] : ['noise (eps)', 'v'];
    return { prediction: suggested, confidence: 0.85, doubt: `A Stable Diffusion 2 file does not say what it predicts; its weights suggest ${is}. If pictures come out as noise, set the prediction to ${other}.` };
  }
  return {
    prediction: 'v', confidence: 0.6,
    doubt: 'Nothing in a Stable Diffusion 2 file tells whether it predicts noise (eps) or velocity (v). v is assumed; if pictures come out as noise, set the prediction to eps.',
  };
}
