// What a new model file says of itself: what the source said, less what no longer holds, and how it was made, as AUTOMATIC1111's merger writes it.
import { prunePattern } from './prune';
import type { MergeMode } from './algebra';

type Metadata = Readonly<Record<string, string>>;

/** Hashes of the source's weights, and how these were packed, which the new file does not have. */
const stale = new Set(['modelspec.hash_sha256', 'sshs_model_hash', 'sshs_legacy_hash', '_quantization_metadata']);

/** The metadata of a file made from one with `source`. */
export const derivedMetadata = (source: Metadata, added: Metadata = {}): Record<string, string> =>
  ({ ...Object.fromEntries(Object.entries(source).filter(([key]) => !stale.has(key))), format: 'pt', ...added });

/** A model that went into a merge. `sha256` of the whole file; `autov1` the old 8-digit hash. */
export interface MergedModel { readonly name: string; readonly sha256: string; readonly autov1: string; readonly metadata: Metadata }

export interface MergeFacts {
  /** A, B and, for add-difference, C. */
  readonly models: readonly MergedModel[];
  readonly mode: MergeMode;
  readonly multiplier: number;
  readonly blocks?: Readonly<Record<string, number>>;
  readonly isHalf: boolean;
  readonly isPruned: boolean;
  readonly variant: 'inpaint' | 'pix2pix' | null;
  /** The new file's name without its ending. */
  readonly name: string;
}

const methods: Readonly<Record<MergeMode, string>> = { 'weighted-sum': 'Weighted sum', 'add-difference': 'Add difference' };

/** `sd_merge_recipe` and `sd_merge_models`, both JSON text. Recipes of the models themselves are carried along. `block_multipliers` is our addition. */
export function mergeMetadata({ models, mode, multiplier, blocks, isHalf, isPruned, variant, name }: MergeFacts): Record<string, string> {
  const recipe = {
    type: 'webui',
    primary_model_hash: models[0]!.sha256, secondary_model_hash: models[1]!.sha256, tertiary_model_hash: models[2]?.sha256 ?? null,
    interp_method: methods[mode], multiplier, save_as_half: isHalf, custom_name: name, config_source: 0, bake_in_vae: 'None',
    discard_weights: isPruned ? prunePattern : '', is_inpainting: variant === 'inpaint', is_instruct_pix2pix: variant === 'pix2pix',
    ...(blocks && { block_multipliers: blocks }),
  };
  const known: Record<string, unknown> = {};
  for (const model of models) {
    known[model.sha256] = { name: model.name, legacy_hash: model.autov1, sd_merge_recipe: parsed(model.metadata.sd_merge_recipe) };
    Object.assign(known, parsed(model.metadata.sd_merge_models));
  }
  return { sd_merge_recipe: JSON.stringify(recipe), sd_merge_models: JSON.stringify(known) };
}

/** Metadata is hearsay: what is no JSON object counts as not said. */
function parsed(text: string | undefined): object | null {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
