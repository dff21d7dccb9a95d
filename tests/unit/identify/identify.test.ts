// What is this file: real tensor lists (tests/golden/tensors: names, dtypes and shapes of real files), the demo checkpoint, golden cases, and variations.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { identify } from '../../../main/engine/identify/identify';
import type { Dims } from '../../../main/engine/tensor';
import type { StoredDType } from '../../../main/engine/weights/source';
import { openWeightFile } from '../../../main/files/weight-file';
import { referenceTensors, weightFile } from '../../support/checkpoints';

type List = [string, Dims, StoredDType?][];
const local = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const sd15 = () => referenceTensors('sd15-checkpoint');
const renamed = (list: List, change: (name: string) => string): List => list.map(([name, ...rest]) => [change(name), ...rest]);

describe('real files', () => {
  test.each([
    // U-Net 859,520,964 + CLIP-L 123,060,480 + VAE 83,653,863
    ['sd15-checkpoint', { kind: 'checkpoint', family: 'sd1', variant: 'base', prediction: 'eps', precision: 'fp16', parameters: 1_066_235_307, tensors: 1131, runnable: true, problems: [] }],
    ['sd21-v-checkpoint', { kind: 'checkpoint', family: 'sd2', variant: 'base', prediction: 'v', precision: 'fp32', tensors: 1240, runnable: true, problems: [{ code: 'prediction.open' }] }],
    ['sd21-diffusers-unet', { kind: 'unet', family: 'sd2', variant: 'base', precision: 'fp16', parameters: 865_910_724 }],
    // U-Net 2,567,463,684 + CLIP-L + bigG 694,659,841 + VAE
    ['sdxl-base-checkpoint', { kind: 'checkpoint', family: 'sdxl', variant: 'base', prediction: 'eps', parameters: 3_468_837_868, runnable: true, problems: [] }],
    ['sdxl-refiner-checkpoint', { kind: 'checkpoint', family: 'sdxl-refiner', variant: 'base', prediction: 'eps', runnable: true, problems: [] }],
    ['sd15-kohya-lora-rank16', { kind: 'lora', family: 'sd1', algorithm: 'lora', rank: 16, modules: 264, precision: 'fp16', prediction: null, runnable: false }],
  ])('%s', (name, expected) => { expect(identify(weightFile(referenceTensors(name)))).toMatchObject(expected); });

  test('the demo checkpoint, with sizes of its own', async () => {
    const report = identify(await openWeightFile(local('resources/models/atelier-mini.safetensors')));
    expect(report).toMatchObject({ kind: 'checkpoint', family: 'sd1', variant: 'base', prediction: 'eps', precision: 'fp16', tensors: 618, runnable: true, problems: [] });
    expect(report.parameters / 1e6).toBeCloseTo(16.9, 1);
  });
});

