// A reference picture while another is made: the same U-Net reads it first at each evaluation, noised as far, and the new picture's reads what it had.
import type { Reference } from '../../../preload/contract/control';
import { isXl, readReference, referenceShapes, referenceSites, writeReference } from '../families/control/reference';
import type { UnetConfig } from '../families/unet';
import { lincomb } from '../sampling/arithmetic';
import { float32, type Tensor } from '../tensor';
import { joinChannels, stack } from './batches';
import type { Extension, UnetCall } from './extensions';
import type { Condition } from './networks';

/** A job's reference, opened. `picture` [1, 3, height, width] in 0…1. */
export interface OpenReference { readonly settings: Reference; readonly picture: (width: number, height: number) => Promise<Tensor> }

/** `latents` and `noise` [1, C, h, w]. `look`: the U-Net's other outputs for x, as the extension makes them. */
interface Reading {
  readonly latents: Tensor;
  readonly noise: Tensor;
  readonly unet: UnetConfig;
  readonly scale: (sigma: number) => number;
  readonly look: (call: UnetCall, writer: Extension) => Promise<void>;
}

export function referenceExtension({ mode, weight, fidelity, start, end }: Reference, { latents, noise, unet, scale, look }: Reading): Extension {
  const sites = referenceSites(unet, { attn: mode !== 'reference_adain', adain: mode !== 'reference_only', weight });
  // SDXL's attentions bear less of it: sd-webui-controlnet takes the cube.
  const own = isXl(unet) ? fidelity ** 3 : fidelity, key = JSON.stringify(['reference', sites.attentions.length, sites.blocks.length, mode]);
  return {
    key,
    hooks: (size) => readReference(sites, size),
    async feeds(call) {
      const { rows, progress, sigma, x: { dims } } = call, [batch, , height, width] = dims as [number, number, number, number];
      const shapes = referenceShapes(sites, { batch, height, width }), isOn = progress >= start && progress <= end;
      if (shapes.size === 0) return {};
      const keep = { 'reference.own': float32([batch, 1, 1], Float32Array.from(rows, (row) => (!isOn ? 1 : row === 'uncond' ? own : 0))) };
      if (!isOn) return { ...keep, ...Object.fromEntries([...shapes].map(([name, shape]) => [name, float32(shape)])) };
      let seen: Readonly<Record<string, Tensor>> = {};
      const one = lincomb([scale(sigma), latents], [scale(sigma) * sigma, noise]), writer: Extension = { key: `${key} written`, hooks: () => writeReference(sites), feeds: () => ({}), read: (outputs) => { seen = outputs; } };
      await look({ ...call, x: stack(rows.map(() => one)), condition: shown(call.condition, latents) }, writer);
      return { ...keep, ...Object.fromEntries([...shapes.keys()].map((name) => [name, seen[name]!])) };
    },
  };
}

/** A U-Net for inpainting is shown the reference whole, with nothing to repaint. */
function shown(condition: Condition, latents: Tensor): Condition {
  const { concat } = condition;
  if (concat?.dims[1] !== 1 + latents.dims[1]!) return condition;
  const whole = joinChannels(float32([1, 1, ...latents.dims.slice(2)]), latents);
  return { ...condition, concat: stack(Array.from({ length: concat.dims[0]! }, () => whole)) };
}
