// Whole checkpoints and their single parts: which of U-Net, text encoder and autoencoder a file has, and of which family.
import type { WeightFile } from '../weights/source';
import { otherFamily } from './others';
import { findClipVision, findTextEncoder, findVae } from './parts';
import { contextFamilies, firstShape, hasName, type Detector, type Found } from './types';
import { unetFacts, unetFamily, variantOf } from './unet';

const unetPrefixes = ['model.diffusion_model.', 'diffusion_model.', 'unet.', ''];

export const findNetwork: Detector = (file) => {
  const vae = findVae(file), text = findTextEncoder(file), unet = findUnet(file);
  const isCheckpoint = partsNamed(file) > 1;
  // The file of a diffusion network alone, whatever its prefix, is a `unet`.
  if (unet) return vae || text || isCheckpoint ? { ...unet, kind: 'checkpoint' } : unet;
  if (isCheckpoint) return { kind: 'checkpoint', ...familyOfPieces(file, text), variant: 'base' };
  if (vae && text) return { kind: 'unknown', family: text.family, confidence: 0.3 };
  return vae ?? findClipVision(file) ?? text;
};

/** Where a checkpoint's parts stand. */
const roots = [/^model\.diffusion_model\./, /^first_stage_model\./, /^(?:cond_stage_model|conditioner)\./];

/** How many parts have tensors under a checkpoint's names, be it some of them. */
const partsNamed = (file: WeightFile): number => roots.filter((root) => hasName(file, root)).length;

/** Of a checkpoint whose U-Net is there in pieces, or not at all. */
function familyOfPieces(file: WeightFile, text: Found | null): Pick<Found, 'family' | 'confidence'> {
  const context = firstShape(file, /^model\.diffusion_model\..*attn2\.to_[kv]\.weight$/)?.[1], byContext = contextFamilies[context ?? 0];
  if (byContext) return { family: byContext, confidence: 0.8 };
  const isXl = hasName(file, /^conditioner\.|^model\.diffusion_model\.label_emb\./);
  return { family: isXl ? 'sdxl' : text?.family ?? (hasName(file, /^cond_stage_model\.model\./) ? 'sd2' : hasName(file, /^cond_stage_model\.transformer\./) ? 'sd1' : null), confidence: 0.5 };
}

function findUnet(file: WeightFile): Found | null {
  const other = otherFamily(file);
  if (other) return { kind: 'unet', family: other, confidence: 0.9 };
  for (const prefix of unetPrefixes) {
    const facts = unetFacts(file, prefix);
    if (facts) return { kind: 'unet', ...unetFamily(facts), variant: variantOf(facts.inChannels) };
  }
  return null;
}