describe('how checkpoints differ', () => {
  test('schedule buffers and an EMA copy are neither problems nor parameters', () => {
    const ema: List = sd15().filter(([name]) => name.startsWith('model.diffusion_model.')).map(([name, shape]) => [`model_ema.${name.slice(6).replaceAll('.', '')}`, shape, 'F32']);
    const schedules: List = ['betas', 'alphas_cumprod', 'alphas_cumprod_prev', 'sqrt_alphas_cumprod', 'sqrt_one_minus_alphas_cumprod', 'log_one_minus_alphas_cumprod', 'sqrt_recip_alphas_cumprod',
      'sqrt_recipm1_alphas_cumprod', 'posterior_variance', 'posterior_log_variance_clipped', 'posterior_mean_coef1', 'posterior_mean_coef2', 'logvar'].map((name) => [name, [1000], 'F32']);
    const counters: List = [['model_ema.decay', [], 'F32'], ['model_ema.num_updates', [], 'I32']];
    expect(identify(weightFile([...sd15(), ...ema, ...schedules, ...counters])))
      .toMatchObject({ family: 'sd1', parameters: 1_066_235_307, precision: 'fp16', problems: [], runnable: true });
  });
  test('NovelAI style: no `text_model.`', () => {
    const file = weightFile(renamed(sd15(), (name) => name.replace('transformer.text_model.', 'transformer.')));
    expect(identify(file)).toMatchObject({ kind: 'checkpoint', family: 'sd1', problems: [], runnable: true });
  });
  test('without position_ids', () => {
    expect(identify(weightFile(sd15().filter(([name]) => !name.endsWith('position_ids'))))).toMatchObject({ problems: [], runnable: true });
  });
  test.each([['vae', 'first_stage_model.'], ['text-encoder', 'cond_stage_model.']])('without %s: one problem, not hundreds', (part, prefix) => {
    const report = identify(weightFile(sd15().filter(([name]) => !name.startsWith(prefix))));
    expect(report).toMatchObject({ kind: 'checkpoint', family: 'sd1', runnable: false, problems: [{ code: 'part.missing', data: { part } }] });
  });
  test.each([[9, 'inpaint'], [8, 'pix2pix'], [5, 'depth']])('%i latent inputs: %s', (channels, variant) => {
    const list = sd15().map(([name, shape, dtype]): List[number] => [name, name.endsWith('input_blocks.0.0.weight') ? [320, channels, 3, 3] : shape, dtype]);
    expect(identify(weightFile(list))).toMatchObject({ kind: 'checkpoint', family: 'sd1', variant, problems: [], runnable: true });
  });
  test('the parts alone', () => {
    const only = (prefix: string, to = prefix): List => renamed(sd15().filter(([name]) => name.startsWith(prefix)), (name) => to + name.slice(prefix.length));
    expect(identify(weightFile(only('model.diffusion_model.')))).toMatchObject({ kind: 'unet', family: 'sd1', parameters: 859_520_964, problems: [] });
    expect(identify(weightFile(only('model.diffusion_model.', '')))).toMatchObject({ kind: 'unet', family: 'sd1' });
    expect(identify(weightFile(only('first_stage_model.', '')))).toMatchObject({ kind: 'vae', family: null, parameters: 83_653_863 });
    expect(identify(weightFile(only('cond_stage_model.transformer.', '')))).toMatchObject({ kind: 'text-encoder', family: 'sd1', parameters: 123_060_480 });
  });
  test('several precisions are mixed, whatever the buffers are', () => {
    expect(identify(weightFile(sd15().map(([name, shape], i): List[number] => [name, shape, i < 500 ? 'F32' : 'BF16']))).precision).toBe('mixed');
  });
  test('the prediction: from the metadata, from marker tensors, from the user; SD 2 says how unsure it is', () => {
    expect(identify(weightFile(sd15(), { 'modelspec.prediction_type': 'v' })).prediction).toBe('v');
    expect(identify(weightFile([...referenceTensors('sdxl-base-checkpoint'), ['v_pred', [0]], ['ztsnr', [0]]]))).toMatchObject({ family: 'sdxl', prediction: 'v', precision: 'fp16' });
    const sd2 = weightFile(referenceTensors('sd21-v-checkpoint'));
    expect(identify(sd2).confidence).toBeLessThan(0.7);
    expect(identify(sd2).problems).toEqual([{ code: 'prediction.open', data: {} }]);
    expect(identify(sd2, { prediction: 'eps' })).toMatchObject({ prediction: 'eps', problems: [] });
    expect(identify(weightFile(referenceTensors('sd21-v-checkpoint'), { 'modelspec.architecture': 'stable-diffusion-v2-512' })).prediction).toBe('eps');
  });
});

