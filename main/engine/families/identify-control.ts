// What steers a U-Net from beside it: ControlNet in its many layouts, T2I-Adapter, IP-Adapter, motion modules.
import { contextFamilies, countDistinct, firstShape, hasName, shapeOf, type Detector } from './identify-types';
import { unetFacts, unetFamily } from './identify-unet';

export const findControlNet: Detector = (file) => {
  if (hasName(file, /^lllite_/)) {
    const context = firstShape(file, /^lllite_unet_.*attn2_to_k\.down\.0\.weight$/)?.[1];
    // Kohya published LLLite for SDXL alone.
    return { kind: 'controlnet', family: (context && contextFamilies[context]) || 'sdxl', confidence: 0.9 };
  }
  if (hasName(file, /(?:^|\.)(?:controlnet_blocks\.0\.weight|controlnet_x_embedder\.weight)$/)) {
    const isSd3 = hasName(file, /norm1_context|joint_blocks/) && !hasName(file, /single_(?:transformer_)?blocks/);
    return { kind: 'controlnet', family: isSd3 ? 'sd3' : 'flux', confidence: 0.8 };
  }
  const isControlNet = file.tensors.has('lora_controlnet')
    || hasName(file, /^(?:control_model\.)?(?:zero_convs\.0\.0|input_hint_block\.0)\.weight$/)
    || hasName(file, /^(?:controlnet_cond_embedding\.conv_in|controlnet_down_blocks\.0|controlnet_mid_block)\.weight$/);
  if (!isControlNet) return null;
  const facts = unetFacts(file, 'control_model.') ?? unetFacts(file, '');
  return { kind: 'controlnet', ...(facts ? unetFamily(facts) : { family: null, confidence: 0.8 }) };
};

/** The first layer sees the picture unshuffled: 3·8² channels before SD 1, 3·16² before SDXL; one colour channel instead of three for sketches. */
export const findT2iAdapter: Detector = (file) => {
  if (!hasName(file, /^(?:adapter\.)?body\.\d+\.(?:block1|body\.0\.block1|resnets\.0\.block1)\.weight$/)) return null;
  const inputs = firstShape(file, /^(?:adapter\.)?(?:conv_in|body\.0\.in_conv)\.weight$/)?.[1];
  const family = inputs === 192 || inputs === 64 ? 'sd1' : inputs === 768 || inputs === 256 ? 'sdxl' : null;
  return { kind: 't2i-adapter', family, confidence: family ? 0.95 : 0.7 };
};

/** One pair of key and value layers per cross-attention: SD 1 and 2 have 16, SDXL has 70. */
export const findIpAdapter: Detector = (file) => {
  const context = firstShape(file, /^ip_adapter\.\d+\.to_k_ip\.weight$/)?.[1];
  if (context === undefined) return null;
  const layers = countDistinct(file, /^ip_adapter\.(\d+)\.to_k_ip\.weight$/);
  const byWidth = contextFamilies[context];
  return { kind: 'ip-adapter', family: byWidth ?? (layers === 16 ? 'sd1' : layers === 70 ? 'sdxl' : null), confidence: byWidth ? 0.99 : 0.7 };
};

/** AnimateDiff and HotShot: layers over time beside each level. SDXL has three levels, SD 1 four. */
export const findMotionModule: Detector = (file) => {
  const isMotion = hasName(file, /(?:^|\.)motion_modules\.\d+\.temporal_transformer\.|(?:^|\.)temporal_attentions\.\d+\./);
  if (!isMotion || shapeOf(file, 'conv_in.weight') || shapeOf(file, 'model.diffusion_model.input_blocks.0.0.weight')) return null;
  return { kind: 'motion-module', family: hasName(file, /(?:^|\.)down_blocks\.3\./) ? 'sd1' : 'sdxl', confidence: 0.9 };
};
