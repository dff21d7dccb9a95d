// What is this file, kind by kind: one row for each layout that people have, made of the names and shapes that tell it. New finds become new rows.
import { describe, expect, test } from 'vitest';
import { identify } from '../../../main/engine/identify/identify';
import { clipL, sd15, sd21 } from '../../../main/engine/families/known-sizes';
import { textTensors, unetTensors, vaeTensors } from '../../../main/engine/families/network-tensors';
import type { Dims } from '../../../main/engine/tensor';
import type { StoredDType } from '../../../main/engine/weights/source';
import { referenceTensors, weightFile } from '../../support/checkpoints';

type List = [string, Dims, StoredDType?][];
type Row = readonly [what: string, file: () => Iterable<readonly [string, Dims, StoredDType?]>, expected: object, metadata?: Record<string, string>];
const list = (...tensors: List) => (): List => tensors;
const conv = (name: string, out: number, into: number, k = 3): List[number] => [`${name}.weight`, [out, into, k, k]];
const under = (prefix: string, tensors: Iterable<readonly [string, Dims]>): List => [...tensors].map(([name, shape]) => [prefix + name, shape]);

const vae = () => vaeTensors(sd15.vae, '');
const openClipH = () => [...textTensors(sd21.text['cond_stage_model.model.']!, 'model.')].map(([name, shape]): List[number] => [name.replace('model.', ''), shape]);
const vision: List = [['vision_model.embeddings.class_embedding', [1280]], conv('vision_model.embeddings.patch_embedding', 1280, 3, 14), ['vision_model.embeddings.position_ids', [1, 257], 'I64'], ['visual_projection.weight', [1024, 1280]]];
const sdxl = () => referenceTensors('sdxl-base-checkpoint');

const networks: Row[] = [
  ['a checkpoint in fp8 with scales and a mark', () => [...referenceTensors('sd15-checkpoint').map(([name, shape]): List[number] => [name, shape, 'F8_E4M3']), ['model.diffusion_model.scaled_fp8', [0], 'F8_E4M3'], ['model.diffusion_model.out.2.scale_weight', [], 'F32']],
    { kind: 'checkpoint', family: 'sd1', precision: 'fp8_e4m3', parameters: 1_066_235_307, problems: [], runnable: true }],
  ['SDXL in the form of EDM', () => [...sdxl(), ['edm_mean', [4]], ['edm_std', [4]]], { kind: 'checkpoint', family: 'sdxl', prediction: null, parameters: 3_468_837_868, runnable: false, problems: [{ code: 'prediction.edm' }] }],
  ['CosXL', () => [...sdxl(), ['edm_vpred.sigma_max', []], ['edm_vpred.sigma_min', []]], { family: 'sdxl', prediction: null, runnable: false }],
  ['v in capital letters', sdxl, { prediction: 'v' }, { 'modelspec.prediction_type': 'V_Prediction' }],
  ['a U-Net below unet.', () => under('unet.', unetTensors(sd15.unet, '')), { kind: 'unet', family: 'sd1', parameters: 859_520_964 }],
  ['a distilled U-Net with linear projections for SD 2\'s text', list(conv('conv_in', 320, 4), ['down_blocks.1.attentions.0.proj_in.weight', [640, 640, 1, 1]], ['down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight', [640, 1024]]), { kind: 'unet', family: 'sd2' }],
  ['Kolors', list(conv('conv_in', 320, 4), ['encoder_hid_proj.weight', [2048, 4096]]), { kind: 'unet', family: 'kolors', prediction: null }],
  ['AuraFlow as diffusers has it', list(['joint_transformer_blocks.0.attn.add_k_proj.weight', [3072, 3072]], ['joint_transformer_blocks.0.norm1_context.linear.weight', [18432, 3072]]), { kind: 'unet', family: 'auraflow' }],
  ['Wan as diffusers has it', list(['condition_embedder.time_embedder.linear_1.weight', [5120, 256]], ['blocks.0.attn2.norm_k.weight', [5120]]), { kind: 'unet', family: 'wan' }],
  ['CogVideoX', list(['patch_embed.text_proj.weight', [3072, 4096]]), { kind: 'unet', family: 'cogvideox' }],
  ['Qwen-Image', list(['transformer_blocks.0.img_mlp.net.0.proj.weight', [12288, 3072]], ['transformer_blocks.0.img_mod.1.weight', [18432, 3072]]), { kind: 'unet', family: 'qwen-image' }],
  ['Sana', list(['transformer_blocks.0.ff.conv_inverted.weight', [11200, 2240, 1, 1]]), { kind: 'unet', family: 'sana' }],
  ['Flux with VAE and CLIP', list(['model.diffusion_model.double_blocks.0.img_attn.norm.key_norm.scale', [128]], conv('vae.decoder.conv_in', 512, 16), conv('vae.decoder.up.0.block.0.conv1', 128, 128)), { kind: 'checkpoint', family: 'flux' }],
  ['Stable Video Diffusion', list(['model.diffusion_model.input_blocks.1.0.time_stack.in_layers.0.weight', [320]], conv('first_stage_model.decoder.conv_in', 512, 4), conv('first_stage_model.decoder.up.0.block.0.conv1', 128, 128)), { kind: 'checkpoint', family: 'svd' }],
];

