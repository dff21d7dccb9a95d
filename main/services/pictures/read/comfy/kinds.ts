// ComfyUI's types of values, and ours.
import type { Value } from './values';

const kinds: Readonly<Record<string, Value['kind']>> = {
  MODEL: 'model',
  CLIP: 'clip',
  VAE: 'vae',
  CONDITIONING: 'conditioning',
  LATENT: 'picture',
  IMAGE: 'picture',
  LORA_STACK: 'loras',
  NOISE: 'noise',
  SAMPLER: 'sampler',
  SIGMAS: 'sigmas',
  GUIDER: 'guider',
  UPSCALE_MODEL: 'upscaler',
  SCRIPT: 'script',
};

/** undefined for types that a job has nothing of, and for what is written in nodes. */
export const kindOfType = (type: string): Value['kind'] | undefined => (Object.hasOwn(kinds, type) ? kinds[type] : undefined);

/** BASIC_PIPE, PIPE_LINE, RGTHREE_CONTEXT, … */
export const isBundleType = (type: string): boolean => /PIPE|_CONTEXT$|^SDXL_TUPLE$|^BUS$/.test(type);
