// What a weight file is, told from names, shapes and, where these leave it open, its metadata. No weights are read.
import type { ModelReport } from '../../../preload/contract/model';
import type { Problem } from '../../../preload/contract/problems';
import { familyNames } from '../../../preload/contract/vocabulary';
import type { AppError } from '../errors';
import { sizeOf } from '../tensor';
import { meantBy } from '../weights/meant';
import { foreignForm } from '../weights/quantized/forms';
import type { StoredDType, TensorEntry, WeightFile } from '../weights/source';
import { checkCheckpoint, isRunnableFamily, type Fault } from '../checking/check';
import { isBuffer, isEmaCopy } from './buffers';
import { findControlNet, findIpAdapter, findMotionModule, findT2iAdapter } from './control';
import { findEmbedding, findHypernetwork } from './context';
import { findLora } from './lora';
import { familyFromMetadata, trainedWords } from './metadata';
import { findNetwork } from './network';
import { strangerIn } from './others';
import { findTaesd } from './parts';
import { guessPrediction, hasZeroTerminalSnr } from './prediction';
import { notRunnable } from './runnable';
import type { Detector, Found } from './types';
import { findUpscaler } from './upscaler';

/** All that can be said without reading the file's bytes. */
export type Identity = Omit<ModelReport, 'hashes'>;

/** In this order: adapters carry pieces of the names of what they adapt (a ControlNet has half a U-Net), so the narrower kind asks first. */
const detectors: readonly Detector[] = [
  findEmbedding, findHypernetwork, findIpAdapter, findControlNet, findT2iAdapter, findLora, findMotionModule, findUpscaler, findTaesd, findNetwork,
];

/** `prediction` overrides what the file claims or leaves open. */
export function identify(given: WeightFile, options: { prediction?: 'eps' | 'v' } = {}): Identity {
  const file = meantBy(given);
  const { found, faults } = examine(file);
  const guess = options.prediction ? { prediction: options.prediction, confidence: 1, from: 'user', doubts: file.config?.problems ?? [] } : guessPrediction(file, found);
  const form = foreignForm(file);
  const weights = [...file.tensors.values()].filter((t) => !isBuffer(t.name) && !isEmaCopy(t.name));
  return {
    ...found,
    variant: found.variant ?? null, prediction: guess.prediction, ...(guess.from !== null && { predictionFrom: guess.from }), ...(guess.prediction !== null && hasZeroTerminalSnr(file) && { zeroTerminalSnr: true }),
    confidence: Math.min(found.confidence, guess.confidence),
    ...(found.kind === 'lora' && { trainedWords: trainedWords(file.metadata) }),
    precision: precisionOf(weights), parameters: weights.reduce((sum, t) => sum + sizeOf(t.shape), 0),
    tensors: file.tensors.size + (file.companions?.length ?? 0), sizeBytes: file.sizeBytes, metadata: file.metadata,
    problems: [...(form ? [{ code: 'weights.form' as const, data: form }] : []), ...file.doubts ?? [], ...firstProblems(faults), ...guess.doubts, ...unsupported(found), ...(found.kind === 'unknown' ? [whyUnknown(file)] : [])],
    runnable: notRunnable(file, found, faults) === null,
  };
}

/** The error that a job with this file would end with, or null when pictures can be made. */
export function whyNotRunnable(given: WeightFile): AppError | null {
  const file = meantBy(given), { found, faults } = examine(file);
  return notRunnable(file, found, faults);
}

function examine(file: WeightFile): { found: Found; faults: Fault[] } {
  const found = withMetadata(file, detect(file));
  return { found, faults: found.kind === 'checkpoint' && isRunnableFamily(found.family) ? checkCheckpoint(file, found.family) : [] };
}

function detect(file: WeightFile): Found {
  for (const detector of detectors) {
    const found = detector(file);
    if (found) return found;
  }
  return { kind: 'unknown', family: strangerIn(file)?.family ?? null, confidence: 0 };
}

/** What a family that does not run is made for, where its kin run and people expect it to. */
const unsupported = ({ kind, family }: Found): Problem[] =>
  ((kind === 'checkpoint' || kind === 'unet') && family !== null && !isRunnableFamily(family) ? [{ code: 'family.unsupported', data: { why: family === 'sd2-unclip' ? 'unclip' : 'other', family: familyNames[family]?.label ?? family } }] : []);

function whyUnknown(file: WeightFile): Problem {
  const { tensors } = file, stranger = strangerIn(file);
  if (tensors.size === 0) return { code: 'unknown.empty', data: {} };
  if (stranger) return { code: 'unknown.stranger', data: { stranger: stranger.id } };
  return { code: 'unknown.names', data: { count: tensors.size, names: [...tensors.keys()].slice(0, 3) } };
}

/** Metadata names the family that names and shapes left open, and makes an unsure one surer where it agrees. */
function withMetadata(file: WeightFile, found: Found): Found {
  const claimed = found.kind === 'unknown' ? null : familyFromMetadata(file.metadata);
  if (claimed && found.family === null) return { ...found, family: claimed };
  return claimed && claimed === found.family ? { ...found, confidence: Math.max(found.confidence, 0.99) } : found;
}

const precisions: Readonly<Record<StoredDType, string>> = {
  F64: 'fp64', F32: 'fp32', F16: 'fp16', BF16: 'bf16', F8_E4M3: 'fp8_e4m3', F8_E5M2: 'fp8_e5m2', F8_E4M3FNUZ: 'fp8_e4m3fnuz', F8_E5M2FNUZ: 'fp8_e5m2fnuz', F8_E8M0: 'e8m0',
  I64: 'int64', I32: 'int32', I16: 'int16', I8: 'int8', U64: 'uint64', U32: 'uint32', U16: 'uint16', U8: 'uint8', BOOL: 'bool',
};

/** Of the weights that hold values; empty marker tensors do not count. */
function precisionOf(weights: readonly TensorEntry[]): string {
  const found = new Set(weights.filter((t) => t.byteLength > 0).map((t) => precisions[t.dtype]));
  return found.size > 1 ? 'mixed' : [...found][0] ?? 'none';
}

const shownProblems = 20;

function firstProblems(faults: readonly Fault[]): Problem[] {
  const shown = faults.slice(0, shownProblems).map(({ problem }) => problem);
  const rest = faults.length - shown.length;
  return rest > 0 ? [...shown, { code: 'more', data: { count: rest, total: faults.length } }] : shown;
}
