// Where control adds to a U-Net: at its blocks' outputs, and at the skips as the output blocks read them.
import type { Hooks } from '../../graph/hooks';
import { add } from '../../nn/layers';
import type { UnetConfig } from '../unet';
import { residualsOf } from './controlnet';

/** 'output.middle_block', 'output.input_blocks.5', 'skip.output_blocks.0': the graph's input `control.…` is added there. */
export type Place = string;

export const MIDDLE: Place = 'output.middle_block';

/** Of a ControlNet's residuals in order, the middle's last. */
export function controlNetPlaces(sizes: Pick<UnetConfig, 'channels' | 'resBlocks'>): Place[] {
  const count = residualsOf(sizes);
  return [...Array.from({ length: count }, (_, i) => `skip.output_blocks.${count - 1 - i}`), MIDDLE];
}

export const inputAt = (place: Place): string => `control.${place}`;

/** What is fed for `inputAt(place)` [B, C, H, W], or a part of it that spreads, is added. */
export const addedAt = (places: ReadonlySet<Place>, { prefix }: Pick<UnetConfig, 'prefix'>): Hooks => ({
  block(g, { path, role }, h) {
    const place = `${role}.${path.slice(prefix.length + 1)}`;
    return places.has(place) ? add(g, h, g.input(inputAt(place), 'float32', h.dims)) : h;
  },
});
