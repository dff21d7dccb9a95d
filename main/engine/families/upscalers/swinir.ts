// SwinIR: transformers over windows of the picture, every second one shifted by half a window. Liang et al. 2021, arXiv:2108.10257. It ends in one of four
// ways: by interpolation (the "real-world" models), by pixel shuffles, straight by one (the light models), or at the picture's own size (cleaning).
import { Graph, type Value } from '../../graph/graph';
import { add, concat, conv, gelu, layerNorm, leakyRelu, linear, mul, pixelShuffle, reshape, slice, transpose, upsample, toTokens, fromTokens } from '../../nn/layers';
import { Weights, type WeightSource } from '../../nn/weights';
import type { WeightFile } from '../../weights/source';
import type { PictureSize } from './network';

type Ending = 'interpolation' | 'shuffles' | 'shuffle' | 'none';

export interface SwinSizes {
  readonly colors: number;
  readonly width: number;
  /** Of each layer. */
  readonly depths: readonly number[];
  readonly heads: readonly number[];
  readonly mlp: number;
  readonly window: number;
  /** A layer's last convolution is one, or three with a narrow middle. */
  readonly convolutions: 1 | 3;
  /** Whether tokens are normed before the first layer. */
  readonly normed: boolean;
  readonly ending: Ending;
  /** Of the layers that end it; 0 where there are none. */
  readonly features: number;
  /** Factors of the shuffles, or 2 a doubling. */
  readonly factors: readonly number[];
}

/** undefined where the file has no such network: kin of it (Swin2SR, HAT, DAT, …) have other attentions. */
export function swinSizes({ tensors }: WeightFile): SwinSizes | undefined {
  const shape = (name: string): readonly number[] | undefined => tensors.get(name)?.shape;
  const layer = (i: number, block: number): string => `layers.${i}.residual_group.blocks.${block}`;
  const table = (i: number, block: number): readonly number[] | undefined => shape(`${layer(i, block)}.attn.relative_position_bias_table`);
  const first = shape('conv_first.weight'), hidden = shape(`${layer(0, 0)}.mlp.fc1.weight`), [side] = table(0, 0) ?? [];
  if (first?.length !== 4 || !hidden || !side || !shape(`${layer(0, 0)}.attn.qkv.weight`)) return undefined;
  const [width, colors] = first as [number, number], depths: number[] = [], heads: number[] = [];
  for (let i = 0; table(i, 0); i++) {
    let depth = 0;
    while (table(i, depth)) depth++;
    depths.push(depth);
    heads.push(table(i, 0)![1]!);
  }
  const doublings = [1, 2, 3].filter((i) => shape(`conv_up${i}.weight`)).map(() => 2);
  const shuffles = [0, 2, 4].flatMap((i) => { const own = shape(`upsample.${i}.weight`); return own ? [Math.sqrt(own[0]! / own[1]!)] : []; });
  const [straight] = shape('upsample.0.weight') ?? [], last = shape('conv_last.weight');
  const ending: Ending = doublings.length > 0 ? 'interpolation' : straight === undefined ? 'none' : last ? 'shuffles' : 'shuffle';
  return {
    colors, width, depths, heads, mlp: hidden[0]!, window: (Math.sqrt(side) + 1) / 2, convolutions: shape('conv_after_body.weight') ? 1 : 3,
    normed: shape('patch_embed.norm.weight') !== undefined, ending, features: shape('conv_before_upsample.0.weight')?.[0] ?? 0,
    factors: ending === 'interpolation' ? doublings : ending === 'shuffles' ? shuffles : ending === 'shuffle' ? [Math.sqrt(straight! / colors)] : [],
  };
}

/** The mean of the pictures that it was trained on (DIV2K), which is taken off. Grey ones have none. */
const MEAN = [0.4488, 0.4371, 0.404];

