// What an adapter's file is and does: its modules by kind and rank, what it was made for and taught with, what is broken in it, and, on a model, which layers it
// changes and which it does not.
import { changedBias, changedWeight } from '../../engine/adapters/change';
import { isReadAhead, prepareModule, type Adapter, type AdapterPart } from '../../engine/adapters/module';
import { AppError } from '../../engine/errors';
import { Graph, type Value } from '../../engine/graph/graph';
import { identify } from '../../engine/identify/identify';
import { parseObject } from '../../engine/identify/metadata';
import type { Dims, Tensor } from '../../engine/tensor';
import { matchModules, type ModuleChange } from '../../engine/weights/lora/match';
import { changesNothing } from '../../engine/weights/lora/misfit';
import { loraModules, type LoraModule, type LoraParts } from '../../engine/weights/lora/modules';
import { loraTargets } from '../../engine/weights/lora/targets';
import { blockOf } from '../../engine/weights/merge/blocks';
import type { TensorEntry, WeightFile } from '../../engine/weights/source';
import { numbersOf } from '../../engine/weights/values';
import { openModel } from '../../files/model-folder';
import { openWeightFile, scanNotFinite, withFile } from '../../files/weight-file';

export interface LoraReport {
  readonly file: string;
  /** How many modules have each: by algorithm, by rank, by alpha. Ranks and alphas of those that have one. */
  readonly algorithms: Readonly<Record<string, number>>;
  readonly ranks: Readonly<Record<string, number>>;
  readonly alphas: Readonly<Record<string, number>>;
  readonly modules: number;
  /** The family that it was made for, by names and shapes; `confidence` 0–1. null: not known. */
  readonly family: string | null;
  readonly confidence: number;
  /** The model that it was trained on, as its trainer says. null: not said. */
  readonly base: string | null;
  /** Words that call it up. Empty: not said. */
  readonly trainedWords: readonly string[];
  /** Tags of its training pictures, the most frequent first: at most twenty. */
  readonly tags: readonly (readonly [tag: string, times: number])[];
  /** How it was trained, as far as its trainer says. */
  readonly training: Readonly<Record<string, string>>;
  readonly broken: readonly { readonly layer: string; readonly why: 'half' | 'rank' | 'notFinite' | 'misfit' }[];
  /** On a model. null: none was named. */
  readonly match: LoraMatch | null;
}

export interface LoraMatch {
  readonly model: string;
  readonly family: string | null;
  /** Modules that change a layer of it. */
  readonly applied: number;
  /** How many tensors change in each block: BASE (text encoders), IN00–IN11, M00, OUT00–OUT11. */
  readonly blocks: Readonly<Record<string, number>>;
  /** Layers that it does not have. */
  readonly unmatched: readonly string[];
  /** Layers that have another shape there. */
  readonly misfits: readonly { readonly layer: string; readonly got: readonly Dims[]; readonly want: Dims }[];
}

type Ready = Adapter<TensorEntry | Tensor>;

/** Throws file.*, weights.*, and lora.changesNothing for a file that is no adapter. */
export async function reportLora(path: string, modelPath?: string): Promise<LoraReport> {
  const file = await openWeightFile(path), { modules } = loraModules(file), { family, confidence, trainedWords = [] } = identify(file);
  if (modules.length === 0) throw changesNothing({ file: path, model: modelPath ?? '' }, [], { incomplete: [] });
  const { ready, broken, alphas } = await prepared(file, modules.filter((module) => !isAlphaAlone(module)));
  const notFinite = (await scanNotFinite(file, undefined, Infinity)).map(({ tensor }) => ({ layer: tensor, why: 'notFinite' as const }));
  return {
    file: path, modules: ready.length + broken.length, family, confidence, trainedWords,
    algorithms: counted(modules.map(({ algorithm, parts }) => (algorithm === 'lora' && parts.doraScale ? 'dora' : algorithm))),
    ranks: counted(modules.flatMap(({ parts }) => rankOf(parts) ?? [])), alphas: counted(alphas),
    base: baseOf(file.metadata), tags: tagsOf(file.metadata), training: trainingOf(file.metadata), broken: [...broken, ...notFinite],
    match: modelPath === undefined ? null : matchOn(await openModel(modelPath), ready),
  };
}

const isAlphaAlone = ({ algorithm, parts }: LoraModule): boolean => algorithm === 'incomplete' && Object.keys(parts).every((part) => part === 'alpha');

/** Those that are whole, with what is read ahead. */
async function prepared(file: WeightFile, modules: readonly LoraModule[]): Promise<{ ready: Ready[]; broken: LoraReport['broken']; alphas: number[] }> {
  const ready: Ready[] = [], broken: { layer: string; why: 'half' | 'rank' | 'misfit' }[] = [], alphas: number[] = [];
  await withFile(file.path, async ({ read }) => {
    for (const module of modules) {
      const { layer, algorithm, parts } = module;
      if (algorithm === 'incomplete') { broken.push({ layer, why: 'half' }); continue; }
      if (Object.values(parts).some(({ shape }) => shape.includes(0))) { broken.push({ layer, why: 'rank' }); continue; }
      const ahead: [string, Tensor][] = [];
      for (const [part, entry] of Object.entries(parts)) if (isReadAhead(part)) ahead.push([part, await numbersOf(entry, read)]);
      const told = Object.fromEntries(ahead) as LoraParts<Tensor>, blocks = told.oft_blocks ?? told.oft_diag;
      if (told.alpha) alphas.push(Number(told.alpha.data[0]!.toPrecision(6)));
      try {
        ready.push(prepareModule(module, told, blocks ? (blocks.dims.at(-1) ?? 0) * (blocks.dims.at(-3) ?? 0) : 0));
      } catch (error) {
        if (!isMisfit(error)) throw error;
        broken.push({ layer, why: 'misfit' });
      }
    }
  });
  return { ready, broken, alphas };
}

