// Which of the files that are parts of models suit a model, as far as their names and families tell.
import type { ModelEntry } from '../../preload/contract/model';

/** Those of other families have a family; a TAESD's encoder alone makes no pictures. */
export const vaesFor = (parts: readonly ModelEntry[]): readonly ModelEntry[] =>
  parts.filter(({ kind, family, name }) => family === null && (kind === 'vae' || (kind === 'taesd' && !/encoder/i.test(name.replace(/decoder/i, '')))));

/** CLIP-L is told as SD 1's and serves SDXL as well; what cannot be told may suit. */
const encoderFamilies: Readonly<Record<string, readonly string[]>> = { sd1: ['sd1', 'sdxl'], sd2: ['sd2'], sdxl: ['sd1', 'sdxl'], 'sdxl-refiner': ['sdxl'] };

export const textEncodersFor = (model: ModelEntry, parts: readonly ModelEntry[]): readonly ModelEntry[] =>
  parts.filter(({ kind, family }) => kind === 'text-encoder' && (family === null || encoderFamilies[model.family ?? '']?.includes(family)));