/** Input `image` [B, C, H, W] in 0…1, sides multiples of the window. Output `upscaled` [B, C, s·H, s·W], not clamped. */
export function buildSwin(source: WeightSource, sizes: SwinSizes, { batch, height, width: across }: PictureSize): Graph {
  const { colors, width, depths, normed, convolutions } = sizes;
  const g = new Graph('swinir'), w = new Weights(g, source);
  const image = g.input('image', 'float32', [batch, colors, height, across]);
  const mean = g.constant('float32', [1, colors, 1, 1], Float32Array.from({ length: colors }, (_, c) => (colors === 3 ? MEAN[c]! : 0)));
  const centred = g.apply('Sub', [image, mean]), first = conv(g, w.at('conv_first'), centred, width);
  const place = placeOf(g, sizes, height, across);
  let tokens = toTokens(g, first);
  if (normed) tokens = layerNorm(g, w.at('patch_embed.norm'), tokens);
  depths.forEach((depth, i) => {
    const before = tokens, at = w.at(`layers.${i}`);
    for (let block = 0; block < depth; block++) tokens = swinBlock(g, at.at(`residual_group.blocks.${block}`), tokens, sizes, place, { heads: sizes.heads[i]!, shift: block % 2 ? Math.floor(sizes.window / 2) : 0 });
    tokens = add(g, toTokens(g, convolved(g, at.at('conv'), fromTokens(g, tokens, height, across), width, convolutions)), before);
  });
  const body = fromTokens(g, layerNorm(g, w.at('norm'), tokens), height, across);
  const h = add(g, convolved(g, w.at('conv_after_body'), body, width, convolutions), first);
  g.output('upscaled', add(g, ended(g, w, h, centred, sizes), mean));
  return g;
}

function ended(g: Graph, w: Weights, h: Value, centred: Value, { ending, colors, features, factors }: SwinSizes): Value {
  const last = (x: Value): Value => conv(g, w.at('conv_last'), x, colors);
  if (ending === 'none') return add(g, centred, last(h));
  if (ending === 'shuffle') return pixelShuffle(g, conv(g, w.at('upsample.0'), h, colors * factors[0]! ** 2), factors[0]!);
  let x = leakyRelu(g, conv(g, w.at('conv_before_upsample.0'), h, features), 0.01);
  if (ending === 'shuffles') {
    factors.forEach((factor, i) => { x = pixelShuffle(g, conv(g, w.at(`upsample.${2 * i}`), x, features * factor ** 2), factor); });
    return last(x);
  }
  factors.forEach((factor, i) => { x = leakyRelu(g, conv(g, w.at(`conv_up${i + 1}`), upsample(g, x, x.dims[2]! * factor, x.dims[3]! * factor), features), 0.2); });
  return last(leakyRelu(g, conv(g, w.at('conv_hr'), x, features), 0.2));
}

function convolved(g: Graph, w: Weights, x: Value, width: number, convolutions: 1 | 3): Value {
  if (convolutions === 1) return conv(g, w, x, width);
  const narrow = Math.floor(width / 4);
  const h = leakyRelu(g, conv(g, w.at(2), leakyRelu(g, conv(g, w.at(0), x, narrow), 0.2), narrow, { kernel: 1 }), 0.2);
  return conv(g, w.at(4), h, width);
}

/** What all blocks read of where windows and their pixels lie. */
interface Place {
  readonly height: number;
  readonly across: number;
  /** Row of the bias table for each pair of a window's pixels: int64 [w⁴]. */
  readonly pairs: Value;
  /** Added to the scores of shifted windows, so that what came round from the other edge is not looked at: [windows, 1, w², w²]. */
  readonly apart: Value;
}

function placeOf(g: Graph, { window: w }: SwinSizes, height: number, across: number): Place {
  const n = w * w, pairs = new BigInt64Array(n * n), [down, right] = [height / w, across / w];
  const kept = w - Math.floor(w / 2);
  // A shifted window is cut by the picture's edge when it is the last of its row or column: four kinds, of which 0 is not cut.
  const kinds = new Float32Array(4 * n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const [yi, xi, yj, xj] = [Math.floor(i / w), i % w, Math.floor(j / w), j % w];
      pairs[i * n + j] = BigInt((yi - yj + w - 1) * (2 * w - 1) + (xi - xj + w - 1));
      for (let kind = 1; kind < 4; kind++) {
        const cutDown = kind >= 2 && (yi < kept) !== (yj < kept), cutRight = kind % 2 === 1 && (xi < kept) !== (xj < kept);
        if (cutDown || cutRight) kinds[(kind * n + i) * n + j] = -100;
      }
    }
  }
  const kindOf = BigInt64Array.from({ length: down * right }, (_, i) => BigInt((Math.floor(i / right) === down - 1 ? 2 : 0) + (i % right === right - 1 ? 1 : 0)));
  const table = g.constant('float32', [4, n * n], kinds);
  return {
    height, across, pairs: g.constant('int64', [n * n], pairs),
    apart: reshape(g, g.apply('Gather', [table, g.constant('int64', [down * right], kindOf)]), [down * right, 1, n, n]),
  };
}

