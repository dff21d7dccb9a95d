// The parts that stand beside a U-Net: autoencoders, text encoders, image encoders, TAESD. Each finds itself under any checkpoint's prefix.
import type { WeightFile } from '../weights/source';
import { contextFamilies, firstShape, hasName, shapeOf, type Found } from './types';

/** Autoencoders of other families, by a tensor that only they have. Films' have kernels over time. */
const otherVaes: readonly (readonly [family: string | null, sign: RegExp])[] = [
  ['cascade', /^vquantizer\.codebook\.weight$/], ['svd', /(?:^|\.)decoder\.mid(?:\.block_1\.mix_factor|_block\.resnets\.0\.temporal_res_block\.)/],
  ['wan', /(?:^|\.)decoder\.middle\.0\.residual\.0\.gamma$/], ['ltx-video', /(?:^|\.)decoder\.up_blocks\.\d+\.res_blocks\.\d+\.conv1\.conv\.weight$/],
  ['sana', /(?:^|\.)decoder\.up_blocks\.\d+\.\d+\.(?:attn\.to_qkv_multiscale|conv_out\.conv_inverted)\./], [null, /(?:^|\.)decoder\.conv_in\.conv\.weight$/],
];

/** KL autoencoder, LDM or diffusers names. SD 1, SD 2 and SDXL share keys and shapes, and so do SD 3 and Flux: no family is named. */
export function findVae(file: WeightFile): Found | null {
  const other = otherVaes.find(([, sign]) => hasName(file, sign));
  if (other) return { kind: 'vae', family: other[0], confidence: 0.9 };
  const latents = firstShape(file, /(?:^|\.)decoder\.conv_in\.weight$/);
  const isVae = latents?.length === 4 && hasName(file, /(?:^|\.)decoder\.(?:up\.\d+\.block|up_blocks\.\d+\.resnets)\./);
  return isVae ? { kind: 'vae', family: latents[1] === 32 ? 'flux2' : null, confidence: 0.95 } : null;
}

/** TAESD, its encoder or decoder alone or together. TAESD and TAESDXL are identical in names and shapes. */
export function findTaesd(file: WeightFile): Found | null {
  const bare = /^(?:taesd_(?:en|de)coder\.|(?:en|de)coder\.(?:layers\.)?)?\d+\.(?:weight|bias|conv\.\d+\.(?:weight|bias)|skip\.weight)$/;
  const names = [...file.tensors.keys()];
  const isTaesd = names.length > 20 && names.every((name) => bare.test(name) || name.endsWith('vae_scale') || name.endsWith('vae_shift'))
    && hasName(file, /(?:^|\.)\d+\.conv\.4\.weight$/);
  return isTaesd ? { kind: 'taesd', family: null, confidence: 0.95 } : null;
}

const otherTextEncoders: readonly (readonly [family: string | null, sign: RegExp])[] = [
  [null, /(?:^|\.)encoder\.block\.0\.layer\.0\.SelfAttention\.q\.weight$/],                          // T5
  ['kolors', /(?:^|\.)encoder\.layers\.0\.self_attention\.query_key_value\.weight$/],                // ChatGLM
  [null, /^(?!.*(?:vision|visual)).*(?:^|\.)layers\.0\.self_attn\.q_proj\.weight$/],                    // Gemma, Llama, Qwen: language models
];

/** The text tower's own prefix tells the family, else its width: CLIP-L 768 serves SD 1 and SDXL alike. */
export function findTextEncoder(file: WeightFile): Found | null {
  const clip = firstShape(file, /(?:^|\.)(?:text_model|cond_stage_model\.transformer)\.encoder\.layers\.0\.self_attn\.q_proj\.weight$/)
    ?? (file.tensors.has('embeddings.token_embedding.weight') ? shapeOf(file, 'encoder.layers.0.self_attn.q_proj.weight') : undefined);
  const openClip = firstShape(file, /(?:^|\.)transformer\.resblocks\.0\.attn\.in_proj_weight$/);
  const width = clip?.[1] ?? openClip?.[1];
  if (width === undefined || (openClip && !hasName(file, /(?:^|\.)token_embedding\.weight$/))) {
    const other = otherTextEncoders.find(([, sign]) => hasName(file, sign));
    return other ? { kind: 'text-encoder', family: other[0], confidence: 0.8 } : null;
  }
  if (hasName(file, /^conditioner\.embedders\./)) return { kind: 'text-encoder', family: 'sdxl', confidence: 0.9 };
  if (hasName(file, /^cond_stage_model\./)) return { kind: 'text-encoder', family: clip ? 'sd1' : 'sd2', confidence: 0.95 };
  return { kind: 'text-encoder', family: width === 1280 ? 'sdxl' : contextFamilies[width] ?? null, confidence: width === 1024 ? 0.9 : 0.6 };
}

/** CLIP's image tower, alone or with the text tower (as it was published), and SigLIP's. */
export function findClipVision(file: WeightFile): Found | null {
  const isVision = firstShape(file, /^(?:image_encoder\.|clip_vision\.|clip\.)?(?:vision_model\.embeddings\.(?:class_embedding|patch_embedding\.weight)|visual\.class_embedding)$/)
    ?? firstShape(file, /^(?:image_encoder\.|clip_vision\.|embedder\.model\.)\S*class_embedding$/);
  return isVision ? { kind: 'clip-vision', family: null, confidence: 0.95 } : null;
}