const parts: Row[] = [
  ['an autoencoder as it was trained, with its critic and an EMA copy', () => [...vae(), ['loss.logvar', [], 'F32'], ['loss.discriminator.main.0.weight', [64, 3, 4, 4], 'F32'], ['model_ema.decay', [], 'F32'], ['model_ema.encoderconv_inweight', [128, 3, 3, 3]]],
    { kind: 'vae', family: null, parameters: 83_653_863, precision: 'fp16' }],
  ['an autoencoder with diffusers\' first names', list(conv('decoder.conv_in', 512, 4), ['decoder.mid_block.attentions.0.query.weight', [512, 512]], conv('decoder.up_blocks.0.resnets.0.conv1', 512, 512)), { kind: 'vae', family: null }],
  ['that of Stable Video Diffusion', list(conv('decoder.conv_in', 512, 4), ['decoder.mid.block_1.mix_factor', [1]], conv('decoder.up.0.block.0.conv1', 128, 128)), { kind: 'vae', family: 'svd' }],
  ['that of Cascade', list(['vquantizer.codebook.weight', [8192, 4]]), { kind: 'vae', family: 'cascade' }],
  ['that of Wan', list(['decoder.conv1.weight', [384, 16, 3, 3, 3]], ['decoder.middle.0.residual.0.gamma', [384, 1, 1, 1]]), { kind: 'vae', family: 'wan' }],
  ['that of LTX', list(['decoder.conv_in.conv.weight', [512, 128, 3, 3, 3]], ['decoder.up_blocks.0.res_blocks.0.conv1.conv.weight', [512, 512, 3, 3, 3]]), { kind: 'vae', family: 'ltx-video' }],
  ['one for films', list(['decoder.conv_in.conv.weight', [512, 16, 3, 3, 3]]), { kind: 'vae', family: null }],
  ['CLIP-L', () => textTensors(clipL, 'text_model.'), { kind: 'text-encoder', family: 'sd1', parameters: 123_060_480 }],
  ['CLIP-L without any prefix', () => textTensors(clipL, ''), { kind: 'text-encoder', family: 'sd1', parameters: 123_060_480 }],
  ['OpenCLIP-H\'s text tower', openClipH, { kind: 'text-encoder', family: 'sd2' }],
  ['a language model', list(['model.embed_tokens.weight', [152064, 3584]], ['model.layers.0.self_attn.q_proj.weight', [3584, 3584]]), { kind: 'text-encoder', family: null }],
  ['ChatGLM', list(['encoder.layers.0.self_attention.query_key_value.weight', [4608, 4096]]), { kind: 'text-encoder', family: 'kolors' }],
  ['an image encoder', () => vision, { kind: 'clip-vision', family: null }],
  ['an image encoder below a prefix', () => under('image_encoder.', vision as [string, Dims][]), { kind: 'clip-vision' }],
  ['OpenCLIP\'s image tower', list(['visual.class_embedding', [1664]], ['visual.transformer.resblocks.0.attn.in_proj_weight', [4992, 1664]]), { kind: 'clip-vision' }],
  ['a whole CLIP', () => [...textTensors(clipL, 'text_model.'), ...vision], { kind: 'clip-vision' }],
  ['a whole OpenCLIP', () => [...openClipH(), ['visual.class_embedding', [1280]]], { kind: 'clip-vision' }],
  ['SigLIP', list(conv('vision_model.embeddings.patch_embedding', 1152, 3, 14), ['vision_model.encoder.layers.0.self_attn.q_proj.weight', [1152, 1152]], ['vision_model.head.probe', [1, 1, 1152]]), { kind: 'clip-vision' }],
  ['TAESD, both halves and its two numbers', () => [...['en', 'de'].flatMap((half) => Array.from({ length: 12 }, (_, i): List[number] => [`taesd_${half}coder.${i}.conv.4.weight`, [64, 64, 3, 3]])), ['vae_scale', []], ['vae_shift', []]], { kind: 'taesd', parameters: 24 * 36_864 }],
];

