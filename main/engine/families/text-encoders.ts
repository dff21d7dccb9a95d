// Which text encoders a checkpoint has, in the order in which the U-Net reads them, and which of their states the family was trained on.
import type { WeightFile } from '../weights/source';
import { clipTower } from './clip';
import { openClipTower } from './openclip';
import type { TextTower } from './text-tower';

/**
 * SD 1: CLIP-L, last state. SD 2: OpenCLIP-H, last state but one, normed. SDXL: CLIP-L and OpenCLIP-bigG, last but one, not normed; the refiner has
 * bigG alone. Told by where they stand: SD 1 and SD 2 keep theirs in `cond_stage_model`, SDXL in `conditioner.embedders`.
 */
export function textEncoders(file: WeightFile, heads?: number): TextTower[] {
  const own = clipTower(file, 'cond_stage_model.transformer', { heads });
  if (own && own.width < OPENCLIP_WIDTH) return [own];
  const open = own ? clipTower(file, 'cond_stage_model.transformer', { heads, openClip: true }) : openClipTower(file, 'cond_stage_model.model', heads);
  // Diffusers' copy of SD 2's tower leaves out the layer that is not read, so that 23 are all there are.
  if (open) return [{ ...open, pooledWidth: 0, clipSkip: open.layers === 23 ? 1 : 2 }];
  return [0, 1].flatMap((i) => sdxlEncoder(file, `conditioner.embedders.${i}`, heads) ?? []);
}

/** ViT-H has 1024 channels, bigG 1280, CLIP-L 768. */
const OPENCLIP_WIDTH = 1024;

function sdxlEncoder(file: WeightFile, root: string, heads?: number): TextTower | undefined {
  const openClip = root.endsWith('1') || (clipTower(file, `${root}.transformer`)?.width ?? 0) >= OPENCLIP_WIDTH;
  const clip = clipTower(file, `${root}.transformer`, { heads, openClip }), tower = clip ?? openClipTower(file, `${root}.model`, heads);
  // The pooled vector is bigG's; a CLIP-L from another collection brings a projection that nothing here reads.
  return tower && { ...tower, clipSkip: 2, normed: false, pooledWidth: clip && !openClip ? 0 : tower.pooledWidth };
}
