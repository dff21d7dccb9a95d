// What is trained for the context of the attentions: textual inversions (one or a few vectors as wide as the text encoder's own) and hypernetworks.
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

/**
 * A hypernetwork has two small networks for each width of an attention's context, which change its keys and values: the width, key (0) or value (1), and
 * layers as AUTOMATIC1111 or, before it, NovelAI named them.
 */
const hypernetworkLayer = /^(\d+)\.[01]\.linear(?:\.\d+|[12])\.(?:weight|bias)$/;

export const findHypernetwork: Detector = (file) => {
  const widths = [...file.tensors.keys()].map((name) => hypernetworkLayer.exec(name)?.[1]);
  if (widths.length === 0 || widths.includes(undefined)) return null;
  // The other widths are those of self-attention, which the families share.
  const family = ['768', '1024', '2048'].filter((width) => widths.includes(width)).map((width) => contextFamilies[Number(width)]!);
  return { kind: 'hypernetwork', family: family.length === 1 ? family[0]! : null, confidence: 0.95 };
};
