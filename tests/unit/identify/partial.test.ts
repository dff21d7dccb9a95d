// Files that are pieces of a checkpoint, and models whose kin run and which do not: each is called what it is, with what it lacks.
import { describe, expect, test } from 'vitest';
import { identify, whyNotRunnable } from '../../../main/engine/identify/identify';
import type { Dims } from '../../../main/engine/tensor';
import { referenceTensors, weightFile } from '../../support/checkpoints';

type List = [string, Dims][];
const lists = { sd1: referenceTensors('sd15-checkpoint'), sd2: referenceTensors('sd21-v-checkpoint'), sdxl: referenceTensors('sdxl-base-checkpoint'), 'sdxl-refiner': referenceTensors('sdxl-refiner-checkpoint') } as const;
const some = (list: readonly (readonly [string, Dims, ...unknown[]])[], each: number): List => list.filter((_, i) => i % each === 0).map(([name, dims]) => [name, dims]);
const codes = (list: List): string[] => identify(weightFile(list)).problems.map(({ code }) => code);

describe('some tensors of each part', () => {
  test.each(Object.entries(lists).flatMap(([family, list]) => [2, 5, 20].map((each) => [family, each, list] as const)))('%s, one in %i', (family, each, list) => {
    const file = weightFile(some(list, each)), report = identify(file);
    expect(report).toMatchObject({ kind: 'checkpoint', runnable: false });
    // SDXL and its refiner differ in widths that a few tensors need not show.
    expect(report.family).toBe(family === 'sdxl-refiner' && report.family === 'sdxl' ? 'sdxl' : family);
    expect(report.problems.length).toBeGreaterThan(0);
    expect(whyNotRunnable(file)!.code).toBe('model.incomplete');
  });
  test('a U-Net with one tensor of a VAE and one of a text encoder is a checkpoint that lacks theirs', () => {
    const list: List = [...lists.sd1.filter(([name]) => name.startsWith('model.')).map(([name, dims]): List[number] => [name, dims]), ['first_stage_model.decoder.conv_out.bias', [3]], ['cond_stage_model.transformer.text_model.final_layer_norm.bias', [768]]];
    expect(identify(weightFile(list))).toMatchObject({ kind: 'checkpoint', family: 'sd1', runnable: false });
    expect(codes(list)).toEqual(expect.arrayContaining(['part.layout', 'part.missing']));
  });
  test('a VAE and a text encoder without a U-Net are a checkpoint without one', () => {
    const list = lists.sd1.filter(([name]) => !name.startsWith('model.')).map(([name, dims]): List[number] => [name, dims]);
    expect(identify(weightFile(list))).toMatchObject({ kind: 'checkpoint', family: 'sd1', runnable: false, problems: [{ code: 'part.missing', data: { part: 'unet' } }] });
  });
  test.each([['model.diffusion_model.', 'unet'], ['first_stage_model.', 'vae'], ['cond_stage_model.', 'text-encoder']])('one part alone is that part: %s', (prefix, kind) => {
    expect(identify(weightFile(lists.sd1.filter(([name]) => name.startsWith(prefix)).map(([name, dims]): List[number] => [name, dims])))).toMatchObject({ kind });
  });
});

describe('models whose kin run', () => {
  const sd2 = lists.sd2.map(([name, dims]): List[number] => [name, dims]);
  test('CosXL names its noise levels', () => {
    for (const mark of ['edm_vpred.sigma_max', 'edm_vpred.sigma_min']) {
      const file = weightFile([...lists.sdxl, [mark, []]]);
      expect(identify(file)).toMatchObject({ kind: 'checkpoint', family: 'sdxl', prediction: null, runnable: false, problems: [{ code: 'prediction.edm', data: { why: 'cosxl' } }] });
      expect(whyNotRunnable(file)!.info).toMatchObject({ code: 'model.unsupported', data: { why: 'cosxl' } });
    }
    expect(identify(weightFile([...lists.sdxl, ['edm_mean', [1, 4, 1, 1]], ['edm_std', [1, 4, 1, 1]]])).problems).toMatchObject([{ code: 'prediction.edm', data: { why: 'edm' } }]);
  });
  test('unCLIP says what it predicts and what it reads beside the prompt', () => {
    const unclip: List = [...sd2, ['model.diffusion_model.label_emb.0.0.weight', [1280, 2048]], ['model.diffusion_model.label_emb.0.0.bias', [1280]]];
    expect(identify(weightFile(unclip))).toMatchObject({ family: 'sd2-unclip', prediction: 'v', runnable: false, problems: [{ code: 'prediction.open' }, { code: 'family.unsupported', data: { why: 'unclip' } }] });
    expect(identify(weightFile(unclip, { 'modelspec.prediction_type': 'v' })).problems).toMatchObject([{ code: 'family.unsupported' }]);
  });
  test('other families say that they do not run', () => {
    expect(identify(weightFile([['double_blocks.0.img_attn.norm.key_norm.scale', [128]], ['single_blocks.0.linear1.weight', [21504, 3072]]]))).toMatchObject({ family: 'flux', problems: [{ code: 'family.unsupported', data: { why: 'other' } }] });
  });
});

describe('LoRAs of joint transformers in diffusers\' names are no SDXL', () => {
  const pair = (layer: string, input: number, output = input): List => [[`${layer}.lora_A.weight`, [16, input]], [`${layer}.lora_B.weight`, [output, 16]]];
  const blocks = (prefix: string, width: number, ...layers: string[]): List => [0, 5, 23].flatMap((i) => layers.flatMap((layer) => pair(`${prefix}transformer_blocks.${i}.${layer}`, width)));
  test.each<[string, List, string | null]>([
    ['SD 3 medium', blocks('transformer.', 1536, 'attn.to_k', 'attn.to_q', 'attn.to_v', 'attn.to_out.0'), 'sd3'], ['SD 3.5 large', blocks('transformer.', 2432, 'attn.to_k', 'attn.to_q'), 'sd3'], ['SD 3.5 medium with its second attention', blocks('transformer.', 1536, 'attn2.to_q', 'attn.to_q'), 'sd3'],
    ['without a prefix', blocks('', 1536, 'attn.to_q'), 'sd3'], ['PEFT', blocks('base_model.model.', 1536, 'attn.to_q'), 'sd3'], ['with the context\'s projections', blocks('', 1536, 'attn.add_k_proj'), 'sd3'], ['its perceptrons alone', blocks('transformer.', 1536, 'ff.net.0.proj'), 'sd3'],
    ['kohya\'s underscores', [['lora_transformer_transformer_blocks_5_attn_to_q.lora_down.weight', [16, 1536]], ['lora_transformer_transformer_blocks_5_attn_to_q.lora_up.weight', [1536, 16]]], 'sd3'], ['Flux without its single blocks', blocks('transformer.', 3072, 'attn.to_q'), 'flux'], ['another width', blocks('transformer.', 2000, 'attn.to_q'), null],
    ['SDXL, deep transformers', pair('unet.mid_block.attentions.0.transformer_blocks.5.attn1.to_q', 1280), 'sdxl'], ['SDXL by its context', pair('unet.mid_block.attentions.0.transformer_blocks.5.attn2.to_k', 2048, 1280), 'sdxl'],
  ])('%s', (_, list, family) => { expect(identify(weightFile(list))).toMatchObject({ kind: 'lora', family }); });
});