/** tokens [B, H·W, C] → the same shape. */
function swinBlock(g: Graph, w: Weights, tokens: Value, sizes: SwinSizes, place: Place, { heads, shift }: { heads: number; shift: number }): Value {
  const [batch, , c] = tokens.dims as [number, number, number], { height, across } = place;
  return g.within(w.path, () => {
    const map = reshape(g, layerNorm(g, w.at('norm1'), tokens), [batch, height, across, c]);
    const windows = toWindows(g, rolled(g, map, shift), sizes.window);
    const seen = fromWindows(g, windowAttention(g, w.at('attn'), windows, { batch, heads, place, isShifted: shift > 0 }), [batch, height, across, c], sizes.window);
    const h = add(g, tokens, reshape(g, rolled(g, seen, -shift), tokens.dims));
    return add(g, h, linear(g, w.at('mlp.fc2'), gelu(g, linear(g, w.at('mlp.fc1'), layerNorm(g, w.at('norm2'), h), sizes.mlp)), c));
  });
}

/** x [B·windows, w², C] → the same shape: attention of each window's pixels to each other, with a learned bias by how they lie. */
function windowAttention(g: Graph, w: Weights, x: Value, { batch, heads, place, isShifted }: { batch: number; heads: number; place: Place; isShifted: boolean }): Value {
  const [all, n, c] = x.dims as [number, number, number], d = c / heads, side = Math.sqrt(n);
  const packed = linear(g, w.at('qkv'), x, 3 * c);
  const part = (i: number, perm: readonly number[]): Value => transpose(g, reshape(g, slice(g, packed, 2, i * c, (i + 1) * c), [all, n, heads, d]), perm);
  const scores = g.apply('MatMul', [mul(g, part(0, [0, 2, 1, 3]), g.scalar(1 / Math.sqrt(d))), part(1, [0, 2, 3, 1])]);                // [B·windows, heads, w², w²]
  const bias = g.apply('Gather', [w.tensor('relative_position_bias_table', [(2 * side - 1) ** 2, heads]), place.pairs]);              // [w⁴, heads]
  let h = add(g, scores, reshape(g, transpose(g, bias, [1, 0]), [1, heads, n, n]));
  if (isShifted) h = reshape(g, add(g, reshape(g, h, [batch, all / batch, heads, n, n]), place.apart), h.dims);
  const mixed = g.apply('MatMul', [g.apply('Softmax', [h], { axis: 3 }), part(2, [0, 2, 1, 3])]);                                      // [B·windows, heads, w², d]
  return linear(g, w.at('proj'), reshape(g, transpose(g, mixed, [0, 2, 1, 3]), [all, n, c]), c);
}

/** x [B, H, W, C] → [B·windows, w², C]. */
function toWindows(g: Graph, x: Value, w: number): Value {
  const [b, height, across, c] = x.dims as [number, number, number, number], [down, right] = [height / w, across / w];
  return reshape(g, transpose(g, reshape(g, x, [b, down, w, right, w, c]), [0, 1, 3, 2, 4, 5]), [b * down * right, w * w, c]);
}

function fromWindows(g: Graph, x: Value, dims: readonly [number, number, number, number], w: number): Value {
  const [b, height, across, c] = dims;
  return reshape(g, transpose(g, reshape(g, x, [b, height / w, across / w, w, w, c]), [0, 1, 3, 2, 4, 5]), dims);
}

/** Rows and columns `by` further up and left, round the edges. x [B, H, W, C]. */
function rolled(g: Graph, x: Value, by: number): Value {
  return [1, 2].reduce((value, axis) => {
    const size = value.dims[axis]!, from = (by + size) % size;
    return from === 0 ? value : concat(g, [slice(g, value, axis, from, size), slice(g, value, axis, 0, from)], axis);
  }, x);
}
