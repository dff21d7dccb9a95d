// What each word attended to: the cross-attention maps of an evaluation, where they are nearest to 16×16 places. There they show objects best
// (Hertz et al. 2022, arXiv:2208.01626, section 3.2 and its code).
import type { UnetConfig, UnetShape } from '../families/unet';
import type { Graph, Value } from '../graph/graph';
import type { AttentionSite } from '../graph/hooks';
import { float32, type Tensor } from '../tensor';
import type { Extension, UnetCall } from './extensions';

const PLACES = 16 ** 2;
const OUTPUT = 'attended ';

/** Tells the maps [rows, h', w', tokens] of each evaluation, what share of a place's attention each token has: the mean over heads and layers. Changes nothing. */
export function watchWords(tell: (shares: Tensor, call: UnetCall) => void): Extension {
  return {
    key: 'word maps',
    hooks(shape, unet) {
      const { height, width } = mapSize(shape, unet);
      return {
        attention(g, site, attend) {
          if (readsWords(site) && site.q.dims[1] === height * width) g.output(OUTPUT + site.path, g.apply('Reshape', [sharesOf(g, site)], { dims: [shape.batch, height, width, shape.tokens] }));
          return attend(site);
        },
      };
    },
    feeds: () => ({}),
    read(outputs, call) {
      const layers = Object.entries(outputs).flatMap(([name, value]) => (name.startsWith(OUTPUT) ? [value] : []));
      if (layers.length > 0) tell(mean(layers), call);
    },
  };
}

/** Whether an attention is to the text, not of the picture to itself. */
export const readsWords = ({ path }: AttentionSite): boolean => path.endsWith('.attn2');

/** Of the levels that read text. */
function mapSize({ height, width }: UnetShape, { channels, depths, blockDepths, resBlocks }: UnetConfig): { height: number; width: number } {
  const reads = (level: number): boolean => (blockDepths ? blockDepths.input.slice(level * resBlocks, (level + 1) * resBlocks).some((depth) => depth > 0) : depths[level]! > 0);
  const half = (side: number, times: number): number => (times === 0 ? side : half(Math.ceil(side / 2), times - 1));
  const sizes = channels.flatMap((_, level) => (reads(level) ? [{ height: half(height, level), width: half(width, level) }] : []));
  const distance = (one: { height: number; width: number }): number => Math.abs(Math.log((one.height * one.width) / PLACES));
  return sizes.sort((a, b) => distance(a) - distance(b))[0] ?? { height: 0, width: 0 };
}

/** softmax(q·kᵀ/√d), the mean over heads: [B, 1, Lq, Lk]. */
function sharesOf(g: Graph, { q, k, heads, bias }: AttentionSite): Value {
  const [batch, , width] = q.dims as [number, number, number], d = width / heads;
  const split = (value: Value, perm: readonly number[]): Value => g.apply('Transpose', [g.apply('Reshape', [value], { dims: [batch, value.dims[1]!, heads, d] })], { perm });
  const scaled = g.apply('Mul', [split(q, [0, 2, 1, 3]), g.scalar(1 / Math.sqrt(d))]), scores = g.apply('MatMul', [scaled, split(k, [0, 2, 3, 1])]);
  const shares = g.apply('Softmax', [bias ? g.apply('Add', [scores, bias]) : scores], { axis: 3 });                              // [B, heads, Lq, Lk]
  return g.apply('ReduceMean', [shares], { axes: [1] });
}

function mean(layers: readonly Tensor[]): Tensor {
  const out = float32(layers[0]!.dims);
  for (const { data } of layers) for (let i = 0; i < data.length; i++) out.data[i]! += data[i]! / layers.length;
  return out;
}
