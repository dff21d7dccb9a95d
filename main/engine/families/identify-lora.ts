// LoRA and its relatives (LyCORIS): algorithm, rank, how many layers they change, and which base model they fit.
import type { Dims } from '../tensor';
import type { WeightFile } from '../weights/source';
import { mostCommon } from './expected-sizes';
import { familyFromMetadata } from './identify-metadata';
import { contextFamilies, hasName, type Detector } from './identify-types';

/** A tensor's name in two: the layer it changes, and its role there. */
const role = new RegExp(`^(.+?)[._](${[
  'lora_(?:down|up|mid)\\.weight', 'lora(?:_linear_layer)?\\.(?:down|up)\\.weight', 'lora_[AB](?:\\.[^.]+)?(?:\\.weight)?', 'hada_[wt][12](?:_[ab])?', 'lokr_[wt][12](?:_[ab])?',
  '[ab][12]\\.weight', 'oft_blocks', 'oft_diag', 'dora_scale', 'diff(?:_b)?', 'set_weight', 'w_norm', 'b_norm', 'on_input', 'alpha', 'rescale', 'reshape_weight',
].join('|')})$`);

type Layers = Map<string, Map<string, Dims>>;

function layersOf(file: WeightFile): Layers {
  const layers: Layers = new Map();
  for (const { name, shape } of file.tensors.values()) {
    const [, layer, part] = role.exec(name) ?? [];
    if (!layer || !part) continue;
    if (!layers.has(layer)) layers.set(layer, new Map());
    layers.get(layer)!.set(part, shape);
  }
  return layers;
}

export const findLora: Detector = (file) => {
  const layers = layersOf(file);
  const parts = [...layers.values()].reduce((n, layer) => n + layer.size, 0);
  // In IA³ only the flags are named; bundled embeddings may stand beside a LoRA. A checkpoint with a stray key is no LoRA.
  if (parts === 0 || parts < 0.45 * file.tensors.size) return null;
  const algorithm = algorithmOf(layers);
  const rank = mostCommon([...layers.values()].map(rankOf));
  return { kind: 'lora', algorithm, ...(rank && { rank }), modules: layers.size, ...loraFamily(file, layers) };
};

/** The narrowest name that fits: a file may mix, as LyCORIS does with linear and convolution layers. */
function algorithmOf(layers: Layers): string {
  const some = (pattern: RegExp, test: (dims: Dims) => boolean = () => true): boolean =>
    [...layers.values()].some((layer) => [...layer].some(([part, dims]) => pattern.test(part) && test(dims)));
  if (some(/^dora_scale$/)) return 'dora';
  if (some(/^oft_/)) return some(/^oft_/, (dims) => dims.length === 4) ? 'boft' : 'oft';
  if (some(/^a1\.weight$/) && some(/^b1\.weight$/)) return 'glora';
  if (some(/^lokr_/)) return 'lokr';
  if (some(/^hada_/)) return 'loha';
  if (some(/^on_input$/)) return 'ia3';
  if (!some(/lora|^(?:down|up)/)) return 'full';
  return some(/lora_mid/) || some(/down|lora_A/, (dims) => (dims[2] ?? 1) > 1) ? 'locon' : 'lora';
}

function rankOf(layer: ReadonlyMap<string, Dims>): number | undefined {
  for (const [part, dims] of layer) {
    if (/down\.weight$|^lora_A|^hada_w[12]_b$|^lokr_w[12]_b$/.test(part)) return dims[0];
    if (part === 'a1.weight') return Math.min(...dims.slice(0, 2));
  }
  return undefined;
}

/** Inputs of the changed layer, where the adapter's own shapes show them. */
function inputWidth(layer: ReadonlyMap<string, Dims>): number | undefined {
  const columns = (part: string): number | undefined => layer.get(part)?.[1] ?? layer.get(`${part}_b`)?.[1];
  for (const [part, dims] of layer) {
    if (/down\.weight$|^lora_A|^hada_w1_b$|^diff$/.test(part)) return dims[1];
    if (part === 'a1.weight') return Math.max(...dims.slice(0, 2));
  }
  const [w1, w2] = [columns('lokr_w1'), columns('lokr_w2')];
  return w1 && w2 ? w1 * w2 : undefined;
}

const otherFamilies: readonly (readonly [string, RegExp])[] = [
  ['flux', /double_blocks[._]|single_blocks[._]|single_transformer_blocks[._]/],
  ['sd3', /joint_blocks[._]|transformer[._]transformer_blocks[._]\d+[._]attn[._]add_k_proj/],
  ['cascade', /^lora_prior_/],
  ['qwen-image', /transformer_blocks[._]\d+[._]img_mod/],
  ['pixart', /adaln_single|cross_attn[._]kv_linear/],
  ['wan', /blocks[._]\d+[._]cross_attn[._][qkvo][._]/],
];

/** Widths decide, then metadata, then structure: names alone are shared between SD 1 and SD 2. */
function loraFamily(file: WeightFile, layers: Layers): { family: string | null; confidence: number } {
  const other = otherFamilies.find(([, sign]) => hasName(file, sign));
  if (other) return { family: other[0], confidence: 0.95 };
  const widthOf = (pattern: RegExp): number | undefined => mostCommon([...layers].filter(([name]) => pattern.test(name)).map(([, layer]) => inputWidth(layer)));
  const byContext = contextFamilies[widthOf(/attn2(?:[._]processor)?[._]to_[kv]$/) ?? 0];
  if (byContext) return { family: byContext, confidence: 0.99 };
  const claimed = familyFromMetadata(file.metadata);
  if (claimed) return { family: claimed, confidence: 0.9 };
  if (hasName(file, /^lora_te[12]_|^text_encoder_2\.|^lora_unet_(?:input|output)_blocks_/)) return { family: 'sdxl', confidence: 0.9 };
  const byText = contextFamilies[widthOf(/(?:^lora_te_|^text_encoder\.|^lycoris_text).*q_proj$/) ?? 0];
  if (byText) return { family: byText, confidence: 0.9 };
  if (hasName(file, /transformer_blocks[._][2-9][._]/)) return { family: 'sdxl', confidence: 0.7 };
  // 1×1 convolutions at a transformer's entrance are SD 1's; LoHa and LoKr flatten them, so a flat one says nothing there.
  const projection = [...layers].find(([name]) => /proj_in$/.test(name))?.[1];
  if (projection && [...projection.values()].some((dims) => dims.length === 4)) return { family: 'sd1', confidence: 0.9 };
  if (projection && [...projection.keys()].some((part) => /^lora/.test(part))) return { family: 'sd2', confidence: 0.6 };
  // SDXL has no transformers at full resolution. What has them is SD 1 or SD 2, and far more often SD 1.
  return hasName(file, /(?:down_blocks[._]0|up_blocks[._]3)[._]attentions/) ? { family: 'sd1', confidence: 0.6 } : { family: null, confidence: 0.8 };
}
