// ControlNets in the layouts that they are published in, as one: LDM's names below 'control_model.', whatever the file goes by. Weights stay in their files.
//
// Two kinds are no network without the U-Net that they were made from: "difference" files hold what is to be added to its weights, and Stability's
// Control-LoRAs (github.com/Stability-AI/generative-models) a product of rank r for each.
import { unetKeyMap } from '../../weights/key-maps/diffusers';
import type { TensorEntry, WeightFile } from '../../weights/source';

/** Where the network stands, and what is added to it: the base's own weights, below names of their own. */
export const CONTROL = 'control_model', BASE = 'control_base';

const UNET = 'model.diffusion_model.';
/** What a U-Net and its ControlNet have alike. */
const shared = /^(?:time_embed|label_emb|input_blocks|middle_block)\./;

const isDifference = (file: WeightFile): boolean => file.tensors.has('difference');
const isControlLora = (file: WeightFile): boolean => file.tensors.has('lora_controlnet');
/** Whether it takes weights from the U-Net that it controls. */
export const needsBase = (file: WeightFile): boolean => isDifference(file) || isControlLora(file);

/** `base`: the checkpoint, under an original one's names; read only where the file needs it. */
export function controlNetFile(file: WeightFile, base?: WeightFile): WeightFile {
  const tensors = new Map<string, TensorEntry>();
  const put = (from: WeightFile, name: string, entry: TensorEntry): void => { tensors.set(name, { ...entry, name, file: entry.file ?? from.path }); };
  const own = namesIn(file);
  for (const entry of file.tensors.values()) {
    const name = own(entry.name);
    if (name !== undefined) put(file, `${CONTROL}.${name}`, entry);
  }
  if (base && needsBase(file)) {
    for (const entry of base.tensors.values()) {
      const name = entry.name.startsWith(UNET) ? entry.name.slice(UNET.length) : '';
      if (!shared.test(name)) continue;
      if (isDifference(file)) put(base, `${BASE}.${name}`, entry);
      else if (!tensors.has(`${CONTROL}.${name}`)) put(base, `${CONTROL}.${name}`, entry);
    }
  }
  return { ...file, tensors };
}

/** The name below 'control_model.'; undefined for marks. */
function namesIn(file: WeightFile): (name: string) => string | undefined {
  if (!file.tensors.has('conv_in.weight') && !file.tensors.has('controlnet_cond_embedding.conv_in.weight')) {
    const isPrefixed = [...file.tensors.keys()].some((name) => name.startsWith(`${CONTROL}.`));
    return (name) => (isPrefixed ? (name.startsWith(`${CONTROL}.`) ? name.slice(CONTROL.length + 1) : undefined) : name.includes('.') ? name : ownTable.has(name) ? name : undefined);
  }
  const map = unetKeyMap(file);
  return (name) => map(name) ?? diffusersName(name);
}

/** Tensors that are no layer's: xinsir's union of several kinds of control. */
const ownTable = new Set(['task_embedding']);

/** The layers that only a ControlNet has, in diffusers' names. */
function diffusersName(name: string): string {
  const [, hint, i, rest] = /^controlnet_cond_embedding\.(conv_in|conv_out|blocks\.(\d+))\.(.+)$/.exec(name) ?? [];
  if (hint !== undefined) return `input_hint_block.${hint === 'conv_in' ? 0 : hint === 'conv_out' ? 14 : 2 * Number(i) + 2}.${rest}`;
  return name.replace(/^controlnet_down_blocks\.(\d+)\./, 'zero_convs.$1.0.').replace(/^controlnet_mid_block\./, 'middle_block_out.0.');
}
