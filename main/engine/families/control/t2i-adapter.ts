// T2I-Adapter: a small network that reads a picture once and adds to what the U-Net's levels give. Mou et al. 2023, arXiv:2302.08453; TencentARC's code
// (full, light and SDXL) and diffusers' names of the same.
import { Graph, type Value } from '../../graph/graph';
import { add, concat, conv, relu, reshape } from '../../nn/layers';
import { Weights } from '../../nn/weights';
import type { WeightFile } from '../../weights/source';
import { MIDDLE, type Place } from './places';

export interface T2iAdapterConfig {
  readonly prefix: string;
  /** Of the picture: 3, or 1 for sketches. */
  readonly hintChannels: number;
  /** Pixels of the picture that become channels of one place, along each side: 8, in SDXL 16. */
  readonly unshuffle: number;
  readonly blocks: readonly Block[];
}

interface Block {
  /** Half as large as what comes in. */
  readonly down: boolean;
  readonly channels: number;
  /** Of a light one, inside. */
  readonly inner?: number;
  /** Below its place: its residual blocks. */
  readonly residuals: readonly string[];
  /** A feature leaves behind it. */
  readonly isLast: boolean;
  readonly kernel: number;
  readonly hasInput: boolean;
}

const LEVELS = 4;

/** undefined where the file is none, or of another structure (as TencentARC's first, with convolutions beside each block). */
export function t2iAdapterConfig(file: WeightFile): T2iAdapterConfig | undefined {
  const prefix = file.tensors.has('adapter.body.0.resnets.0.block1.weight') || file.tensors.has('adapter.conv_in.weight') || file.tensors.has('adapter.body.0.in_conv.weight') ? 'adapter' : '';
  const shape = (name: string): readonly number[] | undefined => file.tensors.get(`${prefix && `${prefix}.`}${name}.weight`)?.shape;
  const first = shape('conv_in') ?? shape('body.0.in_conv');
  if (!first) return undefined;
  let count = 0;
  while (shape(`body.${count}.block1`) ?? shape(`body.${count}.body.0.block1`) ?? shape(`body.${count}.resnets.0.block1`)) count++;
  if (count === 0 || count % LEVELS !== 0) return undefined;
  const inputs = first[1]!, isXl = inputs === 3 * 256 || inputs === 256, perLevel = count / LEVELS;
  // SDXL halves once: before its third level. Light ones have no convolution in front.
  const blocks = Array.from({ length: count }, (_, i): Block => {
    const level = Math.floor(i / perLevel), isFirst = i % perLevel === 0, at = `body.${i}`;
    const inner = shape(`${at}.out_conv`) && shape(`${at}.in_conv`)?.[0];
    const places = shape(`${at}.block1`) ? [''] : ['body', 'resnets'].flatMap((name) => counted((n) => shape(`${at}.${name}.${n}.block1`) !== undefined).map((n) => `${name}.${n}`));
    const last = shape(`${at}.out_conv`) ?? shape([at, places[0], 'block1'].filter(Boolean).join('.'));
    return {
      down: isFirst && (isXl ? level === 2 : level > 0), channels: last?.[0] ?? 0, ...(inner !== undefined && { inner }), residuals: places, isLast: (i + 1) % perLevel === 0,
      kernel: shape([at, places[0], 'block2'].filter(Boolean).join('.'))?.[2] ?? 1, hasInput: shape(`${at}.in_conv`) !== undefined,
    };
  });
  const isOther = [...file.tensors.keys()].some((name) => /\.(?:skep|down_opt)\./.test(name));
  return isOther ? undefined : { prefix, hintChannels: inputs % 3 === 0 ? 3 : 1, unshuffle: isXl ? 16 : 8, blocks };
}

function counted(has: (n: number) => boolean): number[] {
  const found: number[] = [];
  while (has(found.length)) found.push(found.length);
  return found;
}

/**
 * Input: `hint` [B, hintChannels, H, W] in 0…1, sides multiples of `unshuffle`. Outputs: `feature.0` to `feature.3`, each for one level of the U-Net.
 */
export function buildT2iAdapter(file: WeightFile, config: T2iAdapterConfig, { batch, height, width }: { batch: number; height: number; width: number }): Graph {
  const g = new Graph('t2i_adapter'), w = new Weights(g, file, config.prefix);
  let h = unshuffled(g, g.input('hint', 'float32', [batch, config.hintChannels, height, width]), config.unshuffle);
  if (config.blocks[0]!.inner === undefined) h = conv(g, w.at('conv_in'), h, config.blocks[0]!.channels);
  let level = 0;
  config.blocks.forEach((block, i) => {
    const at = w.at(`body.${i}`), { channels, inner, kernel } = block;
    if (block.down) h = halved(g, h);
    if (block.hasInput) h = conv(g, at.at('in_conv'), h, inner ?? channels, { kernel: inner === undefined ? kernel : 1 });
    for (const place of block.residuals) {
      const here = place ? at.at(place) : at;
      h = add(g, conv(g, here.at('block2'), relu(g, conv(g, here.at('block1'), h, h.dims[1]!)), h.dims[1]!, { kernel }), h);
    }
    if (inner !== undefined) h = conv(g, at.at('out_conv'), h, channels, { kernel: 1 });
    if (block.isLast) g.output(`feature.${level++}`, h);
  });
  return g;
}

/** The U-Net's block behind which each feature is added: the last one of each level, or where SDXL's levels have that size. */
export const featurePlaces = ({ unshuffle }: T2iAdapterConfig): readonly Place[] =>
  (unshuffle === 16 ? ['output.input_blocks.3', 'output.input_blocks.5', 'output.input_blocks.8', MIDDLE] : ['output.input_blocks.2', 'output.input_blocks.5', 'output.input_blocks.8', 'output.input_blocks.11']);

/** x [B, C, n·H, n·W] → [B, C·n², H, W]. */
function unshuffled(g: Graph, x: Value, n: number): Value {
  const [b, c, height, width] = x.dims as [number, number, number, number], [h, w] = [height / n, width / n];
  const apart = g.apply('Transpose', [reshape(g, x, [b, c, h, n, w, n])], { perm: [0, 1, 3, 5, 2, 4] });
  return reshape(g, apart, [b, c * n * n, h, w]);
}

/** Means of 2×2 places; where a side is odd, a row of zeros goes before it, as ComfyUI pads. */
function halved(g: Graph, x: Value): Value {
  let h = x;
  for (const axis of [2, 3]) {
    if (h.dims[axis]! % 2 === 0) continue;
    const dims = h.dims.map((n, i) => (i === axis ? 1 : n));
    h = concat(g, [g.constant('float32', dims, new Float32Array(dims.reduce((a, b) => a * b, 1))), h], axis);
  }
  const [b, c, height, width] = h.dims as [number, number, number, number];
  const mean = g.apply('ReduceMean', [reshape(g, h, [b, c, height / 2, 2, width / 2, 2])], { axes: [3, 5] });
  return reshape(g, mean, [b, c, height / 2, width / 2]);
}
