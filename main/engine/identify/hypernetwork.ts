// Hypernetworks: for each width of an attention's context, two small networks that change the keys and the values.
import { contextFamilies, type Detector } from './types';

/** Width, key (0) or value (1) network, and its layers as AUTOMATIC1111 or, before it, NovelAI named them. */
const layer = /^(\d+)\.[01]\.linear(?:\.\d+|[12])\.(?:weight|bias)$/;

export const findHypernetwork: Detector = (file) => {
  const widths = [...file.tensors.keys()].map((name) => layer.exec(name)?.[1]);
  if (widths.length === 0 || widths.includes(undefined)) return null;
  // The other widths are those of self-attention, which the families share.
  const family = ['768', '1024', '2048'].filter((width) => widths.includes(width)).map((width) => contextFamilies[Number(width)]!);
  return { kind: 'hypernetwork', family: family.length === 1 ? family[0]! : null, confidence: 0.95 };
};
