// Upscalers and their factor. ESRGAN in three layouts, Real-ESRGAN's compact network, SwinIR, HAT and DAT.
import type { WeightFile } from '../weights/source';
import { countDistinct, firstShape, hasName, shapeOf, type Detector } from './identify-types';

export const findUpscaler: Detector = (file) => {
  const scale = esrganScale(file) ?? compactScale(file) ?? transformerScale(file);
  return scale === null ? null : { kind: 'upscaler', family: null, confidence: 0.95, ...(scale > 0 && { scale }) };
};

/** Each upsampling layer doubles. ×2 and ×1 models fold the picture first (pixel unshuffle), which shows in the first layer's inputs: 3·4 and 3·16. */
function esrganScale(file: WeightFile): number | null {
  const old = hasName(file, /^model\.1\.sub\.0\.RDB1\.conv1\.0\.weight$/i);
  if (!old && !hasName(file, /^(?:body|RRDB_trunk)\.0\.rdb1\.conv1\.weight$/i)) return null;
  // The old layout numbers its layers: first, trunk, one per doubling, then two to finish.
  const doublings = old ? countDistinct(file, /^model\.(\d+)\.weight$/) - 3 : countDistinct(file, /^(?:conv_up|upconv)(\d+)\.weight$/);
  const inputs = shapeOf(file, old ? 'model.0.weight' : 'conv_first.weight')?.[1] ?? 3;
  const fold = inputs % 3 === 0 ? Math.sqrt(inputs / 3) : 1;
  return 2 ** doublings / fold;
}

/** SRVGG: the last layer makes 3·scale² channels. */
function compactScale(file: WeightFile): number | null {
  const first = shapeOf(file, 'body.0.weight');
  if (first?.length !== 4 || first[1] !== 3 || !file.tensors.has('body.1.weight')) return null;
  const layers = [...file.tensors.values()].filter((t) => /^body\.\d+\.weight$/.test(t.name) && t.shape.length === 4);
  const outputs = layers.toSorted((a, b) => Number(a.name.split('.')[1]) - Number(b.name.split('.')[1])).at(-1)!.shape[0]!;
  return Math.sqrt(outputs / 3);
}

/** 0 where the factor cannot be told. SwinIR's "real" ×4 doubles by interpolation (conv_up1, conv_up2) and has no pixel shuffle. */
function transformerScale(file: WeightFile): number | null {
  if (!hasName(file, /^layers\.0\.(?:residual_group\.blocks|blocks)\.0\.(?:attn|norm1)\./) || !file.tensors.has('conv_first.weight')) return null;
  const doublings = countDistinct(file, /^conv_up(\d)\.weight$/);
  if (doublings > 0) return 2 ** doublings;
  const shuffles = countDistinct(file, /^upsample\.(\d+)\.weight$/);
  const first = firstShape(file, /^upsample\.0\.weight$/);
  if (!first) return 0;
  if (shuffles > 1) return 2 ** shuffles;
  // One shuffle: ×2 or ×3 of the features, or straight to the picture's 3 channels.
  const factor = Math.sqrt(first[0]! / first[1]!);
  return file.tensors.has('conv_last.weight') ? Math.round(factor) : Math.round(Math.sqrt(first[0]! / 3));
}
