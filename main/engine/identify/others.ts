// Networks of other families, each by a tensor that only it has. We do not run them; saying what they are beats "unknown file".
import type { WeightFile } from '../weights/source';
import { hasName } from './types';

/** First match wins, so the narrower sign stands before the wider one. Prefixes such as `model.diffusion_model.` are left open. */
const signs: readonly (readonly [family: string, sign: RegExp])[] = [
  ['svd', /(?:^|\.)input_blocks\.\d+\.\d+\.time_stack\.|(?:^|\.)down_blocks\.\d+\.resnets\.\d+\.temporal_res_block\./],
  ['modelscope', /(?:^|\.)(?:down_blocks\.\d+\.temp_convs|input_blocks\.\d+\.\d+\.temopral_conv)\./],
  ['zero123', /(?:^|\.)cc_projection\.weight$/],
  ['kandinsky', /(?:^|\.)(?:encoder_hid_proj|add_embedding)\.image_(?:embeds|proj|norm)\./],
  ['deepfloyd-if', /(?:^|\.)down_blocks\.\d+\.attentions\.\d+\.add_k_proj\.weight$/],
  ['kolors', /(?:^|\.)encoder_hid_proj\.weight$/],
  ['cascade', /(?:^|\.)(?:clip_txt_mapper|clip_txt_pooled_mapper|effnet_mapper\.0)\.weight$|(?:^|\.)down_blocks\.\d+\.\d+\.channelwise\./],
  ['chroma', /(?:^|\.)distilled_guidance_layer\./],
  ['flux2', /(?:^|\.)double_stream_modulation_img\./],
  ['hunyuan-video', /(?:^|\.)txt_in\.individual_token_refiner\.|(?:^|\.)context_embedder\.token_refiner\./],
  ['flux', /(?:^|\.)double_blocks\.\d+\.img_attn\.|(?:^|\.)single_transformer_blocks\.\d+\.attn\.norm_k\./],
  ['auraflow', /(?:^|\.)double_layers\.\d+\.attn\.w1q\.|(?:^|\.)cond_seq_linear\.weight$|(?:^|\.)joint_transformer_blocks\.\d+\.attn\.add_k_proj\./],
  ['sd3', /(?:^|\.)joint_blocks\.\d+\.context_block\.|(?:^|\.)transformer_blocks\.\d+\.norm1_context\./],
  ['qwen-image', /(?:^|\.)transformer_blocks\.\d+\.img_mod\.1\.weight$/],
  ['hidream', /(?:^|\.)double_stream_blocks\.\d+\.block\.attn1\./],
  ['pixart', /(?:^|\.)blocks\.\d+\.cross_attn\.kv_linear\.|(?:^|\.)adaln_single\.emb\.resolution_embedder\.|(?:^|\.)y_embedder\.y_proj\./],
  ['hunyuan-dit', /(?:^|\.)(?:mlp_t5\.0\.weight|text_embedding_padding)$/],
  ['z-image', /(?:^|\.)cap_pad_token$/],
  ['lumina', /(?:^|\.)(?:cap_embedder\.1|noise_refiner\.0\.attention\.qkv)\.weight$|(?:^|\.)time_caption_embed\.caption_embedder\.1\.weight$/],
  ['ltx-video', /(?:^|\.)patchify_proj\.weight$/],
  ['wan', /(?:^|\.)blocks\.\d+\.cross_attn\.norm_k\.weight$|(?:^|\.)condition_embedder\.time_embedder\.linear_1\.weight$/],
  ['mochi', /(?:^|\.)t5_yproj\.weight$/],
  ['cogvideox', /(?:^|\.)patch_embed\.text_proj\.weight$/],
  ['sana', /(?:^|\.)transformer_blocks\.\d+\.ff\.conv_inverted\.weight$|(?:^|\.)blocks\.\d+\.mlp\.inverted_conv\.conv\.weight$/],
  ['stable-audio', /(?:^|\.)transformer\.rotary_pos_emb\.inv_freq$/],
  ['ace-step', /(?:^|\.)genre_embedder\.weight$/],
  ['cosmos', /(?:^|\.)blocks\.block0\.blocks\.0\.|(?:^|\.)blocks\.0\.adaln_modulation_self_attn\.1\.weight$/],
  // A diffusers PixArt at 512 pixels has no resolution embedder; LTX was excluded above.
  ['pixart', /(?:^|\.)adaln_single\.linear\.weight$/],
];

export function otherFamily(file: WeightFile): string | null {
  return signs.find(([, sign]) => hasName(file, sign))?.[0] ?? null;
}

/** What lies in the same folders and is none of the kinds that a report names. */
const strangers: readonly (readonly [id: string, family: string | null, sign: RegExp])[] = [
  ['gligen', 'sd1', /(?:^|\.)position_net\./],
  ['face-restorer', null, /^stylegan_decoder\w*\.|^quantize\.embedding\.weight$/],
  ['photomaker', 'sdxl', /^id_encoder\./],
  ['safety-checker', null, /(?:^|\.)special_care_embeds(?:_weights)?$/],
  ['depth-estimator', null, /^(?:depth_head\.|pretrained\.model\.|scratch\.refinenet)/],
  ['segmenter', null, /^(?:mask_decoder|sam_mask_decoder)\./],
  ['captioner', null, /^(?:text_decoder\.bert|language_model\.model\.decoder)\./],
];

/** What an unknown file is all the same, as an id that has words, and the family that it was made for. */
export function strangerIn(file: WeightFile): { id: string; family: string | null } | null {
  const [id, family] = strangers.find(([, , sign]) => hasName(file, sign)) ?? [];
  return id === undefined ? null : { id, family: family ?? null };
}
