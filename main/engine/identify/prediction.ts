// What the network's output means: noise (eps) or velocity (v). SD 2's two kinds are identical in every name and shape.
import type { ModelReport } from '../../../preload/contract/model';
import type { Problem } from '../../../preload/contract/problems';
import type { TensorEntry, WeightFile } from '../weights/source';
import { predictionFromMetadata, zeroSnrFromMetadata } from './metadata';
import type { Found } from './types';

interface PredictionGuess {
  readonly prediction: ModelReport['prediction'];
  /** 0–1. */
  readonly confidence: number;
  /** Who says so: the name of a file, a tensor or a field of the metadata, 'weights', or 'family' where nothing says more. */
  readonly from: string | null;
  readonly doubts: readonly Problem[];
}

/** Playground 2.5 and CosXL: outputs are scaled by noise level in a way of their own, which marker tensors tell, or what lies beside the file. null for all others. */
export function predictsOtherwise({ tensors, config }: WeightFile): { why: 'edm' | 'cosxl' } | { why: 'other'; file: string; said: string } | null {
  if (tensors.has('edm_vpred.sigma_max') || tensors.has('edm_vpred.sigma_min')) return { why: 'cosxl' };
  if (tensors.has('edm_mean') || tensors.has('edm_std')) return { why: 'edm' };
  return config?.otherwise === undefined ? null : { why: 'other', file: config.from, said: config.otherwise };
}

/** Of trainers of SDXL models: empty tensors. */
const V_MARK = 'v_pred', ZERO_SNR_MARK = 'ztsnr';

/** Whether its last timestep is pure noise: so marked, or said by what lies beside it or by its metadata. */
export const hasZeroTerminalSnr = ({ tensors, config, metadata }: WeightFile): boolean => tensors.has(ZERO_SNR_MARK) || config?.zeroSnr === true || zeroSnrFromMetadata(metadata);

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

/** All that say what it predicts, the one that counts first. What lies beside a model was put there for it, by somebody who knew what the file leaves open. */
function* sayings({ tensors, config, metadata }: WeightFile): Generator<{ prediction: 'eps' | 'v'; from: string }> {
  if (config?.prediction) yield { prediction: config.prediction, from: config.from };
  if (tensors.has(V_MARK)) yield { prediction: 'v', from: V_MARK };
  const said = predictionFromMetadata(metadata);
  if (said) yield said;
}

const predicting = /^(?:sd1|sd2|sd2-unclip|sdxl|sdxl-refiner)$/;

/** null for what is no diffusion network of the families that have this choice. */
export function guessPrediction(file: WeightFile, { kind, family, variant }: Found): PredictionGuess {
  if ((kind !== 'checkpoint' && kind !== 'unet') || !predicting.test(family ?? '')) return { prediction: null, confidence: 1, from: null, doubts: [] };
  const other = predictsOtherwise(file), problems = file.config?.problems ?? [];
  if (other) return { prediction: null, confidence: 0.99, from: null, doubts: [other.why === 'other' ? { code: 'prediction.other', data: { file: other.file, said: other.said } } : { code: 'prediction.edm', data: other }, ...problems] };
  const [said, against] = [...sayings(file)].filter(({ prediction }, i, all) => i === 0 || prediction !== all[0]!.prediction);
  if (said) return { ...said, confidence: 1, doubts: [...(against ? [{ code: 'prediction.differ' as const, data: { ...said, against: against.from } }] : []), ...problems] };
  // All SD 2 variants but the plain one were made from the eps model.
  if (!family!.startsWith('sd2') || variant !== 'base') return { prediction: 'eps', confidence: 0.95, from: 'family', doubts: problems };
  const suggested = fromWeights(file);
  if (suggested) return { prediction: suggested, confidence: 0.85, from: 'weights', doubts: [{ code: 'prediction.likely', data: { why: suggested } }, ...problems] };
  return { prediction: 'v', confidence: 0.6, from: 'family', doubts: [{ code: 'prediction.open', data: {} }, ...problems] };
}