describe('golden cases', () => {
  const cases: [string, object][] = [
    ['unet_sd15_tiny/weights', { kind: 'unet', family: 'sd1', variant: 'base' }], ['unet_inpaint_tiny/weights', { kind: 'unet', family: 'sd1', variant: 'inpaint' }],
    ['unet_sd2_tiny/weights', { kind: 'unet', family: 'sd2' }], ['unet_sdxl_tiny/weights', { kind: 'unet', family: 'sdxl' }],
    ['clip_l_tiny/weights', { kind: 'text-encoder', family: 'sd1' }], ['open_clip_tiny/weights_sd2_h', { kind: 'text-encoder', family: 'sd2' }],
    ['open_clip_tiny/weights_sdxl_g', { kind: 'text-encoder', family: 'sdxl' }], ['vae_tiny/weights', { kind: 'vae' }], ['clip_vision_tiny/weights', { kind: 'clip-vision' }],
    ['taesd_tiny/taesd_encoder', { kind: 'taesd', parameters: 1_222_532 }], ['taesd_tiny/taesd_decoder', { kind: 'taesd', parameters: 1_222_531 }],
    ['controlnet_tiny/weights_ldm', { kind: 'controlnet', family: 'sd1' }], ['controlnet_tiny/weights_diffusers', { kind: 'controlnet', family: 'sd1' }],
    ['t2i_adapter_tiny/adapter_full', { kind: 't2i-adapter', family: 'sd1' }], ['t2i_adapter_tiny/adapter_light', { kind: 't2i-adapter', family: 'sd1' }],
    ['ip_adapter_tiny/ip_adapter_base', { kind: 'ip-adapter', family: 'sd1' }], ['ip_adapter_tiny/ip_adapter_plus', { kind: 'ip-adapter', family: 'sd1' }],
    ['esrgan_tiny/x1_new_basicsr', { kind: 'upscaler', scale: 1 }], ['esrgan_tiny/x2_new_basicsr', { kind: 'upscaler', scale: 2 }], ['esrgan_tiny/x4_new_basicsr', { kind: 'upscaler', scale: 4 }],
    ['esrgan_tiny/x4_esrgan', { kind: 'upscaler', scale: 4 }], ['esrgan_tiny/x4_old', { kind: 'upscaler', scale: 4 }], ['esrgan_tiny/srvgg_x4', { kind: 'upscaler', scale: 4 }],
    ['lora/kohya_lora', { kind: 'lora', algorithm: 'lora', family: 'sd1', rank: 4, modules: 210 }], ['lora/kohya_locon', { kind: 'lora', algorithm: 'locon', family: 'sd1' }],
    ['lora/kohya_sdxl', { kind: 'lora', algorithm: 'lora', family: 'sdxl' }], ['lora/diffusers_peft', { kind: 'lora', algorithm: 'lora', rank: 4, modules: 140 }],
    ['lora/diffusers_attn_procs', { kind: 'lora', algorithm: 'lora', rank: 4, modules: 140 }], ['lora/dora_in', { kind: 'lora', algorithm: 'dora' }], ['lora/dora_out', { kind: 'lora', algorithm: 'dora' }],
    ['lora/lycoris_loha', { kind: 'lora', algorithm: 'loha', rank: 3 }], ['lora/lycoris_loha_tucker', { kind: 'lora', algorithm: 'loha' }], ['lora/lycoris_lokr', { kind: 'lora', algorithm: 'lokr', rank: 2 }],
    ['lora/lycoris_lokr_full', { kind: 'lora', algorithm: 'lokr' }], ['lora/lycoris_locon_tucker', { kind: 'lora', algorithm: 'locon' }], ['lora/lycoris_full_norm', { kind: 'lora', algorithm: 'full' }],
    ['pipeline/io', { kind: 'unknown', family: null }], ['rng/rng', { kind: 'unknown', family: null }],
  ];
  // A clone keeps the cases that its tests need; the whole set is checked where it is there.
  const folder = process.env.ATELIER_GOLDEN ?? local('tests/golden/cases');
  const present = cases.filter(([name]) => existsSync(`${folder}/${name}.safetensors`));
  test('some are there', () => { expect(present.length).toBeGreaterThan(0); });
  test.each(present)('%s', async (name, expected) => { expect(identify(await openWeightFile(`${folder}/${name}.safetensors`))).toMatchObject(expected); });
});