const isMisfit = (error: unknown): error is AppError & { info: { data: { got: Dims[]; want: Dims } } } => error instanceof AppError && error.code === 'lora.misfit';

function matchOn(model: WeightFile, ready: readonly Ready[]): LoraMatch {
  const { changes, applied, unmatched } = matchModules(ready, loraTargets(model)), misfits = changes.flatMap(misfitOf), unfit = new Set(misfits.map(({ layer }) => layer));
  const blocks = changes.filter(({ module }) => !unfit.has(module.layer)).map(({ target, entry }) => (target.network === 'unet' ? blockOf(entry.name, 11) : 'BASE'));
  return { model: model.path, family: identify(model).family, applied: applied - unfit.size, blocks: Object.fromEntries(Object.entries(counted(blocks)).sort()), unmatched, misfits };
}

/** Whether it fits, by the graph that would be made of it. */
function misfitOf({ module, target: { weight, bias, rows, transposed }, field }: ModuleChange<Ready>): LoraMatch['misfits'][number][] {
  const g = new Graph('fit'), shape = rows ? [rows.count, ...weight.shape.slice(1)] : weight.shape, input = (name: string, dims: Dims): Value => g.input(name, 'float32', dims);
  const parts = Object.entries(module.parts).map(([name, part]): [string, Value] => [name, 'dims' in part ? g.constant('float32', part.dims, part.data) : input(name, part.shape)]);
  const values: Adapter<Value> = { ...module, parts: Object.fromEntries(parts) as Partial<Record<AdapterPart, Value>> };
  try {
    if (field === 'bias') changedBias(g, input('layer', bias!.shape), values, g.scalar(1));
    else changedWeight(g, input('layer', transposed ? [...shape].reverse() : shape), values, g.scalar(1));
    return [];
  } catch (error) {
    if (!isMisfit(error)) throw error;
    const { got, want } = error.info.data;
    return [{ layer: module.layer, got, want }];
  }
}

const counted = (values: readonly (string | number)[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
};

function rankOf({ down, lokr_w1_a: w1, lokr_w2_a: w2, hada_w1_b: hada, b2, a2 }: LoraParts<TensorEntry>): number | undefined {
  return (down ?? hada)?.shape[0] ?? (w1 ?? w2)?.shape[1] ?? (b2 ?? a2)?.shape[0];
}

type Metadata = WeightFile['metadata'];
/** Kohya writes None for what it was not told. */
const said = (text: string | undefined): string | null => { const word = text?.trim(); return !word || /^(?:none|null)$/i.test(word) ? null : word; };

const baseOf = (metadata: Metadata): string | null =>
  said(metadata['ss_sd_model_name']) ?? said(metadata['modelspec.architecture']) ?? said(metadata['ss_base_model_version']) ?? said(metadata['baseModel']);

/** Kohya's fields (sd-scripts, train_network.py), under plainer names. */
const trainingFields: Readonly<Record<string, string>> = {
  'trained as': 'ss_network_module', 'trained rank': 'ss_network_dim', 'trained alpha': 'ss_network_alpha', arguments: 'ss_network_args', 'model version': 'ss_base_model_version', vae: 'ss_vae_name', pictures: 'ss_num_train_images', 'regularization pictures': 'ss_num_reg_images',
  epochs: 'ss_num_epochs', 'of epoch': 'ss_epoch', steps: 'ss_steps', 'most steps': 'ss_max_train_steps', 'batch size': 'ss_total_batch_size', resolution: 'ss_resolution', 'learning rate': 'ss_learning_rate', 'of the U-Net': 'ss_unet_lr',
  'of the text encoder': 'ss_text_encoder_lr', schedule: 'ss_lr_scheduler', optimizer: 'ss_optimizer', 'clip skip': 'ss_clip_skip', 'noise offset': 'ss_noise_offset', 'min SNR gamma': 'ss_min_snr_gamma',
  'v-prediction': 'ss_v_parameterization', 'zero terminal SNR': 'ss_zero_terminal_snr', 'mixed precision': 'ss_mixed_precision', seed: 'ss_seed', comment: 'ss_training_comment', title: 'modelspec.title', author: 'modelspec.author', licence: 'modelspec.license',
};

const trainingOf = (metadata: Metadata): Record<string, string> =>
  Object.fromEntries(Object.entries(trainingFields).flatMap(([name, field]) => { const value = said(metadata[field]); return value === null || value === '{}' ? [] : [[name, value]]; }));

const MOST_TAGS = 20;
function tagsOf(metadata: Metadata): [string, number][] {
  const times = new Map<string, number>();
  for (const tags of Object.values(parseObject(metadata['ss_tag_frequency']))) {
    if (typeof tags !== 'object' || tags === null) continue;
    for (const [tag, count] of Object.entries(tags)) if (Number.isFinite(Number(count))) times.set(tag.trim(), (times.get(tag.trim()) ?? 0) + Number(count));
  }
  return [...times].sort(([, a], [, b]) => b - a).slice(0, MOST_TAGS);
}
