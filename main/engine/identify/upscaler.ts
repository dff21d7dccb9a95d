// Upscalers and their factor, by what the networks' definitions name their layers: ESRGAN in three layouts, Real-ESRGAN's compact network,
// the window transformers (SwinIR, HAT, DAT, …) and the small networks that end in one pixel shuffle (SPAN, PLKSR, …).
import type { WeightFile } from '../weights/source';
import { countDistinct, firstShape, hasName, shapeOf, type Detector } from './types';

export const findUpscaler: Detector = (file) => {
  const scale = esrganScale(file) ?? compactScale(file) ?? transformerScale(file) ?? cuganScale(file) ?? shuffleScale(file);
  if (scale === null) return null;
  return { kind: 'upscaler', family: null, confidence: 0.95, ...(Number.isInteger(scale) && scale > 0 && { scale }) };
};

/** How much smaller a picture is made before the first layer, by folding it into channels (pixel unshuffle). */
const foldOf = (inputs: number, outputs: number): number => (inputs % outputs === 0 ? Math.sqrt(inputs / outputs) : 1);

/** Each upsampling layer doubles. Real-ESRGAN's ×2 and ×1 models fold the picture first, which shows in the first layer's inputs: 3·4 and 3·16. */
function esrganScale(file: WeightFile): number | null {
  const old = hasName(file, /^model\.1\.sub\.0\.RDB1\.conv1(?:\.0|x1)\.weight$/i);
  if (!old && !hasName(file, /^(?:body|RRDB_trunk)\.0\.rdb1\.conv1\.weight$/i)) return null;
  // The old layout numbers its layers: first, trunk, one per doubling, then two to finish.
  const layers = [...file.tensors.keys()].flatMap((name) => Number(/^model\.(\d+)\.weight$/.exec(name)?.[1] ?? NaN)).filter(Number.isInteger);
  const doublings = old ? layers.length - 3 : countDistinct(file, /^(?:conv_up|upconv)(\d+)\.weight$/);
  const inputs = shapeOf(file, old ? 'model.0.weight' : 'conv_first.weight')?.[1] ?? 3;
  const outputs = shapeOf(file, old ? `model.${Math.max(...layers)}.weight` : 'conv_last.weight')?.[0] ?? 3;
  return 2 ** doublings / foldOf(inputs, outputs);
}

/** SRVGG: the last layer makes scale² pixels of every colour that comes in. */
function compactScale(file: WeightFile): number | null {
  const first = shapeOf(file, 'body.0.weight');
  if (first?.length !== 4 || first[1]! > 4 || shapeOf(file, 'body.1.weight')?.length !== 1) return null;
  return Math.sqrt(lastOf(file, /^body\.(\d+)\.weight$/)! / first[1]!);
}

/** Outputs of the last convolution among numbered layers. */
function lastOf(file: WeightFile, pattern: RegExp): number | undefined {
  const layers = [...file.tensors.values()].filter(({ name, shape }) => shape.length === 4 && pattern.test(name));
  return layers.toSorted((a, b) => Number(pattern.exec(a.name)![1]) - Number(pattern.exec(b.name)![1])).at(-1)?.shape[0];
}

/** SwinIR, Swin2SR, HAT, DAT, RGT, ATD, DRCT, GRL, SRFormer: four ways to end, which they share. Without upsampling they clean a picture. */
function transformerScale(file: WeightFile): number | null {
  if (!hasName(file, /^layers\.0\.(?:residual_group\.(?:blocks|hf_blocks|layers)\.0|blocks\.0|swin1)\./)) return null;
  const first = shapeOf(file, 'conv_first.weight') ?? shapeOf(file, 'conv_first.1.weight'), last = shapeOf(file, 'conv_last.weight');
  if (!first) return null;
  const fold = file.tensors.has('conv_first.1.weight') ? foldOf(first[1]!, last?.[0] ?? 3) : 1;
  // By interpolation (the "real" ×4 models), by pixel shuffles one behind the other, straight to the picture's colours, or not at all.
  const doublings = countDistinct(file, /^conv_up(\d)\.weight$/);
  if (doublings > 0) return 2 ** doublings / fold;
  const shuffle = firstShape(file, /^upsample(?:\.up)?\.0\.weight$/);
  if (!shuffle) return 1 / fold;
  return (last ? shufflesOf(file, /^upsample(?:\.up)?\.\d+\.weight$/) : Math.sqrt(shuffle[0]! / first[1]!)) / fold;
}

