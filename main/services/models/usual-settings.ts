// Settings that suit a model. Distilled ones need a few steps and next to no guidance, and have nothing but their names to tell it: what their authors
// say of sd_turbo and sd_xl_turbo (Stability), SDXL-Lightning, Hyper-SD (ByteDance), DMD2 and LCM, and of the many that were merged with one of these.
import { usualSettings, type ModelEntry } from '../../../preload/contract/model';
import type { WeightFile } from '../../engine/weights/source';

type Settings = ModelEntry['defaults'];

/** A U-Net that reads the guidance scale was distilled with it inside (Luo et al. 2023, arXiv:2310.04378), and wants a usual one. */
const guidanceInside = /(?:^|\.)(?:time_embed|time_embedding)\.cond_proj\.weight$/;

/** '…_4step', '… 8-steps': which of its forms it is. */
const stepsIn = (name: string): number | undefined => {
  const steps = Number(/(?:^|[^\d])(\d{1,2})[-_ ]?steps?(?![a-z])/i.exec(name)?.[1]);
  return steps >= 1 && steps <= 20 ? steps : undefined;
};

const distilled: readonly { readonly name: RegExp; readonly settings: Settings }[] = [
  { name: /sd[-_ ]?(?:xl)?[-_ ]?turbo(?:[-_ .]|$)/i, settings: { steps: 4, cfg: 1, sampler: 'euler_a', schedule: 'sgm_uniform' } },
  { name: /sdxl[-_ ]lightning/i, settings: { steps: 4, cfg: 1, sampler: 'euler', schedule: 'sgm_uniform' } },
  { name: /hyper[-_ ]?sd|(?:^|[-_ ])hyper(?:[-_ ]|$)/i, settings: { steps: 8, cfg: 1, sampler: 'ddim', schedule: 'sgm_uniform' } },
  { name: /(?:^|[^a-z])dmd2?(?![a-z])/i, settings: { steps: 4, cfg: 1, sampler: 'lcm', schedule: 'sgm_uniform' } },
  { name: /(?:^|[^a-z])lcm(?![a-z])|LCM/, settings: { steps: 6, cfg: 1.5, sampler: 'lcm', schedule: 'sgm_uniform' } },
  { name: /lightning/i, settings: { steps: 6, cfg: 2, sampler: 'dpmpp_sde', schedule: 'karras' } },
  { name: /turbo/i, settings: { steps: 7, cfg: 2, sampler: 'dpmpp_sde', schedule: 'karras' } },
];

/** `name`: the file's, without its ending. */
export function settingsFor(name: string, file: WeightFile | null): Settings {
  if (file && [...file.tensors.keys()].some((key) => guidanceInside.test(key))) return { steps: 6, cfg: 8, sampler: 'lcm', schedule: 'sgm_uniform' };
  const kind = distilled.find((each) => each.name.test(name));
  return kind ? { ...kind.settings, steps: stepsIn(name) ?? kind.settings.steps } : usualSettings;
}

/**
 * LoRAs that make a model need few steps, by the names that their authors gave them: of anything else the name would be no more than a style's. What they say of
 * LCM-LoRA (latent-consistency), SDXL-Lightning and Hyper-SD (ByteDance; its CFG-preserved ones keep guidance), DMD2, TCD, and SD(XL) Turbo taken out as a LoRA.
 */
const distilledLoras: typeof distilled = [
  { name: /(?:^|[^a-z])lcm[-_ ]?(?:sdxl|sd15|sd|ssd|lora|xl)|lora[-_ ]?lcm(?![a-z])|^lcm$/i, settings: { steps: 6, cfg: 1.5, sampler: 'lcm', schedule: 'sgm_uniform' } },
  { name: /sd[-_ ]?xl[-_ ]?lightning/i, settings: { steps: 4, cfg: 1, sampler: 'euler', schedule: 'sgm_uniform' } },
  { name: /hyper[-_ ]?sd(?:xl|15)?[-_ ].*cfg/i, settings: { steps: 8, cfg: 5, sampler: 'ddim', schedule: 'sgm_uniform' } },
  { name: /hyper[-_ ]?sd(?:xl|15|[-_ ]|$)/i, settings: { steps: 8, cfg: 1, sampler: 'ddim', schedule: 'sgm_uniform' } },
  { name: /(?:^|[^a-z])dmd2(?![a-z])/i, settings: { steps: 4, cfg: 1, sampler: 'lcm', schedule: 'sgm_uniform' } },
  { name: /(?:^|[^a-z])tcd[-_ ]?(?:sdxl|sd15|sd21|lora)/i, settings: { steps: 4, cfg: 1, sampler: 'tcd', schedule: 'sgm_uniform' } },
  { name: /sd[-_ ]?(?:xl)?[-_ ]?turbo[-_ ]?lora/i, settings: { steps: 4, cfg: 1, sampler: 'euler_a', schedule: 'sgm_uniform' } },
];

/** What pictures with this LoRA want, by its file's name or its trainer's. undefined for one that is not known to be distilled. */
export function loraSettings(names: readonly (string | undefined)[]): Settings | undefined {
  for (const name of names) {
    const kind = name === undefined ? undefined : distilledLoras.find((each) => each.name.test(name));
    if (kind) return { ...kind.settings, steps: stepsIn(name!) ?? kind.settings.steps };
  }
  return undefined;
}

/** SDXL Turbo was made at half of SDXL's size. */
export const isHalfSize = (name: string): boolean => /sd[-_ ]?xl[-_ ]?turbo(?:[-_ .]|$)/i.test(name);
