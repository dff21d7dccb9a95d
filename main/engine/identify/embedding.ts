// Textual inversions: one or a few vectors as wide as the text encoder's own word vectors.
import { contextFamilies, type Detector } from './types';

/** SD 1 reads 75 tokens at once; a longer "embedding" is something else. */
const maxVectors = 75;

export const findEmbedding: Detector = (file) => {
  // The first trainer kept the word's token as a tensor too.
  const tensors = [...file.tensors.values()].filter(({ name }) => !name.startsWith('string_to_token.'));
  const areVectors = tensors.length > 0 && tensors.every((t) => t.shape.length === 1 || (t.shape.length === 2 && t.shape[0]! <= maxVectors));
  if (!areVectors) return null;
  const every = (pattern: RegExp): boolean => tensors.every(({ name }) => pattern.test(name));
  const widths = new Set(tensors.map((t) => t.shape.at(-1) ?? 0)), width = widths.size === 1 ? [...widths][0]! : 0;
  if (every(/^(?:\d+\.)?(?:clip_[lgh]|t5xxl)(?:_out)?$/) && widths.size > 1) return { kind: 'embedding', family: widths.has(4096) ? 'sd3' : 'sdxl', confidence: 0.99 };
  if (every(/^(?:\d+\.)?(?:emb_params|string_to_param\..+|clip_[lgh])$/s)) {
    const family = contextFamilies[width] ?? null;
    return { kind: 'embedding', family, confidence: family ? 0.99 : 0.8 };
  }
  // diffusers: each tensor is named by a word itself, as a rule in angle brackets.
  const family = width === 768 ? 'sd1' : width === 1024 ? 'sd2' : null;
  const areWords = tensors.length === 1 ? !every(/\.(?:weight|bias)$/) : every(/^(?:\d+\.)?<.+>$/s);
  return family && areWords ? { kind: 'embedding', family, confidence: 0.8 } : null;
};
