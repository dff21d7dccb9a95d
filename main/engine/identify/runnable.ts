// Why a model cannot make pictures, as the error that the window and a job show. Whole checkpoints of SD 1, SD 2 and SDXL run.
import { familyNames } from '../../../preload/contract/vocabulary';
import { AppError } from '../errors';
import { foreignForm, foreignFormError } from '../weights/quantized/forms';
import type { WeightFile } from '../weights/source';
import { isRunnableFamily, type Fault } from '../checking/check';
import { predictsOtherwise } from './prediction';
import type { Found } from './types';

/** null when pictures can be made with it. Codes: model.notACheckpoint, model.unsupported, model.incomplete, weights.foreignForm. */
export function notRunnable(file: WeightFile, found: Found, faults: readonly Fault[]): AppError | null {
  const { kind, family, variant } = found, { path } = file;
  const label = familyNames[family ?? '']?.label ?? family;
  if (label && !isRunnableFamily(family) && (kind === 'checkpoint' || kind === 'unet')) {
    return new AppError('model.unsupported', { why: 'family', file: path, family: label });
  }
  const form = foreignForm(file);
  if (form) return foreignFormError(file, form);
  if (kind !== 'checkpoint' || !isRunnableFamily(family)) {
    return new AppError('model.notACheckpoint', { why: 'kind', file: path, kind });
  }
  if (!variant) {
    return new AppError('model.unsupported', { why: 'variant', file: path, family: label ?? family });
  }
  const other = predictsOtherwise(file);
  if (other) return other.why === 'other' ? new AppError('model.unsupported', { why: 'prediction', file: path, from: other.file, said: other.said }) : new AppError('model.unsupported', { why: other.why, file: path });
  const fatal = faults.filter(({ severity }) => severity === 'fatal'), [first] = fatal;
  return first ? new AppError('model.incomplete', { file: path, family: label ?? family, problem: first.problem, count: fatal.length }) : null;
}
