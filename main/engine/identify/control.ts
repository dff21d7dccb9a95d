// What steers a U-Net from beside it: ControlNet in its many layouts, T2I-Adapter, IP-Adapter, motion modules.
import type { WeightFile } from '../weights/source';
import { contextFamilies, countDistinct, firstShape, hasName, shapeOf, type Detector } from './types';
import { unetFacts, unetFamily } from './unet';

/** ControlNets of transformers and of Cascade: the layers that lead out of them. What stands beside these tells the family; the first match wins. */
const otherOutputs = /^(?:controlnet_blocks\.0\.(?:linear\.)?weight|control_blocks\.0\.after_proj\.weight|after_proj_list\.\d+\.bias|projections\.0\.0\.weight)$/;
const otherControlNets: readonly (readonly [family: string, sign: RegExp])[] = [
  ['hunyuan-dit', /^after_proj_list\./], ['cascade', /^projections\./], ['qwen-image', /^(?:transformer_blocks\.\d+\.img_mlp|control_blocks)\./], ['sd3', /^pos_embed_input\.proj\./], ['flux', /^controlnet_blocks\./],
];

export const findControlNet: Detector = (file) => {
  if (hasName(file, /^lllite_/)) return { kind: 'controlnet', family: liteFamily(file), confidence: 0.9 };
  const other = hasName(file, otherOutputs) && otherControlNets.find(([, sign]) => hasName(file, sign));
  if (other) return { kind: 'controlnet', family: other[0], confidence: 0.9 };
  if (file.tensors.has('lora_controlnet')) {
    // Its layers are pairs, down and up, without the word "weight".
    const family = contextFamilies[firstShape(file, /attn2\.to_k\.down$/)?.[1] ?? 0] ?? null;
    return { kind: 'controlnet', family, confidence: family ? 0.95 : 0.8 };
  }
  const isControlNet = hasName(file, /^(?:control_model\.)?(?:zero_convs\.0\.0|input_hint_block\.0)\.weight$/)
    || hasName(file, /^(?:controlnet_cond_embedding\.conv_in|controlnet_down_blocks\.0|controlnet_mid_block)\.weight$/);
  if (!isControlNet) return null;
  const facts = unetFacts(file, 'control_model.') ?? unetFacts(file, '');
  const kinds = firstShape(file, /^(?:control_model\.)?task_embedding$/)?.[0];
  return { kind: 'controlnet', ...(facts ? unetFamily(facts) : { family: null, confidence: 0.8 }), ...(kinds !== undefined && { controlKinds: kinds }) };
};

/** LLLite stands at attention layers, and SDXL has none as narrow as SD 1's first ones. Kohya published it for SDXL alone. */
const liteFamily = (file: WeightFile): string => (hasName(file, /^lllite_unet_(?:down_blocks_0|up_blocks_3|(?:in|out)put_blocks_(?:1|2|9|10|11))_(?:attentions|1)_/) ? 'sd1' : 'sdxl');

/** The first layer sees the picture unshuffled: 3·8² channels before SD 1, 3·16² before SDXL; one colour channel instead of three for sketches. */
export const findT2iAdapter: Detector = (file) => {
  if (file.tensors.has('style_embedding') && hasName(file, /^transformer_layes\.0\./)) return { kind: 't2i-adapter', family: 'sd1', confidence: 0.9 };      // their spelling
  if (!hasName(file, /^(?:adapter\.)?body\.\d+\.(?:block1|body\.0\.block1|resnets\.0\.block1)\.weight$/)) return null;
  const inputs = firstShape(file, /^(?:adapter\.)?(?:conv_in|body\.0\.in_conv)\.weight$/)?.[1];
  const family = inputs === 192 || inputs === 64 ? 'sd1' : inputs === 768 || inputs === 256 ? 'sdxl' : null;
  return { kind: 't2i-adapter', family, confidence: family ? 0.95 : 0.7 };
};

/** One pair of key and value layers per cross-attention: SD 1 and 2 have 16, SDXL has 70. */
export const findIpAdapter: Detector = (file) => {
  if (hasName(file, /^double_blocks\.\d+\.processor\.ip_adapter_double_stream_/)) return { kind: 'ip-adapter', family: 'flux', confidence: 0.95 };
  const [width, context] = firstShape(file, /^ip_adapter\.\d+\.to_k_ip\.weight$/) ?? [];
  if (width === undefined || context === undefined) return null;
  if (width > 1280) return { kind: 'ip-adapter', family: width === 3072 ? 'flux' : 'sd3', confidence: 0.8 };      // a U-Net has no layer as wide
  const layers = countDistinct(file, /^ip_adapter\.(\d+)\.to_k_ip\.weight$/);
  const byWidth = contextFamilies[context];
  return { kind: 'ip-adapter', family: byWidth ?? (layers === 16 ? 'sd1' : layers === 70 ? 'sdxl' : null), confidence: byWidth ? 0.99 : 0.7 };
};

/** AnimateDiff, in its own and in diffusers' names, and HotShot: layers over time beside each level. SDXL has three levels, SD 1 four. */
export const findMotionModule: Detector = (file) => {
  const isMotion = hasName(file, /(?:^|\.)(?:motion_modules|temporal_attentions)\.\d+\./);
  if (!isMotion || shapeOf(file, 'conv_in.weight') || shapeOf(file, 'model.diffusion_model.input_blocks.0.0.weight')) return null;
  return { kind: 'motion-module', family: hasName(file, /(?:^|\.)down_blocks\.3\./) ? 'sd1' : 'sdxl', confidence: 0.9 };
};
