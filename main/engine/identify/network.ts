// Whole checkpoints and their single parts: which of U-Net, text encoder and autoencoder a file has, and of which family.
import type { WeightFile } from '../weights/source';
import { otherFamily } from './others';
import { findClipVision, findTextEncoder, findVae } from './parts';
import type { Detector, Found } from './types';
import { unetFacts, unetFamily, variantOf } from './unet';

const unetPrefixes = ['model.diffusion_model.', 'diffusion_model.', 'unet.', ''];

export const findNetwork: Detector = (file) => {
  const vae = findVae(file), text = findTextEncoder(file), unet = findUnet(file);
  // The file of a diffusion network alone, whatever its prefix, is a `unet`.
  if (unet) return vae || text ? { ...unet, kind: 'checkpoint' } : unet;
  if (vae && text) return { kind: 'unknown', family: text.family, confidence: 0.3 };
  return vae ?? findClipVision(file) ?? text;
};

function findUnet(file: WeightFile): Found | null {
  const other = otherFamily(file);
  if (other) return { kind: 'unet', family: other, confidence: 0.9 };
  for (const prefix of unetPrefixes) {
    const facts = unetFacts(file, prefix);
    if (facts) return { kind: 'unet', ...unetFamily(facts), variant: variantOf(facts.inChannels) };
  }
  return null;
}
