// A picture made larger by a network, in tiles, so that memory does not grow with the picture.
import { AppError } from '../errors';
import type { UpscalerNetwork } from '../families/upscalers/network';
import type { AbortLike } from '../sampling/types';
import { float32, type Tensor } from '../tensor';
import { resize } from './resize';
import type { Runtime } from './runtime';
import { Sessions } from './sessions';
import { addTile, cut, spansOf, tilesOf, type Tile } from './tiles';

/** Longest side of a tile, in pixels of the picture that it reads, and what neighbours share. Other tiles give other pixels, by less than one can see. */
const USUAL_TILE = 256, SMALLEST_TILE = 64, TILE_OVERLAP = 32;
const MOST_ROUNDS = 3;

export interface UpscaleOptions {
  readonly tile?: number | undefined;
  readonly signal?: AbortLike | undefined;
  /** After each tile, and waited for. */
  readonly onTile?: ((done: number, tiles: number) => void | Promise<void>) | undefined;
}

export class Upscaler {
  private readonly network: UpscalerNetwork;
  private readonly sessions: Sessions<'tile'>;

  constructor(network: UpscalerNetwork, runtime: Runtime) {
    this.network = network;
    this.sessions = new Sessions(runtime);
  }

  get scale(): number { return this.network.scale; }

  /** Image [1, 3, H, W] in 0…1 of any size → [1, 3, scale·H, scale·W], about 0…1. Throws weights.notFinite, and what `signal` throws between tiles. */
  async run(image: Tensor, options: UpscaleOptions = {}): Promise<Tensor> {
    const { dims: [, , height = 0, width = 0] } = image, tiles = this.tilesFor(height, width, options.tile);
    return cropped(await this.runTiles(padded(image, this.network.multiple), tiles, options), height * this.scale, width * this.scale);
  }

  /**
   * Image [1, 3, H, W] in 0…1 → [1, 3, height, width], clamped to it: by the network, as often as it takes (three times at most, as A1111), and what is then
   * too much or too little by Lanczos. Tiles count over all runs.
   */
  async runTo(image: Tensor, height: number, width: number, { onTile, ...options }: UpscaleOptions = {}): Promise<Tensor> {
    const rounds = this.roundsTo(image, height, width).map(([rows, columns]) => this.tilesFor(rows, columns, options.tile).length), all = rounds.reduce((a, b) => a + b, 0);
    let large = image, before = 0;
    for (const tiles of rounds) {
      const offset = before;
      large = await this.run(clamped(large), { ...options, onTile: (done) => onTile?.(offset + done, all) });
      before += tiles;
    }
    return clamped(resize(large, height, width));
  }

  /** How many tiles `runTo` takes. */
  countTiles(image: Pick<Tensor, 'dims'>, height: number, width: number, tile?: number): number {
    return this.roundsTo(image, height, width).reduce((sum, [rows, columns]) => sum + this.tilesFor(rows, columns, tile).length, 0);
  }

  /** The same with tiles of the caller's choice, whose sides are multiples of the network's. */
  async runTiles(image: Tensor, tiles: readonly Tile[], { signal, onTile }: Omit<UpscaleOptions, 'tile'> = {}): Promise<Tensor> {
    const [, , height, width] = image.dims as [number, number, number, number], { scale } = this;
    const sum = float32([1, 3, height * scale, width * scale]);
    for (const [i, tile] of tiles.entries()) {
      signal?.throwIfAborted();
      const made = await this.runOnce(cut(image, tile));
      if (!made.data.every(Number.isFinite)) throw new AppError('weights.notFinite', { why: 'answer' });
      addTile(sum, made, tile, scale);
      await onTile?.(i + 1, tiles.length);
    }
    return sum;
  }

  /** The sizes of what each round reads. */
  private roundsTo({ dims: [, , rows = 0, columns = 0] }: Pick<Tensor, 'dims'>, height: number, width: number): [number, number][] {
    const rounds: [number, number][] = [[rows, columns]];
    for (let scale = this.scale; scale > 1 && rounds.length < MOST_ROUNDS && (rows * scale < height || columns * scale < width); scale *= this.scale) rounds.push([rows * scale, columns * scale]);
    return rounds;
  }

  private tilesFor(height: number, width: number, tile = USUAL_TILE): Tile[] {
    const { multiple } = this.network, up = (n: number): number => Math.ceil(n / multiple) * multiple, most = up(Math.max(tile, SMALLEST_TILE)), overlap = up(TILE_OVERLAP);
    return tilesOf(spansOf(up(height), most, overlap, multiple), spansOf(up(width), most, overlap, multiple));
  }

  close(): Promise<void> { return this.sessions.close(); }

  /** A network of one colour reads the three one by one. */
  private async runOnce({ data, dims: [, , height = 0, width = 0] }: Tensor): Promise<Tensor> {
    const { colors } = this.network, size = { batch: 3 / colors, height, width };
    const session = await this.sessions.take('tile', `${height}x${width}`, () => this.network.build(size));
    const { upscaled } = await session.run({ image: float32([size.batch, colors, height, width], data) });
    return float32([1, 3, height * this.scale, width * this.scale], upscaled!.data);
  }
}

const clamped = ({ dims, data }: Tensor): Tensor => float32(dims, data.map((value) => Math.min(1, Math.max(0, value))));

/** Sides grow to multiples of `multiple`, by what lies before the edge, mirrored. */
function padded(image: Tensor, multiple: number): Tensor {
  const [batch, channels, height, width] = image.dims as [number, number, number, number];
  const up = (n: number): number => Math.ceil(n / multiple) * multiple, [rows, columns] = [up(height), up(width)];
  if (rows === height && columns === width) return image;
  const out = float32([batch, channels, rows, columns]);
  for (let i = 0; i < out.data.length; i++) {
    const plane = Math.floor(i / (rows * columns)), row = Math.floor(i / columns) % rows;
    out.data[i] = image.data[(plane * height + mirrored(row, height)) * width + mirrored(i % columns, width)]!;
  }
  return out;
}

/** The edge itself comes once. */
function mirrored(i: number, length: number): number {
  if (length === 1) return 0;
  const at = i % (2 * length - 2);
  return at < length ? at : 2 * length - 2 - at;
}

function cropped(image: Tensor, height: number, width: number): Tensor {
  if (image.dims[2] === height && image.dims[3] === width) return image;
  const all = (length: number) => ({ from: 0, to: length, enter: [0, 0], leave: [length, length] }) as const;
  return cut(image, { y: all(height), x: all(width) });
}
