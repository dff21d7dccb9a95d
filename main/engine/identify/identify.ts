// What a weight file is, told from names, shapes and, where these leave it open, its metadata. No weights are read.
import type { ModelReport } from '../../../preload/contract/model';
import type { AppError } from '../errors';
import { sizeOf } from '../tensor';
import type { StoredDType, TensorEntry, WeightFile } from '../weights/source';
import { checkCheckpoint, isRunnableFamily, type Problem } from '../checking/check';
import { isBuffer, isEmaCopy } from './buffers';
import { findControlNet, findIpAdapter, findMotionModule, findT2iAdapter } from './control';
import { findEmbedding } from './embedding';
import { findHypernetwork } from './hypernetwork';
import { findLora } from './lora';
import { familyFromMetadata, trainedWords } from './metadata';
import { findNetwork } from './network';
import { strangerIn } from './others';
import { findTaesd } from './parts';
import { guessPrediction } from './prediction';
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
export function identify(file: WeightFile, options: { prediction?: 'eps' | 'v' } = {}): Identity {
  const { found, problems } = examine(file);
  const guess = options.prediction ? { prediction: options.prediction, confidence: 1, doubt: null } : guessPrediction(file, found);
  const weights = [...file.tensors.values()].filter((t) => !isBuffer(t.name) && !isEmaCopy(t.name));
  return {
    ...found,
    variant: found.variant ?? null, prediction: guess.prediction, confidence: Math.min(found.confidence, guess.confidence),
    ...(found.kind === 'lora' && { trainedWords: trainedWords(file.metadata) }),
    precision: precisionOf(weights), parameters: weights.reduce((sum, t) => sum + sizeOf(t.shape), 0),
    tensors: file.tensors.size, sizeBytes: file.sizeBytes, metadata: file.metadata,
    problems: [...firstProblems(problems), ...(guess.doubt ? [guess.doubt] : []), ...(found.kind === 'unknown' ? [whyUnknown(file)] : [])],
    runnable: notRunnable(file, found, problems) === null,
  };
}

/** The error that a job with this file would end with, or null when pictures can be made. */
export function whyNotRunnable(file: WeightFile): AppError | null {
  const { found, problems } = examine(file);
  return notRunnable(file, found, problems);
}

function examine(file: WeightFile): { found: Found; problems: Problem[] } {
  const found = withMetadata(file, detect(file));
  return { found, problems: found.kind === 'checkpoint' && isRunnableFamily(found.family) ? checkCheckpoint(file, found.family) : [] };
}

function detect(file: WeightFile): Found {
  for (const detector of detectors) {
    const found = detector(file);
    if (found) return found;
  }
  return { kind: 'unknown', family: strangerIn(file)?.family ?? null, confidence: 0 };
}

function whyUnknown(file: WeightFile): string {
  if (file.tensors.size === 0) return 'It holds no tensors.';
  const stranger = strangerIn(file), names = [...file.tensors.keys()].slice(0, 3).join(', ');
  return stranger ? `It is ${stranger.what}. Atelier has no use for it yet.` : `No network that Atelier knows has its ${file.tensors.size} tensors (${names}${file.tensors.size > 3 ? ', …' : ''}).`;
}

/** Metadata names the family that names and shapes left open, and makes an unsure one surer where it agrees. */
function withMetadata(file: WeightFile, found: Found): Found {
  const claimed = found.kind === 'unknown' ? null : familyFromMetadata(file.metadata);
  if (claimed && found.family === null) return { ...found, family: claimed };
  return claimed && claimed === found.family ? { ...found, confidence: Math.max(found.confidence, 0.99) } : found;
}

const precisions: Readonly<Record<StoredDType, string>> = {
  F64: 'fp64', F32: 'fp32', F16: 'fp16', BF16: 'bf16', F8_E4M3: 'fp8_e4m3', F8_E5M2: 'fp8_e5m2',
  I64: 'int64', I32: 'int32', I16: 'int16', I8: 'int8', U8: 'uint8', BOOL: 'bool',
};

/** Of the weights that hold values; empty marker tensors do not count. */
function precisionOf(weights: readonly TensorEntry[]): string {
  const found = new Set(weights.filter((t) => t.byteLength > 0).map((t) => precisions[t.dtype]));
  return found.size > 1 ? 'mixed' : [...found][0] ?? 'none';
}

const shownProblems = 20;

function firstProblems(problems: readonly Problem[]): string[] {
  const shown = problems.slice(0, shownProblems).map((problem) => problem.message);
  const rest = problems.length - shown.length;
  return rest > 0 ? [...shown, `… and ${rest} more of ${problems.length} problems`] : shown;
}
