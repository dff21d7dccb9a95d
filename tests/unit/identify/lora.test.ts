// What `inspect` says of LoRA files: algorithm, rank, modules, family and trained words, for each algorithm and each form of names.
import { describe, expect, test } from 'vitest';
import { identify } from '../../../main/engine/identify/identify';
import type { Dims } from '../../../main/engine/tensor';
import { weightFile } from '../../support/checkpoints';

type List = [string, Dims][];
const metadata = { 'modelspec.trigger_phrase': 'sks dog' };
const inspect = (list: List) => identify(weightFile(list, metadata));
const under = (layer: string, parts: Record<string, Dims>): List => Object.entries(parts).map(([part, dims]) => [`${layer}.${part}`, dims]);

describe('algorithms', () => {
  const toK = 'lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k', conv = 'lora_unet_down_blocks_1_resnets_0_conv1';
  const pair = { 'lora_down.weight': [8, 768], 'lora_up.weight': [640, 8], alpha: [] };
  /** Without factors there is no rank. */
  const cases: [string, List, { rank?: number; modules?: number; family?: string }][] = [
    ['lora', under(toK, pair), { rank: 8, family: 'sd1' }],
    ['locon', [...under(toK, pair), ...under(conv, { 'lora_down.weight': [8, 320, 3, 3], 'lora_up.weight': [640, 8, 1, 1], alpha: [] })], { rank: 8, modules: 2 }],
    ['locon', under(conv, { 'lora_down.weight': [4, 320, 1, 1], 'lora_mid.weight': [4, 4, 3, 3], 'lora_up.weight': [640, 4, 1, 1] }), { rank: 4 }],
    ['dora', under(toK, { ...pair, dora_scale: [1, 768] }), { rank: 8, family: 'sd1' }],
    ['loha', under(toK, { hada_w1_a: [640, 4], hada_w1_b: [4, 2048], hada_w2_a: [640, 4], hada_w2_b: [4, 2048], alpha: [] }), { rank: 4, family: 'sdxl' }],
    ['lokr', under(toK, { lokr_w1: [8, 8], lokr_w2_a: [80, 4], lokr_w2_b: [4, 96], alpha: [] }), { rank: 4, family: 'sd1' }],
    ['lokr', under(toK, { lokr_w1: [8, 8], lokr_w2: [80, 128], alpha: [] }), { family: 'sd2' }],
    ['glora', under(toK, { 'a1.weight': [768, 4], 'a2.weight': [4, 768], 'b1.weight': [640, 4], 'b2.weight': [4, 768], alpha: [] }), { rank: 4, family: 'sd1' }],
    ['ia3', [...under(toK, { weight: [640], on_input: [] }), ...under('lora_unet_mid_block_attentions_0_proj_in', { weight: [1, 1280, 1, 1], on_input: [] })], { modules: 2, family: 'sd1' }],
    ['oft', under('oft_unet_down_blocks_0_attentions_0_proj_in', { oft_blocks: [4, 80, 80], alpha: [] }), {}],
    ['oft', under(toK, { oft_diag: [40, 16, 16] }), {}],
    ['boft', under('lora_unet_down_blocks_0_attentions_0_proj_in', { oft_blocks: [3, 4, 80, 80], alpha: [] }), {}],
    ['full', [...under(toK, { diff: [640, 1024] }), ...under('lora_unet_mid_block_resnets_0_norm1', { w_norm: [1280], b_norm: [1280] })], { modules: 2, family: 'sd2' }],
  ];
  test.each(cases)('%s', (algorithm, list, { rank, ...expected }) => {
    const found = inspect(list);
    expect(found).toMatchObject({ kind: 'lora', algorithm, modules: 1, trainedWords: ['sks dog'], ...expected });
    expect(found.rank).toBe(rank);
  });
});

describe('names', () => {
  const block = 'down_blocks.1.attentions.0.transformer_blocks.0.', text = 'text_model.encoder.layers.3.self_attn.';
  const cases: [string, string, string, [string, string], string][] = [
    ['kohya', `lora_unet_${block.replaceAll('.', '_')}attn2_to_k`, `lora_te_${text.replaceAll('.', '_')}q_proj`, ['.lora_down.weight', '.lora_up.weight'], 'sd1'],
    ['diffusers\' attention processors', `unet.${block}attn2.processor.to_k`, `text_encoder.${text}to_q`, ['_lora.down.weight', '_lora.up.weight'], 'sd1'],
    ['diffusers', `unet.${block}attn2.to_k`, `text_encoder.${text}q_proj`, ['.lora.down.weight', '.lora.up.weight'], 'sd1'],
    ['diffusers, text encoder', `unet.${block}attn2.to_k`, `text_encoder.${text}q_proj`, ['.lora_linear_layer.down.weight', '.lora_linear_layer.up.weight'], 'sd1'],
    ['PEFT', `base_model.model.${block}attn2.to_k`, `base_model.model.${text}q_proj`, ['.lora_A.weight', '.lora_B.weight'], 'sd1'],
    ['PEFT with a named adapter', `base_model.model.${block}attn2.to_k`, `base_model.model.${text}q_proj`, ['.lora_A.default.weight', '.lora_B.default.weight'], 'sd1'],
    ['LyCORIS', `lycoris_${block.replaceAll('.', '_')}attn2_to_k`, `lycoris_${text.replaceAll('.', '_')}q_proj`, ['.lora_down.weight', '.lora_up.weight'], 'sd1'],
    ['ComfyUI', 'diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k', `text_encoders.clip_l.transformer.${text}q_proj`, ['.lora_down.weight', '.lora_up.weight'], 'sd1'],
  ];
  test.each(cases)('%s', (_, unet, te, [down, up], family) => {
    expect(inspect([[unet + down, [8, 768]], [unet + up, [640, 8]], [te + down, [8, 768]], [te + up, [768, 8]]])).toMatchObject({ kind: 'lora', algorithm: 'lora', rank: 8, modules: 2, family });
    // Of the text encoder alone, its own names and width must do.
    if (!/^(?:base_model)/.test(te)) expect(inspect([[te + down, [8, 768]], [te + up, [768, 8]]])).toMatchObject({ kind: 'lora', modules: 1, family });
  });

  test('the second text encoder tells SDXL', () => {
    for (const layer of [`lora_te2_${text.replaceAll('.', '_')}q_proj`, `text_encoder_2.${text}q_proj`, `text_encoders.clip_g.transformer.${text}q_proj`]) {
      expect(inspect(under(layer, { 'lora_down.weight': [8, 1280], 'lora_up.weight': [1280, 8] }))).toMatchObject({ kind: 'lora', family: 'sdxl' });
    }
  });

  test('embeddings that come with a LoRA are none of its modules', () => {
    const list: List = [...under('lora_te1_text_model_encoder_layers_0_mlp_fc1', { 'lora_down.weight': [8, 768], 'lora_up.weight': [3072, 8], alpha: [] }), ['bundle_emb.sks.clip_l', [2, 768]], ['bundle_emb.sks.clip_g', [2, 1280]]];
    expect(inspect(list)).toMatchObject({ kind: 'lora', algorithm: 'lora', modules: 1 });
  });

  test('a stray key makes no LoRA of a network', () => {
    expect(inspect([['conv_in.weight', [320, 4, 3, 3]], ['conv_out.weight', [4, 320, 3, 3]], ['x.alpha', []]]).kind).not.toBe('lora');
  });
});
