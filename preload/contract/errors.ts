// What can go wrong, as data: a closed union of codes. Errors cross processes in this form, since a thrown error keeps only its message.
import { z } from 'zod';

const errorCodes = [
  // weights and checkpoints
  'file.notFound', 'file.unreadable', 'weights.notSafetensors', 'weights.truncated', 'weights.badHeader', 'weights.badOffsets',
  'weights.missingTensor', 'weights.shapeMismatch', 'weights.unsupportedDtype', 'weights.notFinite',
  'weights.forbiddenGlobal', 'weights.unsupportedLayout',
  'model.notACheckpoint', 'model.unsupportedFamily', 'model.notFound',
  // jobs
  'job.invalid', 'job.cancelled', 'job.notFound', 'pass.unreadable', 'pass.stale', 'picture.unreadable', 'picture.notFound',
  // machine
  'disk.full', 'disk.failed', 'memory.exhausted', 'worker.died', 'worker.failed',
  // everything else
  'auth.refused', 'internal',
] as const;

export const ErrorCode = z.enum(errorCodes);
export type ErrorCode = z.infer<typeof ErrorCode>;

export const ErrorInfo = z.object({
  code: ErrorCode,
  /** What happened, naming the file or field. */
  message: z.string(),
  /** What to do next, as one sentence to a person. */
  hint: z.string().optional(),
  /** Details by code: file, key, got, want, … Plain JSON. */
  data: z.record(z.string(), z.unknown()).optional(),
});
export type ErrorInfo = z.infer<typeof ErrorInfo>;
