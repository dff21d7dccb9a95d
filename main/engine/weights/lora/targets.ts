// Where in a checkpoint a LoRA's layers are. All names that a layer may go by are made from the checkpoint's own, so that nothing is guessed from
// names in which every dot has become an underscore.
import { unetLayerNames } from '../key-maps/diffusers';
import type { TensorEntry, WeightFile } from '../source';
import type { LoraModule } from './modules';

type Network = 'unet' | 'te1' | 'te2';

export interface LoraTarget {
  readonly network: Network;
  /** The layer's name in a kohya file: 'lora_unet_down_blocks_0_attentions_0_proj_in'. */
  readonly kohyaName: string;
  readonly weight: TensorEntry;
  readonly bias?: TensorEntry;
  /** The layer is these rows of the tensor: OpenCLIP packs query, key and value. */
  readonly rows?: { readonly start: number; readonly count: number };
  /** The tensor is [in, out]: OpenCLIP multiplies by its projection from the right. */
  readonly transposed?: true;
}

/** By network and path: 'unet:down_blocks_0_attentions_0_proj_in'. A layer of the U-Net is there by its LDM and its diffusers name. */
export type LoraTargets = ReadonlyMap<string, LoraTarget>;

const underscores = (path: string): string => path.replaceAll('.', '_');

/** Every layer with a weight in the U-Net and the text encoders. */
export function loraTargets(file: WeightFile): LoraTargets {
  const targets = new Map<string, LoraTarget>();
  const isXl = [...file.tensors.keys()].some((name) => /label_emb\.|add_embedding\.|^conditioner\.embedders\./.test(name));
  addUnet(file, isXl, targets);
  for (const { network, prefix, openClip } of textRoots) addText(file, { network, prefix, openClip, kohya: isXl ? `lora_${network}_` : 'lora_te_' }, targets);
  return targets;
}

const unetPrefixes = ['model.diffusion_model.', 'diffusion_model.', 'unet.', ''];

function addUnet(file: WeightFile, isXl: boolean, targets: Map<string, LoraTarget>): void {
  const prefix = unetPrefixes.find((p) => file.tensors.has(`${p}input_blocks.0.0.weight`) || file.tensors.has(`${p}conv_in.weight`));
  if (prefix === undefined) return;
  const namesOf = unetLayerNames(file, prefix);
  for (const [path, layer] of layersBelow(file, prefix)) {
    const { ldm, diffusers } = namesOf(path);
    const target: LoraTarget = { network: 'unet', kohyaName: `lora_unet_${underscores(isXl ? ldm : diffusers)}`, ...layer };
    for (const name of [ldm, diffusers]) targets.set(`unet:${underscores(name)}`, target);
  }
}

interface TextRoot { readonly network: 'te1' | 'te2'; readonly prefix: string; readonly openClip?: boolean }
const textRoots: readonly TextRoot[] = [
  { network: 'te1', prefix: 'cond_stage_model.transformer.' }, { network: 'te1', prefix: 'cond_stage_model.model.', openClip: true },
  { network: 'te1', prefix: 'conditioner.embedders.0.transformer.' }, { network: 'te1', prefix: 'conditioner.embedders.0.model.', openClip: true },
  { network: 'te2', prefix: 'conditioner.embedders.1.transformer.' }, { network: 'te2', prefix: 'conditioner.embedders.1.model.', openClip: true },
];

/** OpenCLIP's names → transformers'. */
const openClipNames: readonly (readonly [RegExp, string])[] = [
  [/^transformer\.resblocks\.(\d+)\.attn\.out_proj$/, 'encoder.layers.$1.self_attn.out_proj'], [/^transformer\.resblocks\.(\d+)\.mlp\.c_fc$/, 'encoder.layers.$1.mlp.fc1'],
  [/^transformer\.resblocks\.(\d+)\.mlp\.c_proj$/, 'encoder.layers.$1.mlp.fc2'], [/^transformer\.resblocks\.(\d+)\.ln_([12])$/, 'encoder.layers.$1.layer_norm$2'],
  [/^ln_final$/, 'final_layer_norm'], [/^token_embedding$/, 'embeddings.token_embedding'],
];