const hidden = 'temporal_transformer.transformer_blocks.0.attention_blocks.0';
const unetHead = (context: number): List => [['input_blocks.0.0.weight', [320, 4, 3, 3]], ['input_blocks.1.1.proj_in.weight', [320, 320, 1, 1]], ['input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight', [320, context]], ['zero_convs.0.0.weight', [320, 320, 1, 1]]];
const adapters: Row[] = [
  ['ControlNet below control_model.', () => under('control_model.', unetHead(768) as [string, Dims][]), { kind: 'controlnet', family: 'sd1' }],
  ['ControlNet for SD 2', () => unetHead(1024), { kind: 'controlnet', family: 'sd2' }],
  ['ControlNet as a difference', () => [...under('control_model.', unetHead(768) as [string, Dims][]), ['difference', [], 'F32']], { kind: 'controlnet', family: 'sd1', precision: 'fp16' }],
  ['a small SDXL ControlNet without attention', list(conv('conv_in', 320, 4), conv('down_blocks.1.resnets.0.conv1', 640, 320), ['add_embedding.linear_1.weight', [1280, 2816]], conv('controlnet_cond_embedding.conv_in', 16, 3), conv('controlnet_mid_block', 1280, 1280, 1)), { kind: 'controlnet', family: 'sdxl' }],
  ['Control-LoRA', list(['lora_controlnet', [0]], ['input_blocks.4.1.transformer_blocks.0.attn2.to_k.down', [128, 2048]], ['input_blocks.4.1.transformer_blocks.0.attn2.to_k.up', [640, 128]], ['zero_convs.0.0.weight', [320, 320, 1, 1]]), { kind: 'controlnet', family: 'sdxl' }],
  ['LLLite', list(['lllite_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_k.down.0.weight', [64, 640]]), { kind: 'controlnet', family: 'sdxl' }],
  ['LLLite where SDXL has no attention', list(['lllite_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_k.down.0.weight', [64, 320]]), { kind: 'controlnet', family: 'sd1' }],
  ['SparseCtrl, with layers over time', list(conv('conv_in', 320, 4), ['down_blocks.1.motion_modules.0.temporal_transformer.proj_in.weight', [640, 640]], ['down_blocks.1.attentions.0.proj_in.weight', [640, 640, 1, 1]], ['down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight', [640, 768]], conv('controlnet_down_blocks.0', 320, 320, 1)), { kind: 'controlnet', family: 'sd1' }],
  ['Flux ControlNet in diffusers\' names', list(['controlnet_blocks.0.weight', [3072, 3072]], ['controlnet_x_embedder.weight', [3072, 64]], ['transformer_blocks.0.norm1_context.linear.weight', [18432, 3072]]), { kind: 'controlnet', family: 'flux' }],
  ['SD 3 ControlNet', list(['controlnet_blocks.0.weight', [1536, 1536]], ['pos_embed_input.proj.weight', [1536, 16, 2, 2]]), { kind: 'controlnet', family: 'sd3' }],
  ['Qwen-Image ControlNet', list(['controlnet_blocks.0.weight', [3072, 3072]], ['transformer_blocks.0.img_mlp.net.0.proj.weight', [12288, 3072]]), { kind: 'controlnet', family: 'qwen-image' }],
  ['Hunyuan-DiT ControlNet', list(['after_proj_list.18.bias', [1408]], ['mlp_t5.0.weight', [8192, 2048]]), { kind: 'controlnet', family: 'hunyuan-dit' }],
  ['T2I-Adapter for sketches', list(conv('conv_in', 320, 64), conv('body.0.block1', 320, 320)), { kind: 't2i-adapter', family: 'sd1' }],
  ['light T2I-Adapter in diffusers\' names', list(conv('adapter.body.0.in_conv', 160, 192, 1), conv('adapter.body.0.resnets.0.block1', 160, 160)), { kind: 't2i-adapter', family: 'sd1' }],
  ['the T2I-Adapter for style', list(['style_embedding', [1, 8, 1024]], ['transformer_layes.0.attn.in_proj_weight', [3072, 1024]]), { kind: 't2i-adapter', family: 'sd1' }],
  ['IP-Adapter with LoRA (FaceID)', list(['image_proj.proj.0.weight', [1024, 512]], ['ip_adapter.0.to_q_lora.down.weight', [128, 320]], ['ip_adapter.0.to_q_lora.up.weight', [320, 128]], ['ip_adapter.1.to_k_ip.weight', [320, 768]]), { kind: 'ip-adapter', family: 'sd1' }],
  ['IP-Adapter for Flux', list(['double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight', [3072, 4096]]), { kind: 'ip-adapter', family: 'flux' }],
  ['IP-Adapter for Flux in the first layout', list(['ip_adapter.0.to_k_ip.weight', [3072, 4096]]), { kind: 'ip-adapter', family: 'flux' }],
  ['motion module; its positions are no weights', list([`down_blocks.0.motion_modules.0.${hidden}.to_q.weight`, [320, 320]], [`down_blocks.0.motion_modules.0.${hidden}.pos_encoder.pe`, [1, 32, 320]], [`down_blocks.3.motion_modules.0.${hidden}.to_q.weight`, [1280, 1280]]), { kind: 'motion-module', family: 'sd1', parameters: 320 ** 2 + 1280 ** 2 }],
  ['motion module for SDXL', list([`down_blocks.2.motion_modules.0.${hidden}.to_q.weight`, [1280, 1280]]), { kind: 'motion-module', family: 'sdxl' }],
  ['motion module in diffusers\' names', list(['down_blocks.3.motion_modules.0.transformer_blocks.0.attn1.to_q.weight', [1280, 1280]], ['down_blocks.3.motion_modules.0.transformer_blocks.0.pos_embed.pe', [1, 32, 1280]]), { kind: 'motion-module', family: 'sd1', parameters: 1280 ** 2 }],
  ['hypernetwork as NovelAI made them', list(['768.0.linear1.weight', [1536, 768]], ['768.1.linear2.bias', [768]]), { kind: 'hypernetwork', family: 'sd1' }],
  ['GLIGEN', list(['position_net.linears.0.weight', [512, 832]]), { kind: 'unknown', family: 'sd1', problems: [{ code: 'unknown.stranger', data: { stranger: 'gligen' } }] }],
  ['a face restorer', list(['quantize.embedding.weight', [1024, 256]]), { kind: 'unknown', family: null, problems: [{ code: 'unknown.stranger', data: { stranger: 'face-restorer' } }] }],
];

