// LoRAs while a picture is made: on the U-Net as an extension, whose strengths follow the schedule, and on the text encoders, which read before the first step.
import type { LoraUse } from '../../../preload/contract/job';
import type { Notice } from '../../../preload/contract/notice';
import { loraHooks, type AppliedLora } from '../adapters/hooks';
import { matchLora, type Lora } from '../adapters/lora';
import type { Hooks } from '../graph/hooks';
import { sigmaToT, type SigmaTable } from '../sampling/model-sampling';
import { float32, type Tensor } from '../tensor';
import { changesNothing } from '../weights/lora/misfit';
import { baseName } from '../weights/safetensors';
import type { Asked, Extension } from './extensions';
import type { Model } from './model';

/** A LoRA of a job, opened. Strength 0 is none at all. */
export interface OpenLoraUse extends LoraUse { readonly lora: Lora }

/** What changes the text encoders. */
export interface TextAdapters {
  /** All that their answers hang on. */
  readonly key: string;
  /** For one graph. */
  hooks(): Hooks;
  /** By input; a graph may lack some. */
  readonly feeds: Readonly<Record<string, Tensor>>;
}

export interface LorasOnModel { readonly extensions: readonly Extension[]; readonly text?: TextAdapters | undefined; readonly notices: readonly Notice[] }

/** Where in a schedule an evaluation stands, 0–1. */
export type ShareOf = (asked: Asked) => number;

/** By evaluations, as A1111's extensions count steps, or by timesteps, as ComfyUI counts percents. */
export const shareOf = (compat: 'a1111' | 'comfy', table: SigmaTable): ShareOf =>
  (compat === 'a1111' ? ({ progress }) => progress : ({ sigma }) => 1 - sigmaToT(table, sigma) / (table.sigmas.length - 1));

/** Throws lora.changesNothing for one that fits no layer. */
export function lorasOn(model: Pick<Model, 'loraTargets' | 'path'>, uses: readonly OpenLoraUse[], share: ShareOf): LorasOnModel {
  const matched = uses.filter(({ unet, text }) => unet !== 0 || text !== 0).map((use, i) => ({ use, i, match: matchLora(use.lora, model.loraTargets) }));
  for (const { use: { lora }, match } of matched) if (match.applied === 0) throw changesNothing({ file: lora.file.path, model: model.path }, lora.modules, match);
  const appliedTo = (networks: readonly string[], strength: 'unet' | 'text'): On[] => matched.flatMap(({ use, i, match }): On[] => {
    const changes = match.changes.filter(({ target }) => networks.includes(target.network));
    return use[strength] === 0 || changes.length === 0 ? [] : [{ use, path: use.lora.file.path, input: `lora${i}`, changes, blocks: use.blocks, ranks: use.ranks }];
  });
  const unet = appliedTo(['unet'], 'unet'), text = appliedTo(['te1', 'te2'], 'text');
  return {
    extensions: unet.length > 0 ? [unetExtension(unet, share)] : [],
    ...(text.length > 0 && { text: textAdapters(text) }),
    notices: matched.flatMap(({ use: { lora }, match: { unmatched } }): Notice[] =>
      (unmatched.length === 0 ? [] : [{ code: 'lora.unmatched', data: { name: baseName(lora.file.path).replace(/\.[^.]+$/, ''), count: unmatched.length, of: lora.modules.length, layers: unmatched.slice(0, 3).join(', ') } }])),
  };
}

interface On extends AppliedLora { readonly use: OpenLoraUse }

/** All but the strengths, which are fed. */
const keyOf = (on: readonly On[]): string => JSON.stringify(['loras', ...on.map(({ use: { lora }, path, input, blocks, ranks }) => [input, path, lora.version, blocks, ranks])]);

const scalar = (value: number): Tensor => float32([], Float32Array.of(value));

const unetExtension = (on: readonly On[], share: ShareOf): Extension => ({
  key: keyOf(on),
  hooks: () => loraHooks(on),
  feeds: (call) => {
    const at = share(call);
    return Object.fromEntries(on.map(({ input, use: { unet, start = 0, end = 1 } }) => [input, scalar(at >= start && (at < end || end >= 1) ? unet : 0)]));
  },
});

const textAdapters = (on: readonly On[]): TextAdapters => ({
  key: `${keyOf(on)} ${on.map(({ use }) => use.text).join(' ')}`,
  hooks: () => loraHooks(on),
  feeds: Object.fromEntries(on.map(({ input, use }) => [input, scalar(use.text)])),
});