describe('by their names', () => {
  const pair = (layer: string, down: number[], up: number[]): List => [[`${layer}.lora_down.weight`, down], [`${layer}.lora_up.weight`, up], [`${layer}.alpha`, []]];
  const toK = 'lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k';
  const cases: [string, List, object][] = [
    ['LoRA for SD 2 by the context', pair(toK, [8, 1024], [640, 8]), { kind: 'lora', family: 'sd2', algorithm: 'lora', rank: 8, modules: 1, parameters: 8 * 1024 + 640 * 8 }],
    ['LoRA for SDXL in diffusers names', pair(toK, [8, 2048], [640, 8]), { kind: 'lora', family: 'sdxl' }],
    ['LoHa', [[`${toK}.hada_w1_a`, [320, 4]], [`${toK}.hada_w1_b`, [4, 768]], [`${toK}.hada_w2_a`, [320, 4]], [`${toK}.hada_w2_b`, [4, 768]]], { kind: 'lora', algorithm: 'loha', family: 'sd1', rank: 4 }],
    ['LoKr', [[`${toK}.lokr_w1`, [8, 8]], [`${toK}.lokr_w2_a`, [40, 4]], [`${toK}.lokr_w2_b`, [4, 128]]], { kind: 'lora', algorithm: 'lokr', family: 'sd2', rank: 4 }],
    ['IA³', [[`${toK}.weight`, [320]], [`${toK}.on_input`, []]], { kind: 'lora', algorithm: 'ia3', modules: 1 }],
    ['GLoRA', [[`${toK}.a1.weight`, [4, 768]], [`${toK}.a2.weight`, [768, 4]], [`${toK}.b1.weight`, [4, 768]], [`${toK}.b2.weight`, [320, 4]]], { kind: 'lora', algorithm: 'glora', family: 'sd1', rank: 4 }],
    ['OFT', [['oft_unet_down_blocks_0_attentions_0_proj_in.oft_blocks', [4, 80, 80]]], { kind: 'lora', algorithm: 'oft' }],
    ['BOFT', [['lora_unet_down_blocks_0_attentions_0_proj_in.oft_blocks', [3, 4, 80, 80]]], { kind: 'lora', algorithm: 'boft' }],
    ['Flux LoRA', pair('lora_unet_double_blocks_0_img_attn_qkv', [16, 3072], [9216, 16]), { kind: 'lora', family: 'flux' }],
    ['embedding for SD 1', [['emb_params', [4, 768], 'F32']], { kind: 'embedding', family: 'sd1', precision: 'fp32', parameters: 3072 }],
    ['embedding for SDXL', [['clip_l', [4, 768]], ['clip_g', [4, 1280]]], { kind: 'embedding', family: 'sdxl' }],
    ['embedding as diffusers writes it', [['<my-dog>', [1024], 'F32']], { kind: 'embedding', family: 'sd2' }],
    ['Control-LoRA', [['lora_controlnet', [0]], ['input_hint_block.0.weight', [16, 3, 3, 3]]], { kind: 'controlnet' }],
    ['motion module', [['down_blocks.0.motion_modules.0.temporal_transformer.proj_in.weight', [320, 320]], ['down_blocks.3.motion_modules.0.temporal_transformer.proj_in.weight', [1280, 1280]]],
      { kind: 'motion-module', family: 'sd1' }],
    ['T2I-Adapter for SDXL', [['adapter.conv_in.weight', [320, 768, 3, 3]], ['adapter.body.0.resnets.0.block1.weight', [320, 320, 3, 3]]], { kind: 't2i-adapter', family: 'sdxl' }],
    ['IP-Adapter for SDXL', [['image_proj.proj.weight', [8192, 1280]], ['ip_adapter.1.to_k_ip.weight', [640, 2048]]], { kind: 'ip-adapter', family: 'sdxl' }],
    ['SwinIR ×4 without pixel shuffle', [['conv_first.weight', [180, 3, 3, 3]], ['layers.0.residual_group.blocks.0.norm1.weight', [180]], ['conv_up1.weight', [64, 64, 3, 3]], ['conv_up2.weight', [64, 64, 3, 3]]],
      { kind: 'upscaler', scale: 4 }],
    ['Flux', [['double_blocks.0.img_attn.norm.key_norm.scale', [128]], ['single_blocks.0.linear1.weight', [21504, 3072]]], { kind: 'unet', family: 'flux', runnable: false }],
    ['SD 3', [['model.diffusion_model.joint_blocks.0.context_block.attn.qkv.weight', [4608, 1536]]], { kind: 'unet', family: 'sd3' }],
    ['PixArt', [['blocks.0.cross_attn.kv_linear.weight', [2304, 1152]]], { kind: 'unet', family: 'pixart' }],
    ['Cascade', [['clip_txt_mapper.weight', [2048, 1280]], ['down_blocks.0.0.channelwise.0.weight', [8192, 2048]]], { kind: 'unet', family: 'cascade' }],
    ['T5', [['encoder.block.0.layer.0.SelfAttention.q.weight', [4096, 4096]]], { kind: 'text-encoder', family: null }],
    ['nothing that is known', [['weights', [10, 10]]], { kind: 'unknown', family: null, confidence: 0 }],
    ['no tensors at all', [], { kind: 'unknown', tensors: 0, parameters: 0 }],
  ];
  test.each(cases)('%s', (_, list, expected) => { expect(identify(weightFile(list))).toMatchObject(expected); });

  test('words that call a LoRA up: the phrase, or the tags on every picture', () => {
    const list = pair(toK, [8, 768], [320, 8]);
    const words = (metadata: Record<string, string>) => identify(weightFile(list, metadata)).trainedWords;
    expect(words({ 'modelspec.trigger_phrase': 'sks dog, toy' })).toEqual(['sks dog', 'toy']);
    const dirs = JSON.stringify({ '10_dog': { n_repeats: 10, img_count: 3 } });
    expect(words({ ss_dataset_dirs: dirs, ss_tag_frequency: JSON.stringify({ '10_dog': { 'sks dog': 3, grass: 2 } }) })).toEqual(['sks dog']);
    expect(words({ ss_tag_frequency: 'not JSON' })).toEqual([]);
    expect(words({ ss_dataset_dirs: '{"a":null}', ss_tag_frequency: '{"a":null,"b":7}' })).toEqual([]);
  });
});