function addText(file: WeightFile, { network, prefix, openClip, kohya }: TextRoot & { kohya: string }, targets: Map<string, LoraTarget>): void {
  const add = (path: string, layer: Omit<LoraTarget, 'network' | 'kohyaName'>): void => {
    // NovelAI's files leave out 'text_model', beside which the projection stands.
    const name = underscores(/^text_(?:model|projection)\b/.test(path) ? path : `text_model.${path}`);
    targets.set(`${network}:${name}`, { network, kohyaName: `${kohya}${name}`, ...layer });
  };
  for (const [path, layer] of layersBelow(file, prefix)) {
    if (!openClip) add(path, layer);
    for (const [pattern, name] of openClip ? openClipNames : []) if (pattern.test(path)) add(path.replace(pattern, name), layer);
  }
  if (!openClip) return;
  const projection = file.tensors.get(`${prefix}text_projection`);
  if (projection) add('text_projection', { weight: projection, transposed: true });
  for (let i = 0; ; i++) {
    const at = `${prefix}transformer.resblocks.${i}.attn.in_proj_`;
    const weight = file.tensors.get(`${at}weight`), bias = file.tensors.get(`${at}bias`);
    if (!weight) break;
    const count = weight.shape[0]! / 3;
    ['q', 'k', 'v'].forEach((letter, n) => add(`encoder.layers.${i}.self_attn.${letter}_proj`, { weight, bias, rows: { start: n * count, count } }));
  }
}

/** [path below the prefix, its tensors] of all that has a weight. */
function layersBelow(file: WeightFile, prefix: string): [string, Pick<LoraTarget, 'weight' | 'bias'>][] {
  return [...file.tensors.values()].filter(({ name }) => name.startsWith(prefix) && name.endsWith('.weight')).map((weight) => {
    const layer = weight.name.slice(0, -'.weight'.length);
    return [layer.slice(prefix.length), { weight, bias: file.tensors.get(`${layer}.bias`) }];
  });
}

/** How names begin, and whose they are; without any of these, the path itself must tell. The last are ComfyUI's, as it saves LoRAs. */
const prefixes: readonly (readonly [string, Network | null])[] = [
  ['lora_unet_', 'unet'], ['oft_unet_', 'unet'], ['lora_te1_', 'te1'], ['lora_te2_', 'te2'], ['lora_te_', 'te1'], ['lycoris_', null],
  ['unet.', 'unet'], ['text_encoder_2.', 'te2'], ['text_encoder.', 'te1'], ['model.diffusion_model.', 'unet'], ['diffusion_model.', 'unet'],
  ['text_encoders.clip_l.transformer.', 'te1'], ['text_encoders.clip_h.transformer.', 'te1'], ['text_encoders.clip_g.transformer.', 'te2'],
];

/** The layer that a module changes, or undefined where the checkpoint has none of that name. */
export function targetOf({ layer }: Pick<LoraModule, 'layer'>, targets: LoraTargets): LoraTarget | undefined {
  const name = layer.replace(/(^|\.)base_model\.model\./, '$1');                                    // PEFT's wrapper
  const [prefix, network] = prefixes.find(([start]) => name.startsWith(start)) ?? ['', null];
  const path = underscores(name.slice(prefix.length))
    .replace(/_processor_(?=to_)/, '_').replace(/(attn[12]_to_out)$/, '$1_0')                     // diffusers' attention processors
    .replace(/self_attn_to_([qkv])$/, 'self_attn_$1_proj').replace(/self_attn_to_out$/, 'self_attn_out_proj');
  for (const candidate of network ? [network] : ['unet', 'te1', 'te2']) {
    const target = targets.get(`${candidate}:${path}`);
    if (target) return target;
  }
  return undefined;
}
