// ESRGAN's network (RRDBNet): residual blocks of dense blocks, then nearest-neighbour doublings. Wang et al. 2018, arXiv:1809.00219. BSRGAN's and
// Real-ESRGAN's (Wang et al. 2021, arXiv:2107.10833, which may fold the picture first) are the same under other names.
import { Graph, type Value } from '../../graph/graph';
import { add, concat, conv, leakyRelu, mul, pixelUnshuffle, upsample } from '../../nn/layers';
import { Weights, type WeightSource } from '../../nn/weights';
import type { WeightFile } from '../../weights/source';
import type { PictureSize } from './network';

/** Whose names the layers have: the first ESRGAN's, a Sequential; those of its later code and of BSRGAN; those of BasicSR and Real-ESRGAN. */
type Layout = 'sequential' | 'esrgan' | 'basicsr';

export interface RrdbSizes {
  readonly layout: Layout;
  /** Of the picture, 1 or 3. */
  readonly colors: number;
  /** Squares of this side are folded into channels first (pixel unshuffle). */
  readonly fold: number;
  readonly features: number;
  /** What each layer of a dense block adds. */
  readonly growth: number;
  readonly blocks: number;
  readonly doublings: number;
  /** ESRGAN+ (Rakotonirina and Rasoanaivo 2020): a path past every second layer of a dense block. */
  readonly plus: boolean;
}

interface Names { readonly first: string; block(i: number, dense: number): string; readonly inDense: (layer: number) => string; readonly trunk: string; up(i: number): string; readonly hr: string; readonly last: string }

function namesOf({ layout, blocks, doublings }: Pick<RrdbSizes, 'layout' | 'blocks' | 'doublings'>): Names {
  if (layout === 'sequential') {
    // Each doubling takes three numbers: the upsampling, which has no weights, the layer and its activation.
    const hr = 3 * doublings + 2;
    return {
      first: 'model.0', block: (i, dense) => `model.1.sub.${i}.RDB${dense}`, inDense: (layer) => `conv${layer}.0`, trunk: `model.1.sub.${blocks}`,
      up: (i) => `model.${3 * i}`, hr: `model.${hr}`, last: `model.${hr + 2}`,
    };
  }
  const inDense = (layer: number): string => `conv${layer}`;
  return layout === 'esrgan'
    ? { first: 'conv_first', block: (i, dense) => `RRDB_trunk.${i}.RDB${dense}`, inDense, trunk: 'trunk_conv', up: (i) => `upconv${i}`, hr: 'HRconv', last: 'conv_last' }
    : { first: 'conv_first', block: (i, dense) => `body.${i}.rdb${dense}`, inDense, trunk: 'conv_body', up: (i) => `conv_up${i}`, hr: 'conv_hr', last: 'conv_last' };
}

const layouts: readonly Layout[] = ['sequential', 'esrgan', 'basicsr'];

/** undefined where the file has no such network. */
export function rrdbSizes({ tensors }: WeightFile): RrdbSizes | undefined {
  const shape = (name: string): readonly number[] | undefined => tensors.get(`${name}.weight`)?.shape;
  const counted = (name: (i: number) => string, from: number): number => { let n = from; while (shape(name(n))) n++; return n - from; };
  for (const layout of layouts) {
    const { first, block, inDense, up } = namesOf({ layout, blocks: 0, doublings: 0 });
    const dense = shape(`${block(0, 1)}.${inDense(1)}`), conv = shape(first);
    if (dense?.length !== 4 || conv?.length !== 4) continue;
    const blocks = counted((i) => `${block(i, 1)}.${inDense(1)}`, 0);
    // Numbered behind the trunk: one layer a doubling, then two to finish.
    const doublings = layout === 'sequential' ? [...tensors.keys()].filter((name) => /^model\.\d+\.weight$/.test(name)).length - 3 : counted(up, 1);
    const colors = shape(namesOf({ layout, blocks, doublings }).last)?.[0] ?? 3;
    return { layout, colors, fold: foldOf(conv[1]!, colors), features: conv[0]!, growth: dense[0]!, blocks, doublings, plus: tensors.has(`${block(0, 1)}.conv1x1.weight`) };
  }
  return undefined;
}

const foldOf = (inputs: number, colors: number): number => (inputs === 4 * colors ? 2 : inputs === 16 * colors ? 4 : 1);

/** Input `image` [B, C, H, W] in 0…1, sides multiples of `fold`. Output `upscaled` [B, C, s·H, s·W], not clamped, where s = 2^doublings / fold. */
export function buildRrdb(source: WeightSource, sizes: RrdbSizes, { batch, height, width }: PictureSize): Graph {
  const { colors, fold, features, blocks, doublings } = sizes;
  const g = new Graph('rrdbnet'), w = new Weights(g, source), names = namesOf(sizes);
  const image = g.input('image', 'float32', [batch, colors, height, width]);
  const first = conv(g, w.at(names.first), fold > 1 ? pixelUnshuffle(g, image, fold) : image, features);
  let h = first;
  for (let i = 0; i < blocks; i++) {
    const x = h;
    for (const dense of [1, 2, 3]) h = denseBlock(g, w.at(names.block(i, dense)), h, sizes, names);
    h = add(g, mul(g, h, g.scalar(RESIDUAL)), x);
  }
  h = add(g, first, conv(g, w.at(names.trunk), h, features));
  for (let i = 1; i <= doublings; i++) h = active(g, conv(g, w.at(names.up(i)), upsample(g, h, h.dims[2]! * 2, h.dims[3]! * 2), features));
  g.output('upscaled', conv(g, w.at(names.last), active(g, conv(g, w.at(names.hr), h, features)), colors));
  return g;
}

/** Share of what a block makes that is added to what it was given. */
const RESIDUAL = 0.2;
const active = (g: Graph, x: Value): Value => leakyRelu(g, x, 0.2);

/** Each of five layers reads all before it. x [B, features, H, W] → the same shape. */
function denseBlock(g: Graph, w: Weights, x: Value, { features, growth, plus }: RrdbSizes, { inDense }: Names): Value {
  let made = [x];
  for (let layer = 1; layer <= 4; layer++) {
    const h = active(g, conv(g, w.at(inDense(layer)), concat(g, made, 1), growth));
    const past = !plus ? undefined : layer === 2 ? conv(g, w.at('conv1x1'), x, growth, { kernel: 1, bias: false }) : layer === 4 ? made[2] : undefined;
    made = [...made, past ? add(g, h, past) : h];
  }
  return add(g, mul(g, conv(g, w.at(inDense(5)), concat(g, made, 1), features), g.scalar(RESIDUAL)), x);
}
