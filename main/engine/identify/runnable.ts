// Why a model cannot make pictures, as the error that the window and a job show. Whole checkpoints of SD 1, SD 2 and SDXL run.
import type { ModelReport } from '../../../preload/contract/model';
import { familyNames } from '../../../preload/contract/vocabulary';
import { AppError } from '../errors';
import { baseName } from '../weights/safetensors';
import type { WeightFile } from '../weights/source';
import { isRunnableFamily, type Problem } from '../checking/check';
import { predictsOtherwise } from './prediction';
import type { Found } from './types';

const kindLabels: Readonly<Record<ModelReport['kind'], string>> = {
  checkpoint: 'a checkpoint', unet: 'a U-Net alone', 'text-encoder': 'a text encoder', vae: 'an autoencoder (VAE)', taesd: 'a preview autoencoder (TAESD)', lora: 'a LoRA',
  embedding: 'a textual inversion', hypernetwork: 'a hypernetwork', controlnet: 'a ControlNet', 't2i-adapter': 'a T2I-Adapter', 'ip-adapter': 'an IP-Adapter',
  'clip-vision': 'an image encoder', upscaler: 'an upscaler', 'motion-module': 'a motion module', unknown: 'no model that Atelier knows',
};
const chooseAnother = 'Choose a Stable Diffusion 1, 2 or XL checkpoint: a .safetensors or .ckpt file, or a diffusers folder.';

/** null when pictures can be made with it. Codes: model.notACheckpoint, model.unsupportedFamily, weights.missingTensor, weights.shapeMismatch, weights.unsupportedDtype. */
export function notRunnable(file: WeightFile, found: Found, problems: readonly Problem[]): AppError | null {
  const name = baseName(file.path), { kind, family, variant } = found;
  const data = { file: file.path, kind, family, variant };
  const label = familyNames[family ?? '']?.label ?? family;
  if (label && !isRunnableFamily(family) && (kind === 'checkpoint' || kind === 'unet')) {
    return new AppError('model.unsupportedFamily', { message: `${name} is a model of the family ${label}, which Atelier does not support yet`, hint: chooseAnother, data });
  }
  if (kind !== 'checkpoint' || !isRunnableFamily(family)) {
    return new AppError('model.notACheckpoint', { message: `${name} is ${kindLabels[kind]}, not a whole checkpoint`, hint: chooseAnother, data });
  }
  if (!variant) {
    return new AppError('model.unsupportedFamily', { message: `${name} is a variant of ${label} that Atelier does not know`, hint: chooseAnother, data });
  }
  if (predictsOtherwise(file)) {
    return new AppError('model.unsupportedFamily', { message: `${name} is an EDM model, whose outputs Atelier cannot read yet`, hint: chooseAnother, data });
  }
  const fatal = problems.filter((problem) => problem.severity === 'fatal');
  const [first] = fatal;
  if (!first?.code) return null;
  const more = fatal.length > 1 ? ` (and ${fatal.length - 1} more problems)` : '';
  return new AppError(first.code, {
    message: `${name} is not a complete ${label} checkpoint: ${first.message}${more}`,
    hint: 'Run `inspect` on the file for the whole list. Choose another version of this model, one with text encoder and VAE inside.',
    data: { file: file.path, tensor: first.tensor, problems: fatal.length },
  });
}
