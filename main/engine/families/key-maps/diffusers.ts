// Names of diffusers' networks → names of the original checkpoints (LDM), read off the file's own structure. Same weights, same order of bytes.
import type { WeightFile } from '../../weights/source';

/** undefined: a tensor that has no place in a checkpoint. */
export type KeyMap = (name: string) => string | undefined;

export const isDiffusersUnet = (file: WeightFile): boolean => file.tensors.has('conv_in.weight') && file.tensors.has('time_embedding.linear_1.weight');
export const isDiffusersVae = (file: WeightFile): boolean => file.tensors.has('decoder.mid_block.resnets.0.conv1.weight');

const resnetNames: Readonly<Record<string, string>> = {
  norm1: 'in_layers.0', conv1: 'in_layers.2', time_emb_proj: 'emb_layers.1', norm2: 'out_layers.0', conv2: 'out_layers.3', conv_shortcut: 'skip_connection',
};
const unetNames: Readonly<Record<string, string>> = {
  conv_in: 'input_blocks.0.0', conv_norm_out: 'out.0', conv_out: 'out.2', 'time_embedding.linear_1': 'time_embed.0', 'time_embedding.linear_2': 'time_embed.2',
  'add_embedding.linear_1': 'label_emb.0.0', 'add_embedding.linear_2': 'label_emb.0.2',
};

/**
 * UNet2DConditionModel. LDM numbers all blocks through: on the way down conv_in, then of each level its res blocks (with their attention) and its
 * downsampler; on the way up the res blocks, the last of a level with the upsampler behind its attention.
 */
export function unetKeyMap(file: WeightFile): KeyMap {
  const has = (start: string): boolean => [...file.tensors.keys()].some((name) => name.startsWith(start));
  let perLevel = 0;
  while (has(`down_blocks.0.resnets.${perLevel}.`)) perLevel++;
  return (name) => {
    const [, direction, level, kind, index, rest] = /^(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (rest !== undefined) {
      const down = direction === 'down';
      const first = Number(level) * (perLevel + 1) + (down ? 1 : 0);
      const block = `${down ? 'input' : 'output'}_blocks.${first + (kind === 'downsamplers' || kind === 'upsamplers' ? perLevel : Number(index))}`;
      if (kind === 'resnets') return `${block}.0.${rename(rest, resnetNames)}`;
      if (kind === 'attentions') return `${block}.1.${rest}`;
      if (kind === 'downsamplers') return `${block}.0.op.${rest.replace(/^conv\./, '')}`;
      return `${block}.${has(`up_blocks.${level}.attentions.${perLevel}.`) ? 2 : 1}.${rest}`;
    }
    const [, part, n, inner] = /^mid_block\.(resnets|attentions)\.(\d+)\.(.+)$/.exec(name) ?? [];
    if (inner !== undefined) return part === 'attentions' ? `middle_block.1.${inner}` : `middle_block.${2 * Number(n)}.${rename(inner, resnetNames)}`;
    const whole = rename(name, unetNames);
    return whole === name ? undefined : whole;
  };
}

const vaeNames: Readonly<Record<string, string>> = { conv_norm_out: 'norm_out', conv_shortcut: 'nin_shortcut', 'mid_block.resnets.0': 'mid.block_1', 'mid_block.resnets.1': 'mid.block_2', 'mid_block.attentions.0': 'mid.attn_1' };
/** Both forms that diffusers has had. */
const attentionNames: Readonly<Record<string, string>> = {
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

/** Replaces the beginning of a dotted name by the table, where it has it. */
function rename(name: string, table: Readonly<Record<string, string>>): string {
  for (const [from, to] of Object.entries(table)) if (name === from || name.startsWith(`${from}.`)) return to + name.slice(from.length);
  return name;
}
