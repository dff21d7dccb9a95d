// The KL autoencoder over large pictures: what is small stays whole, and the two levels nearest to the picture's own size, which take nearly all the memory, are
// evaluated in tiles. Tiles overlap by more than those levels' convolutions see, so that nothing is lost at their edges. What a group norm takes for the mean and
// variance of the picture is measured first, in pieces from all over it, and the same for all tiles: with their own, tiles would differ in tone.
import { buildVaeDecoder, buildVaeDecoderLarge, buildVaeEncoder, buildVaeEncoderLarge, largeLevels, type VaeConfig } from '../families/vae';
import { float32, type Tensor } from '../tensor';
import type { WeightFile } from '../weights/source';
import { stack } from './batches';
import type { Runtime, Session } from './runtime';
import { addTile, cut, spansOf, tilesOf, type Span } from './tiles';

/** In pixels of the picture. A quarter of it, which counts for nothing at a tile's edge, is more than the levels see: 22 of the decoder, 21 of the encoder. */
const OVERLAP = 96;
/** Side of a piece that is measured, in sides of a tile; what lies beside its edge sees nothing beyond it. */
const PIECE = 1 / 4;

interface Vae { readonly file: WeightFile; readonly config: VaeConfig; readonly runtime: Runtime }

/** Latents [1, C, h, w] as the network reads them → image [1, 3, H, W]. `tile`: longest side of one, in pixels of the picture. */
export async function decodeInTiles({ file, config, runtime }: Vae, latents: Tensor, tile: number): Promise<Tensor> {
  const low = await once(runtime, buildVaeDecoder(file, config, shapeOf(latents), {}, 'low'), { latents }, 'low');
  const factor = 2 ** largeLevels(config);
  return large(low, { input: 'low', output: 'image', scale: factor, tile: tile / factor, overlap: OVERLAP / factor, piece: Math.round(PIECE * tile / factor), unit: 1, runtime, build: (size, norms) => buildVaeDecoderLarge(file, config, size, norms) });
}

/** Image [1, 3, H, W] in −1…1 → moments [1, 2C, h, w]. */
export async function encodeInTiles({ file, config, runtime }: Vae, image: Tensor, tile: number): Promise<Tensor> {
  const factor = 2 ** largeLevels(config);
  const low = await large(image, { input: 'image', output: 'low', scale: 1 / factor, tile, overlap: OVERLAP, piece: Math.round(PIECE * tile / factor) * factor, unit: factor, runtime, build: (size, norms) => buildVaeEncoderLarge(file, config, size, norms) });
  return once(runtime, buildVaeEncoder(file, config, shapeOf(low), {}, 'low'), { low }, 'moments');
}

interface Large {
  readonly input: 'low' | 'image';
  readonly output: 'low' | 'image';
  /** Size of what comes out over what goes in. */
  readonly scale: number;
  /** In pixels of what goes in, as all below. */
  readonly tile: number;
  readonly overlap: number;
  readonly piece: number;
  readonly unit: number;
  readonly runtime: Runtime;
  readonly build: (size: ReturnType<typeof shapeOf>, norms: 'measured' | 'given') => Parameters<Runtime['open']>[0];
}

async function large(x: Tensor, { input, output, scale, tile, overlap, piece, unit, runtime, build }: Large): Promise<Tensor> {
  const [, , height, width] = x.dims as [number, number, number, number];
  const told = await measured(x, { piece, unit, atOnce: Math.max(1, Math.floor((tile / piece) ** 2)), open: (pieces) => runtime.open(build(shapeOf(pieces), 'measured')), input });
  const tiles = tilesOf(spansOf(height, tile, overlap, unit), spansOf(width, tile, overlap, unit));
  let sum: Tensor | undefined;
  const session = await runtime.open(build(shapeOf(cut(x, tiles[0]!)), 'given'));
  try {
    for (const each of tiles) {
      const made = (await session.run({ [input]: cut(x, each), ...told }))[output]!;
      addTile(sum ??= float32([1, made.dims[1]!, height * scale, width * scale]), made, each, scale);
    }
  } finally {
    await session.close();
  }
  return sum!;
}

interface Measuring { readonly piece: number; readonly unit: number; /** Pieces that are as large as a tile. */ readonly atOnce: number; readonly input: string; open(pieces: Tensor): Promise<Session> }

/**
 * Means and variances over all of x, in pieces that cover it: of a tile's size at once, from all over it, normed together, so that each such sample stands for the
 * whole; then those of all samples together.
 */
async function measured(x: Tensor, { piece, unit, atOnce, input, open }: Measuring): Promise<Record<string, Tensor>> {
  const [, , height, width] = x.dims as [number, number, number, number];
  const pieces = tilesOf(placesOf(height, piece, unit), placesOf(width, piece, unit)), samples = Math.ceil(pieces.length / atOnce), size = Math.floor(pieces.length / samples);
  const sums = new Map<string, Tensor>();
  let session: Session | undefined;
  try {
    for (let sample = 0; sample < samples; sample++) {
      const taken = stack(pieces.filter((_, i) => i % samples === sample).slice(0, size).map((place) => cut(x, place)));
      const told = await (session ??= await open(taken)).run({ [input]: taken });
      for (const [name, { dims, data }] of Object.entries(told)) {
        if (!name.startsWith('mean.')) continue;
        const i = name.slice('mean.'.length), variance = told[`variance.${i}`]!.data;
        const [mean, square] = [name, `variance.${i}`].map((key) => { const sum = sums.get(key) ?? float32(dims); sums.set(key, sum); return sum.data; }) as [Float32Array, Float32Array];
        data.forEach((value, group) => { mean[group]! += value / samples; square[group]! += (variance[group]! + value ** 2) / samples; });
      }
    }
  } finally {
    await session?.close();
  }
  // What was summed up for the variances are squares yet.
  for (const [name, { data }] of sums) if (name.startsWith('mean.')) { const square = sums.get(name.replace('mean.', 'variance.'))!.data; data.forEach((value, group) => { square[group]! -= value ** 2; }); }
  return Object.fromEntries(sums);
}

/** Pieces of one size that cover a length, the last two of them twice in part. */
function placesOf(length: number, piece: number, unit: number): Span[] {
  const size = Math.min(length, piece), count = Math.ceil(length / size);
  return Array.from({ length: count }, (_, i) => { const from = count === 1 ? 0 : Math.floor((i * (length - size)) / (count - 1) / unit) * unit; return { from, to: from + size, enter: [from, from], leave: [from + size, from + size] }; });
}

async function once(runtime: Runtime, graph: Parameters<Runtime['open']>[0], feeds: Record<string, Tensor>, output: string): Promise<Tensor> {
  const session = await runtime.open(graph);
  try {
    return (await session.run(feeds))[output]!;
  } finally {
    await session.close();
  }
}

const shapeOf = ({ dims: [batch = 1, , height = 0, width = 0] }: Tensor) => ({ batch, height, width });
