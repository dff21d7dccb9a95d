// Names of diffusers' networks → names of the original checkpoints (LDM), read off the file's own structure. Same weights, same order of bytes.
import type { WeightFile } from '../source';

/** undefined: a tensor that has no place in a checkpoint. */
export type KeyMap = (name: string) => string | undefined;

export const isDiffusersUnet = (file: WeightFile): boolean => file.tensors.has('conv_in.weight') && file.tensors.has('time_embedding.linear_1.weight');
export const isDiffusersVae = (file: WeightFile): boolean => file.tensors.has('decoder.mid_block.resnets.0.conv1.weight');

type Table = Readonly<Record<string, string>>;

const resnetNames: Table = {
  norm1: 'in_layers.0', conv1: 'in_layers.2', time_emb_proj: 'emb_layers.1', norm2: 'out_layers.0', conv2: 'out_layers.3', conv_shortcut: 'skip_connection',
};
const unetNames: Table = {
  conv_in: 'input_blocks.0.0', conv_norm_out: 'out.0', conv_out: 'out.2', 'time_embedding.linear_1': 'time_embed.0', 'time_embedding.linear_2': 'time_embed.2',
  'add_embedding.linear_1': 'label_emb.0.0', 'add_embedding.linear_2': 'label_emb.0.2',
  'mid_block.resnets.0': 'middle_block.0', 'mid_block.attentions.0': 'middle_block.1', 'mid_block.resnets.1': 'middle_block.2',
};

/** UNet2DConditionModel → LDM. */
export function unetKeyMap(file: WeightFile): KeyMap {
  const table = unetTable(file, '');
  return (name) => translate(name, table, resnetNames);
}

/** Both names of what the file's U-Net has below `prefix`, whichever of them the file goes by. Names that neither has stay as they are. */
export function unetLayerNames(file: WeightFile, prefix: string): (path: string) => { readonly ldm: string; readonly diffusers: string } {
  const table = unetTable(file, prefix);
  if (file.tensors.has(`${prefix}conv_in.weight`)) return (path) => ({ ldm: translate(path, table, resnetNames) ?? path, diffusers: path });
  const back = swapped(table), resnets = swapped(resnetNames);
  return (path) => ({ ldm: path, diffusers: translate(path, back, resnets) ?? path });
}

/**
 * diffusers → LDM, block by block. LDM numbers all blocks through: on the way down conv_in, then of each level its res blocks (with their attention) and
 * its downsampler; on the way up the res blocks, the last of a level with the upsampler behind its attention.
 */
function unetTable(file: WeightFile, prefix: string): Table {
  const has = (name: string): boolean => file.tensors.has(`${prefix}${name}.weight`);
  const resnet = (level: number, index: number): boolean => has(`down_blocks.${level}.resnets.${index}.norm1`) || has(`input_blocks.${level * (perLevel + 1) + index + 1}.0.in_layers.0`);
  let perLevel = 0;
  while (resnet(0, perLevel)) perLevel++;
  const table: Record<string, string> = { ...unetNames };
  for (let level = 0; perLevel > 0 && resnet(level, 0); level++) {
    const first = level * (perLevel + 1), last = first + perLevel;
    const upsampler = has(`up_blocks.${level}.attentions.${perLevel}.norm`) || has(`output_blocks.${last}.2.conv`) ? 2 : 1;
    // Before the attentions: without one, the upsampler has its place.
    table[`down_blocks.${level}.downsamplers.0.conv`] = `input_blocks.${last + 1}.0.op`;
    table[`up_blocks.${level}.upsamplers.0.conv`] = `output_blocks.${last}.${upsampler}.conv`;
    for (let index = 0; index <= perLevel; index++) {
      for (const [part, kind] of ['resnets', 'attentions'].entries()) {
        if (index < perLevel) table[`down_blocks.${level}.${kind}.${index}`] = `input_blocks.${first + index + 1}.${part}`;
        table[`up_blocks.${level}.${kind}.${index}`] = `output_blocks.${first + index}.${part}`;
      }
    }
  }
  return table;
}

const swapped = (table: Table): Table => Object.fromEntries(Object.entries(table).map(([from, to]) => [to, from]));

/** undefined where the table has no beginning of the name. Inside of a resnet the rest has names of its own. */
function translate(name: string, table: Table, resnets: Table): string | undefined {
  const start = Object.keys(table).find((key) => startsWithin(name, key));
  if (start === undefined) return undefined;
  const to = table[start]!, rest = name.slice(start.length + 1);
  return [to, `${start}.${to}`.includes('.resnets.') ? rename(rest, resnets) : rest].filter(Boolean).join('.');
}

const vaeNames: Table = { conv_norm_out: 'norm_out', conv_shortcut: 'nin_shortcut', 'mid_block.resnets.0': 'mid.block_1', 'mid_block.resnets.1': 'mid.block_2', 'mid_block.attentions.0': 'mid.attn_1' };
/** Both forms that diffusers has had. */
const attentionNames: Table = {
  group_norm: 'norm', to_q: 'q', to_k: 'k', to_v: 'v', 'to_out.0': 'proj_out', query: 'q', key: 'k', value: 'v', proj_attn: 'proj_out',
};

/** AutoencoderKL. The decoder's levels are counted from the picture's own size, diffusers' from the latents'. */
export function vaeKeyMap(file: WeightFile): KeyMap {
  let levels = 0;
  while (file.tensors.has(`decoder.up_blocks.${levels}.resnets.0.conv1.weight`)) levels++;
  return (name) => {
    const [, half, inner] = /^(encoder|decoder)\.(.+)$/.exec(name) ?? [];
    if (inner === undefined) return name;                                                    // quant_conv and post_quant_conv
    const [, level, kind, index, rest] = /^(?:down|up)_blocks\.(\d+)\.(resnets|downsamplers|upsamplers)\.(\d+)\.(.+)$/.exec(inner) ?? [];
    if (rest !== undefined) {
      const block = half === 'encoder' ? `encoder.down.${level}` : `decoder.up.${levels - 1 - Number(level)}`;
      return kind === 'resnets' ? `${block}.block.${index}.${rename(rest, vaeNames)}` : `${block}.${kind!.slice(0, -2)}.${rest}`;   // downsamplers → downsample
    }
    const middle = rename(inner, vaeNames);
    const [, attention] = /^mid\.attn_1\.(.+)$/.exec(middle) ?? [];
    return `${half}.${attention === undefined ? rename(middle, vaeNames) : `mid.attn_1.${rename(attention, attentionNames)}`}`;
  };
}

const startsWithin = (name: string, start: string): boolean => name === start || name.startsWith(`${start}.`);

/** Replaces the beginning of a dotted name by the table, where it has it. */
function rename(name: string, table: Table): string {
  for (const [from, to] of Object.entries(table)) if (startsWithin(name, from)) return to + name.slice(from.length);
  return name;
}
