// Original (LDM) names of a U-Net's layers → diffusers' names, which LoRA files use. Blocks are counted by walking the network's own names.
import type { WeightFile } from '../source';

const resnet: Readonly<Record<string, string>> = {
  'in_layers.0': 'norm1', 'in_layers.2': 'conv1', 'emb_layers.1': 'time_emb_proj', 'out_layers.0': 'norm2', 'out_layers.3': 'conv2', skip_connection: 'conv_shortcut',
};
const outside: Readonly<Record<string, string>> = {
  'time_embed.0': 'time_embedding.linear_1', 'time_embed.2': 'time_embedding.linear_2', 'label_emb.0.0': 'add_embedding.linear_1', 'label_emb.0.2': 'add_embedding.linear_2',
  'input_blocks.0.0': 'conv_in', 'out.0': 'conv_norm_out', 'out.2': 'conv_out',
  'middle_block.0': 'mid_block.resnets.0', 'middle_block.1': 'mid_block.attentions.0', 'middle_block.2': 'mid_block.resnets.1',
};

/** Makes the translation for the network below `prefix` ('model.diffusion_model.'). It takes a layer's path there, without `.weight`. */
export function diffusersNames(file: WeightFile, prefix: string): (path: string) => string {
  const table = { ...outside };
  const first = (start: string): boolean => file.tensors.has(`${prefix}${start}.weight`);
  for (let block = 1, level = 0, index = 0; ; block++) {
    const at = `input_blocks.${block}`;
    if (first(`${at}.0.op`)) {
      table[`${at}.0.op`] = `down_blocks.${level++}.downsamplers.0.conv`;
      index = 0;
    } else if (first(`${at}.0.in_layers.0`)) {
      table[`${at}.0`] = `down_blocks.${level}.resnets.${index}`;
      table[`${at}.1`] = `down_blocks.${level}.attentions.${index++}`;
    } else break;
  }
  for (let block = 0, level = 0, index = 0; first(`output_blocks.${block}.0.in_layers.0`); block++) {
    const at = `output_blocks.${block}`;
    table[`${at}.0`] = `up_blocks.${level}.resnets.${index}`;
    table[`${at}.1`] = `up_blocks.${level}.attentions.${index++}`;
    const upsampler = [1, 2].find((n) => first(`${at}.${n}.conv`));
    if (upsampler === undefined) continue;
    table[`${at}.${upsampler}.conv`] = `up_blocks.${level++}.upsamplers.0.conv`;
    index = 0;
  }
  return (path) => translate(path, table);
}

/** The longest beginning that the table has is replaced; inside of a resnet, the rest too. */
function translate(path: string, table: Readonly<Record<string, string>>): string {
  for (let end = path.length; end > 0; end = path.lastIndexOf('.', end - 1)) {
    const start = table[path.slice(0, end)];
    if (start === undefined) continue;
    const rest = path.slice(end + 1);
    return [start, start.includes('.resnets.') ? resnet[rest] ?? rest : rest].filter(Boolean).join('.');
  }
  return path;
}
