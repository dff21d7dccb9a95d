// Why a model cannot make pictures, as the error that the window and a job show. Only whole SD 1.x checkpoints run so far.
import type { ModelReport } from '../../../preload/contract/model';
import { AppError } from '../errors';
import { baseName } from '../weights/safetensors';
import type { WeightFile } from '../weights/source';
import type { Problem } from './expected-check';
import type { Found } from './identify-types';

/** As people write them; other families by their own name. */
export const familyLabels: Readonly<Record<string, string>> = {
  sd1: 'Stable Diffusion 1', sd2: 'Stable Diffusion 2', sdxl: 'SDXL', 'sdxl-refiner': 'SDXL refiner', sd3: 'Stable Diffusion 3', flux: 'Flux', pixart: 'PixArt',
  cascade: 'Stable Cascade', svd: 'Stable Video Diffusion',
};
const kindLabels: Readonly<Record<ModelReport['kind'], string>> = {
  checkpoint: 'a checkpoint', unet: 'a U-Net alone', 'text-encoder': 'a text encoder', vae: 'an autoencoder (VAE)', taesd: 'a preview autoencoder (TAESD)', lora: 'a LoRA',
  embedding: 'a textual inversion', hypernetwork: 'a hypernetwork', controlnet: 'a ControlNet', 't2i-adapter': 'a T2I-Adapter', 'ip-adapter': 'an IP-Adapter',
  'clip-vision': 'an image encoder', upscaler: 'an upscaler', 'motion-module': 'a motion module', unknown: 'no model that Atelier knows',
};
const variantLabels = { inpaint: 'inpainting', pix2pix: 'instruct-pix2pix', depth: 'depth-to-image' } as const;
const chooseAnother = 'Choose a Stable Diffusion 1.x checkpoint in a .safetensors file.';

/** null when pictures can be made with it. Codes: model.notACheckpoint, model.unsupportedFamily, weights.missingTensor, weights.shapeMismatch, weights.unsupportedDtype. */
export function notRunnable(file: WeightFile, found: Found, problems: readonly Problem[]): AppError | null {
  const name = baseName(file.path), { kind, family, variant } = found;
  const data = { file: file.path, kind, family, variant };
  const label = familyLabels[family ?? ''] ?? family;
  if (label && family !== 'sd1' && (kind === 'checkpoint' || kind === 'unet')) {
    return new AppError('model.unsupportedFamily', { message: `${name} is a model of the family ${label}, which Atelier does not support yet`, hint: chooseAnother, data });
  }
  if (kind !== 'checkpoint' || family !== 'sd1') {
    return new AppError('model.notACheckpoint', { message: `${name} is ${kindLabels[kind]}, not a whole checkpoint`, hint: chooseAnother, data });
  }
  if (variant !== 'base') {
    const what = variant ? `an ${variantLabels[variant]} model` : 'a variant that Atelier does not know';
    return new AppError('model.unsupportedFamily', { message: `${name} is ${what}, which Atelier does not support yet`, hint: chooseAnother, data });
  }
  const fatal = problems.filter((problem) => problem.severity === 'fatal');
  const [first] = fatal;
  if (!first?.code) return null;
  const more = fatal.length > 1 ? ` (and ${fatal.length - 1} more problems)` : '';
  return new AppError(first.code, {
    message: `${name} is not a complete Stable Diffusion 1 checkpoint: ${first.message}${more}`,
    hint: 'Run `inspect` on the file for the whole list. Choose another version of this model, one with text encoder and VAE inside.',
    data: { file: file.path, tensor: first.tensor, problems: fatal.length },
  });
}
