// What is said of an adapter's file: what it is, what is broken in it, and what of a model it changes.
import { readFileSync, truncateSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { loraTargets } from '../../../main/engine/weights/lora/targets';
import { openWeightFile } from '../../../main/files/weight-file';
import { reportLora } from '../../../main/services/model-tools/lora-report';
import { randomFamilyCheckpoint, tinyFamilies } from '../../support/checkpoints';
import { loraForms } from '../../support/lora-forms';
import { randomValues, writeWeights, type StoredWeights } from '../../support/weights';
import { sizeOf, type Dims } from '../../../main/engine/tensor';

type Weights = Record<string, StoredWeights>;
const random = (dims: Dims, seed = 1): StoredWeights => ({ dims, values: randomValues(sizeOf(dims), seed) });
const pair = (name: string, out: number, input: number, rank = 4): Weights => ({ [`${name}.lora_down.weight`]: random([rank, input]), [`${name}.lora_up.weight`]: random([out, rank], 2), [`${name}.alpha`]: { dims: [], values: [2] } });

let model: string, attention: { name: string; out: number; input: number }[];
beforeAll(async () => {
  model = await randomFamilyCheckpoint(tinyFamilies.sd1);
  attention = [...new Set(loraTargets(await openWeightFile(model)).values())].filter(({ kohyaName }) => /attn\d_to_[qk]$/.test(kohyaName)).map(({ kohyaName, weight: { shape } }) => ({ name: kohyaName, out: shape[0]!, input: shape[1]! }));
});
const whole = (rank?: number): Weights => Object.assign({}, ...attention.map(({ name, out, input }) => pair(name, out, input, rank))) as Weights;
const metadata = {
  ss_sd_model_name: 'v1-5-pruned.safetensors', ss_base_model_version: 'sd_v1', ss_network_module: 'networks.lora', ss_network_dim: '4', ss_network_alpha: '2.0', ss_num_epochs: '10', ss_unet_lr: '0.0001', ss_text_encoder_lr: 'None', ss_clip_skip: '2', ss_noise_offset: 'None',
  ss_tag_frequency: JSON.stringify({ '10_felt': { 'felt': 20, 'a dog': 3 }, '5_more': { 'a dog': 4, wool: 1 } }), 'modelspec.trigger_phrase': 'felt, wool',
};

describe('of a whole file', () => {
  test('what it is and what it was taught by, as far as that is said', async () => {
    const report = await reportLora(writeWeights(whole(), metadata));
    expect(report).toMatchObject({
      algorithms: { lora: attention.length }, ranks: { 4: attention.length }, alphas: { 2: attention.length }, modules: attention.length, family: 'sd1', base: 'v1-5-pruned.safetensors', trainedWords: ['felt', 'wool'],
      tags: [['felt', 20], ['a dog', 7], ['wool', 1]], broken: [], match: null,
    });
    expect(report.training).toEqual({ 'trained as': 'networks.lora', 'trained rank': '4', 'trained alpha': '2.0', 'model version': 'sd_v1', epochs: '10', 'of the U-Net': '0.0001', 'clip skip': '2' });
  });

  test('and nothing of what is not said', async () => {
    expect(await reportLora(writeWeights(whole()))).toMatchObject({ base: null, trainedWords: [], tags: [], training: {} });
    expect(await reportLora(writeWeights(whole(), { ss_tag_frequency: '{broken', ss_sd_model_name: 'None' }))).toMatchObject({ base: null, tags: [] });
  });

  test.each(Object.keys(loraForms))('%s fits a layer', async (name) => {
    const { name: layer, out, input } = attention[0]!, parts = loraForms[name]!(out, input, []).parts;
    const { match, broken } = await reportLora(writeWeights(Object.fromEntries(Object.entries(parts).map(([part, tensor]) => [`${layer}.${part}`, tensor]))), model);
    expect([broken, match!.applied, match!.misfits, match!.unmatched]).toEqual([[], 1, [], []]);
  });

  test('on its model: which blocks it changes', async () => {
    const { match } = await reportLora(writeWeights(whole()), model);
    expect(match).toMatchObject({ model, family: 'sd1', applied: attention.length, unmatched: [], misfits: [] });
    expect(Object.values(match!.blocks).reduce((a, b) => a + b)).toBe(attention.length);
    expect(Object.keys(match!.blocks).every((block) => /^(?:IN|OUT)\d\d$|^M00$/.test(block))).toBe(true);
  });
});

describe('of one that is no good', () => {
  test('broken modules by name: half a pair, no rank, NaN', async () => {
    const [a, b, c] = attention as [(typeof attention)[number], (typeof attention)[number], (typeof attention)[number]];
    const weights: Weights = Object.fromEntries(Object.entries(whole()).filter(([key]) => key !== `${a.name}.lora_up.weight`));
    weights[`${b.name}.lora_down.weight`] = { dims: [0, b.input], values: [] };
    const up = weights[`${c.name}.lora_up.weight`]!;
    weights[`${c.name}.lora_up.weight`] = { ...up, values: up.values.map((value, i) => (i === 5 ? NaN : value)) };
    const { broken, modules, match } = await reportLora(writeWeights(weights), model);
    expect(broken).toEqual([{ layer: a.name, why: 'half' }, { layer: b.name, why: 'rank' }, { layer: `${c.name}.lora_up.weight`, why: 'notFinite' }]);
    expect([modules, match!.applied]).toEqual([attention.length, attention.length - 2]);
  });

  test('made for another base: nothing fits, or layers of another shape', async () => {
    const { name, out, input } = attention[0]!;
    const flux = await reportLora(writeWeights(pair('lora_unet_double_blocks_0_img_attn_qkv', 64, 64)), model);
    expect(flux.match).toMatchObject({ applied: 0, blocks: {}, unmatched: ['lora_unet_double_blocks_0_img_attn_qkv'] });
    const wide = await reportLora(writeWeights(pair(name, out, 2 * input)), model);
    expect(wide.match).toMatchObject({ applied: 0, misfits: [{ layer: name, want: [out, input] }] });
  });

  test('a file that is cut short, and one that is no adapter', async () => {
    const path = writeWeights(whole());
    truncateSync(path, readFileSync(path).length - 100);
    await expect(reportLora(path)).rejects.toMatchObject({ code: 'weights.truncated' });
    await expect(reportLora(model)).rejects.toMatchObject({ code: 'lora.changesNothing', data: { why: 'noLora' } });
  });
});