const doublings = (name: string, times: number): List => Array.from({ length: times }, (_, i) => conv(`${name}${i + 1}`, 64, 64));
const rrdb = (times: number, colours: number, name = 'conv_up'): List => [conv('conv_first', 64, colours), conv('body.0.rdb1.conv1', 32, 64), conv('conv_body', 64, 64), ...doublings(name, times), conv('conv_hr', 64, 64), conv('conv_last', 3, 64)];
const firstRrdb = (times: number, into = 3, out = 3): List => [conv('model.0', 64, into), conv('model.1.sub.0.RDB1.conv1.0', 32, 64), conv('model.1.sub.23', 64, 64),
  ...Array.from({ length: times }, (_, i) => conv(`model.${3 + 3 * i}`, 64, 64)), conv(`model.${2 + 3 * times}`, 64, 64), conv(`model.${4 + 3 * times}`, out, 64)];
const swin = (...end: List): List => [conv('conv_first', 180, 3), ['layers.0.residual_group.blocks.0.norm1.weight', [180]], ['layers.0.residual_group.blocks.0.attn.relative_position_index', [64, 64], 'I64'], ...end];
const shuffles = (...channels: number[]): List => [...channels.map((out, i) => conv(`upsample.${2 * i}`, out, 64)), conv('conv_last', 3, 64)];
const upscalers: [string, List, number][] = [
  ['ESRGAN, first layout', firstRrdb(2), 4], ['ESRGAN, first layout, ×8', firstRrdb(3), 8], ['ESRGAN, first layout, ×2', firstRrdb(1), 2], ['ESRGAN, first layout, ×1', firstRrdb(0), 1],
  ['ESRGAN of one colour', firstRrdb(2, 1, 1), 4], ['ESRGAN that folds 2×2', firstRrdb(2, 12), 2], ['ESRGAN of one colour that folds 4×4', firstRrdb(2, 16, 1), 1],
  ['BSRGAN', rrdb(2, 3, 'upconv'), 4], ['BSRGAN ×2', rrdb(1, 3, 'upconv'), 2], ['Real-ESRGAN', rrdb(2, 3), 4], ['Real-ESRGAN ×2', rrdb(2, 12), 2], ['Real-ESRGAN ×1', rrdb(2, 48), 1],
  ['Compact', [conv('body.0', 64, 3), ['body.1.weight', [64]], conv('body.2', 64, 64), conv('body.34', 48, 64)], 4], ['Compact ×1', [conv('body.0', 64, 3), ['body.1.weight', [64]], conv('body.34', 3, 64)], 1],
  ['SwinIR ×2', swin(...shuffles(256)), 2], ['SwinIR ×3', swin(...shuffles(576)), 3], ['SwinIR ×8', swin(...shuffles(256, 256, 256)), 8], ['light SwinIR ×3', swin(conv('upsample.0', 27, 180)), 3],
  ['SwinIR that cleans', swin(conv('conv_last', 3, 180)), 1], ['SwinIR "real" ×2', swin(conv('conv_up1', 64, 64), conv('conv_last', 3, 64)), 2],
  ['HAT', [...swin(...shuffles(256, 256)), ['layers.0.residual_group.overlap_attn.qkv.weight', [540, 180]]], 4], ['DAT', [conv('conv_first', 180, 3), ['layers.0.blocks.0.norm1.weight', [180]], ['layers.0.blocks.0.attn.attns.0.rpe_biases', [961, 2]], ...shuffles(576)], 3],
  ['ATD', [conv('conv_first', 210, 3), ['layers.0.residual_group.layers.0.norm1.weight', [210]], ...shuffles(256)], 2], ['DRCT', [conv('conv_first', 180, 3), ['layers.0.swin1.norm1.weight', [180]], ...shuffles(256, 256)], 4],
  ['GRL "real"', [conv('conv_first', 180, 3), ['layers.0.blocks.0.attn.window_attn.attn_transform.logit_scale', [3, 1, 1]], ...doublings('conv_up', 2)], 4],
  ['SPAN ×2', [conv('conv_1.sk', 48, 3, 1), conv('block_1.c1_r.sk', 48, 48, 1), conv('upsampler.0', 12, 48)], 2], ['OmniSR', [conv('input', 64, 3), conv('residual_layer.0.residual_layer.0.layer.0.fn.0', 64, 64, 1), conv('up.0', 48, 64)], 4],
  ['PLKSR', [conv('feats.0', 64, 3), conv('feats.1.channel_mixer.0', 128, 64), conv('feats.30', 48, 64)], 4], ['SAFMN ×3', [conv('to_feat', 36, 3), conv('feats.0.safm.mfr.0', 9, 9), conv('to_img.0', 27, 36)], 3],
  ['RCAN', [conv('head.0', 64, 3), conv('body.0.body.0.body.3.conv_du.0', 4, 64, 1), conv('tail.0.0', 256, 64), conv('tail.0.2', 256, 64), conv('tail.1', 3, 64)], 4],
  ['Real-CUGAN ×3', [conv('unet1.conv1.conv.0', 32, 3), conv('unet1.conv_bottom', 64, 3, 5), conv('unet2.conv_bottom', 3, 64)], 3],
];

for (const [kinds, rows] of Object.entries({ networks, parts, adapters })) {
  describe(kinds, () => {
    for (const [what, file, expected, metadata] of rows) test(what, () => { expect(identify(weightFile(file(), metadata))).toMatchObject(expected); });
  });
}
test.each(upscalers)('upscaler: %s', (_, tensors, scale) => { expect(identify(weightFile(tensors))).toMatchObject({ kind: 'upscaler', scale }); });