/** Each layer makes factor² times the channels that it reads, and a pixel shuffle spreads them out. */
const shufflesOf = (file: WeightFile, pattern: RegExp): number => [...file.tensors.values()].filter(({ name }) => pattern.test(name))
  .reduce((scale, { shape }) => scale * Math.sqrt(shape[0]! / shape[1]!), 1);

/** Real-CUGAN: two U-Nets behind each other, told apart by how they end. */
function cuganScale(file: WeightFile): number | null {
  const bottom = shapeOf(file, 'unet1.conv_bottom.weight'), inputs = shapeOf(file, 'unet1.conv1.conv.0.weight')?.[1];
  if (!bottom || !hasName(file, /^unet2\.conv_bottom\.weight$/)) return null;
  const final = shapeOf(file, 'conv_final.weight');
  if (final) return final[0] === inputs ? 2 : 4;
  return bottom[2] === 5 ? 3 : 2;
}

interface ShuffleNetwork { readonly sign: RegExp; readonly first: string; /** Its last layer; numbered where it stands among others. */ readonly last: RegExp }

/** One layer makes scale² pixels of every colour. */
const shuffleNetworks: readonly ShuffleNetwork[] = [
  { sign: /^block_1\.c1_r\.(?:sk|eval_conv)\.weight$/, first: 'conv_1.sk.weight', last: /^upsampler\.(0)\.weight$/ },                    // SPAN
  { sign: /^residual_layer\.0\.residual_layer\.0\.layer\.0\.fn\.0\.weight$/, first: 'input.weight', last: /^up\.(0)\.weight$/ },      // OmniSR
  { sign: /^feats\.1\.channe(?:l)?_mixer\.0\.weight$/, first: 'feats.0.weight', last: /^feats\.(\d+)\.weight$/ },                     // PLKSR
  { sign: /^feats\.0\.safm\.mfr\.0\.weight$/, first: 'to_feat.weight', last: /^to_img\.(0)\.weight$/ },                               // SAFMN
  { sign: /^UFONE\.0\.ITLs\.0\.attn\.temperature$/, first: 'sft.weight', last: /^upsample\.(0)\.weight$/ },                           // DITN
  { sign: /^body\.0\.local_block\.norm_1\.weight$/, first: 'conv_1.weight', last: /^upsampler\.(0)\.weight$/ },                       // SeemoRe
  { sign: /^gblocks\.1\.fc1\.weight$/, first: 'gblocks.0.weight', last: /^upsampler\.(0)\.weight$/ },                                 // MoSR
];

/** 0 where the factor cannot be told. RCAN ends in several shuffles. */
function shuffleScale(file: WeightFile): number | null {
  if (hasName(file, /^body\.0\.body\.0\.body\.3\.conv_du\.0\.weight$/)) {
    const fold = foldOf(shapeOf(file, 'head.1.weight')?.[1] ?? 3, shapeOf(file, 'tail.1.weight')?.[0] ?? 3);
    return shufflesOf(file, /^tail\.0\.\d+\.weight$/) / fold;
  }
  const network = shuffleNetworks.find(({ sign }) => hasName(file, sign));
  if (!network) return null;
  const colours = shapeOf(file, network.first)?.[1], outputs = lastOf(file, network.last);
  return colours && outputs ? Math.sqrt(outputs / colours) : 0;
}
