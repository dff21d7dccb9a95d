// Textual inversions: one or a few vectors as wide as the text encoder's own word vectors.
import { contextFamilies, type Detector } from './identify-types';

/** SD 1 reads 75 tokens at once; a longer "embedding" is something else. */
const maxVectors = 75;

export const findEmbedding: Detector = (file) => {
  // The first trainer kept the word's token as a tensor too.
  const tensors = [...file.tensors.values()].filter(({ name }) => !name.startsWith('string_to_token.'));
  const widths = tensors.map((t) => t.shape.at(-1) ?? 0);
  const areVectors = tensors.length > 0 && tensors.length <= 3 && tensors.every((t) => t.shape.length === 1 || (t.shape.length === 2 && t.shape[0]! <= maxVectors));
  if (!areVectors) return null;
  if (file.tensors.has('clip_g')) return { kind: 'embedding', family: file.tensors.has('t5xxl') ? 'sd3' : 'sdxl', confidence: 0.99 };
  const [first] = tensors;
  if (/^(?:emb_params|string_to_param\..+|clip_l)$/.test(first!.name)) {
    const family = contextFamilies[widths[0]!] ?? null;
    return { kind: 'embedding', family, confidence: family ? 0.99 : 0.8 };
  }
  // diffusers: the only tensor is named by the word itself.
  const family = widths[0] === 768 ? 'sd1' : widths[0] === 1024 ? 'sd2' : null;
  return tensors.length === 1 && family && !/\.(?:weight|bias)$/.test(first!.name) ? { kind: 'embedding', family, confidence: 0.8 } : null;
};
