// The first LoRAs' files, whose modules are numbered: the order in which his code walks the network (attentions; the GEGLU between or behind them; down,
// up, then the middle), against the same values under kohya's names, for each order and for CLIP's key, value, query, output.
import { expect, test } from 'vitest';
import { sd15 } from '../../../main/engine/families/known-sizes';
import { checkpointTensors } from '../../../main/engine/families/network-tensors';
import { matchModules } from '../../../main/engine/weights/lora/match';
import { loraModules } from '../../../main/engine/weights/lora/modules';
import { loraTargets } from '../../../main/engine/weights/lora/targets';
import { identify } from '../../../main/engine/identify/identify';
import type { Dims } from '../../../main/engine/tensor';
import { weightFile } from '../../support/checkpoints';

const model = weightFile(checkpointTensors(sd15)), targets = loraTargets(model), rank = 4;

/** One transformer's modules of a U-Net's block of this width, in the order of diffusers before 0.17 or after: [kohya's name, out, in]. */
function transformer(at: string, c: number, old: boolean): [string, number, number][] {
  const attention = (name: string, context: number): [string, number, number][] => [[`${at}_${name}_to_q`, c, c], [`${at}_${name}_to_k`, c, context], [`${at}_${name}_to_v`, c, context], [`${at}_${name}_to_out_0`, c, c]];
  const gate: [string, number, number] = [`${at}_ff_net_0_proj`, 8 * c, c];
  return [...attention('attn1', c), ...(old ? [gate] : []), ...attention('attn2', 768), ...(old ? [] : [gate])];
}
const blocks: [string, number][] = [
  ...[[0, 320], [1, 640], [2, 1280]].flatMap(([i, c]) => [0, 1].map((j): [string, number] => [`down_blocks_${i}_attentions_${j}`, c!])),
  ...[[1, 1280], [2, 640], [3, 320]].flatMap(([i, c]) => [0, 1, 2].map((j): [string, number] => [`up_blocks_${i}_attentions_${j}`, c!])), ['mid_block_attentions_0', 1280],
];
const unet = (old: boolean): [string, number, number][] => blocks.flatMap(([at, c]) => transformer(`lora_unet_${at}_transformer_blocks_0`, c, old));
const text: [string, number, number][] = Array.from({ length: 12 }, (_, i) => ['k_proj', 'v_proj', 'q_proj', 'out_proj'].map((part): [string, number, number] => [`lora_te_text_model_encoder_layers_${i}_self_attn_${part}`, 768, 768])).flat();

const safetensors = (network: string, modules: [string, number, number][]): [string, Dims][] => modules.flatMap(([, out, input], i): [string, Dims][] => [[`${network}:${i}:up`, [out, rank]], [`${network}:${i}:down`, [rank, input]]]);
const namesIn = (tensors: [string, Dims][], metadata: Record<string, string> = {}) => {
  const match = matchModules(loraModules(weightFile(tensors, metadata)).modules, targets);
  return { names: match.changes.map(({ target }) => target.kohyaName), unmatched: match.unmatched };
};

test.each([['between', true], ['behind', false]] as const)('a .safetensors with the GEGLU %s the attentions, and a text encoder', (_, old) => {
  const wanted = [...unet(old), ...text].map(([name]) => name);
  expect(namesIn([...safetensors('unet', unet(old)), ...safetensors('text_encoder', text)], { unet: '["CrossAttention", "Attention", "GEGLU"]', 'unet:0:rank': '4' })).toEqual({ names: wanted, unmatched: [] });
});

test('a list (.pt) of a U-Net, and one of a text encoder', () => {
  const list = (modules: [string, number, number][]): [string, Dims][] => modules.flatMap(([, out, input], i): [string, Dims][] => [[String(2 * i), [out, rank]], [String(2 * i + 1), [rank, input]]]);
  expect(namesIn(list(unet(true))).names).toEqual(unet(true).map(([name]) => name));
  expect(namesIn(list(text)).names).toEqual(text.map(([name]) => name));
  expect(identify(weightFile(list(unet(true))))).toMatchObject({ kind: 'lora', algorithm: 'lora', rank, family: 'sd1' });
});

test('one of SD 1 is recognized, with the embeddings that come with it', () => {
  expect(identify(weightFile([...safetensors('unet', unet(true)), ['<s1>', [768]]], { unet: '["CrossAttention"]', '<s1>': '<embed>' }))).toMatchObject({ kind: 'lora', rank, modules: unet(true).length, family: 'sd1' });
});
