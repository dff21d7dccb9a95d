// LoRA and its relatives (LyCORIS): algorithm, rank, how many layers they change, and which base model they fit.
import { loraModules, type LoraModule, type LoraPart } from '../weights/lora/modules';
import { isNumbered } from '../weights/lora/numbered';
import type { WeightFile } from '../weights/source';
import { mostCommon } from '../families/sizes';
import { familyFromMetadata } from './metadata';
import { contextFamilies, hasName, type Detector } from './types';

export const findLora: Detector = (file) => {
  const { modules, stray } = loraModules(file);
  // Embeddings may come with a LoRA, a tensor or two each. A checkpoint with a stray key is no LoRA.
  if (modules.length === 0 || stray.length > 0.5 * file.tensors.size) return null;
  const rank = mostCommon(modules.map(rankOf));
  return { kind: 'lora', algorithm: algorithmOf(modules), ...(rank && { rank }), modules: modules.length, ...loraFamily(file, modules) };
};

/** The narrowest name that fits: a file may mix, as LyCORIS does with linear and convolution layers. */
function algorithmOf(modules: readonly LoraModule[]): string {
  const has = (...parts: LoraPart[]): boolean => modules.some((module) => parts.some((part) => module.parts[part]));
  if (has('doraScale')) return 'dora';
  if (has('oft_blocks', 'oft_diag')) return modules.some(({ algorithm }) => algorithm === 'boft') ? 'boft' : 'oft';
  if (has('a1')) return 'glora';
  if (has('lokr_w1', 'lokr_w1_a')) return 'lokr';
  if (has('hada_w1_a')) return 'loha';
  if (has('scales')) return 'ia3';
  if (!has('down', 'up')) return 'full';
  return has('mid') || modules.some(({ parts: { down } }) => (down?.shape[2] ?? 1) > 1) ? 'locon' : 'lora';
}

/** Of the factors. What has none, such as OFT and IA³, has no rank. */
function rankOf({ parts: { down, hada_w1_b, lokr_w2_b, lokr_w1_b, a1 } }: LoraModule): number | undefined {
  return (down ?? hada_w1_b ?? lokr_w2_b ?? lokr_w1_b)?.shape[0] ?? (a1 && Math.min(...a1.shape.slice(0, 2)));
}

/** Inputs of the changed layer, where the adapter's own shapes show them. */
function inputWidth({ parts: { down, hada_w1_b, diff, set_weight, a1, lokr_w1, lokr_w1_b, lokr_w2, lokr_w2_b } }: LoraModule): number | undefined {
  const [w1, w2] = [(lokr_w1 ?? lokr_w1_b)?.shape[1], (lokr_w2 ?? lokr_w2_b)?.shape[1]];
  if (w1 && w2) return w1 * w2;
  return (down ?? hada_w1_b ?? diff ?? set_weight)?.shape[1] ?? (a1 && Math.max(...a1.shape.slice(0, 2)));
}

const otherFamilies: readonly (readonly [string, RegExp])[] = [
  ['flux', /double_blocks[._]|single_blocks[._]|single_transformer_blocks[._]/],
  ['sd3', /joint_blocks[._]|transformer[._]transformer_blocks[._]\d+[._]attn[._]add_k_proj/],
  ['cascade', /^lora_prior_/],
  ['qwen-image', /transformer_blocks[._]\d+[._]img_mod/],
  // A U-Net's transformers stand in its blocks and have attn1 and attn2.
  ['sd3', /(?:^|[._])(?:transformer[._])?transformer_blocks[._]\d+[._]attn[._]add_[qkv]_proj/],
  ['pixart', /adaln_single|cross_attn[._]kv_linear/],
  ['wan', /blocks[._]\d+[._]cross_attn[._][qkvo][._]/],
];

/** Transformers alone, in diffusers' names, which a U-Net has in its blocks only and with attn1 and attn2. */
const jointTransformer = /^(?:base_model\.model\.)?(?:(?:lora_)?transformer[._])?transformer_blocks[._]\d+[._](?:attn2?|ff|ff_context|norm1|norm1_context)[._]/;
/** SD 3 medium and 3.5 medium; 3.5 large; Flux. */
const jointWidths: Readonly<Record<number, string>> = { 1536: 'sd3', 2432: 'sd3', 3072: 'flux' };

function jointFamily(file: WeightFile, modules: readonly LoraModule[]): { family: string | null; confidence: number } {
  const width = mostCommon(modules.filter(({ layer }) => /attn2?[._]to_[qkv]$/.test(layer)).map(inputWidth)) ?? mostCommon(modules.filter(({ layer }) => /(?:ff|ff_context)[._]net[._]0[._]proj$/.test(layer)).map(inputWidth));
  const family = jointWidths[width ?? 0] ?? familyFromMetadata(file.metadata);
  return { family, confidence: family ? 0.85 : 0.5 };
}

/** Widths decide, then metadata, then structure: names alone are shared between SD 1 and SD 2. */
function loraFamily(file: WeightFile, modules: readonly LoraModule[]): { family: string | null; confidence: number } {
  const other = otherFamilies.find(([, sign]) => hasName(file, sign));
  if (other) return { family: other[0], confidence: 0.95 };
  if (hasName(file, jointTransformer)) return jointFamily(file, modules);
  const widthOf = (pattern: RegExp): number | undefined => mostCommon(modules.filter(({ layer }) => pattern.test(layer)).map(inputWidth));
  const byContext = contextFamilies[widthOf(/attn2(?:[._]processor)?[._]to_[kv]$/) ?? 0];
  if (byContext) return { family: byContext, confidence: 0.99 };
  // No block of a U-Net is as wide as the context that numbered modules read.
  const numbered = modules.filter(({ layer }) => isNumbered(layer)).map(inputWidth), context = [768, 1024, 2048].find((width) => numbered.includes(width));
  if (context !== undefined) return { family: contextFamilies[context]!, confidence: 0.9 };
  const claimed = familyFromMetadata(file.metadata);
  if (claimed) return { family: claimed, confidence: 0.9 };
  if (hasName(file, /^lora_te[12]_|^text_encoder_2\.|^text_encoders\.clip_g\.|^(?:lora|oft)_unet_(?:input|output)_blocks_/)) return { family: 'sdxl', confidence: 0.9 };
  const byText = contextFamilies[widthOf(/(?:^lora_te_|^text_encoder\.|^text_encoders\.clip_[lh]\.|^lycoris_text).*(?:q_proj|to_q)$/) ?? 0];
  if (byText) return { family: byText, confidence: 0.9 };
  if (hasName(file, /transformer_blocks[._][2-9][._]/)) return { family: 'sdxl', confidence: 0.7 };
  // 1×1 convolutions at a transformer's entrance are SD 1's; LoHa and LoKr flatten them, so a flat one says nothing there.
  const projection = modules.find(({ layer }) => /proj_in$/.test(layer))?.parts ?? {};
  if (Object.entries(projection).some(([part, { shape }]) => part !== 'oft_blocks' && shape.length === 4)) return { family: 'sd1', confidence: 0.9 };
  if (projection.down) return { family: 'sd2', confidence: 0.6 };
  // SDXL has no transformers at full resolution. What has them is SD 1 or SD 2, and far more often SD 1.
  return hasName(file, /(?:down_blocks[._]0|up_blocks[._]3)[._]attentions/) ? { family: 'sd1', confidence: 0.6 } : { family: null, confidence: 0.8 };
}
