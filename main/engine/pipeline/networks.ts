// The networks that a model is composed of, each opened when it is needed and for the size that is asked for. One may serve several models.
import type { ErrorData } from '../../../preload/contract/errors';
import { AppError } from '../errors';
import { textEncoders } from '../families/text-encoders';
import { buildTextTower, fillRow, firstEnd, type TextTower } from '../families/text-tower';
import { buildUnet, timestepEmbedding, unetConfig, type Heads, type UnetConfig, type UnetShape } from '../families/unet';
import { float32, int64, type Tensor } from '../tensor';
import type { Insert } from '../text/embeddings';
import type { WeightFile } from '../weights/source';
import { joinChannels } from './batches';
import { feedsOf, hooksOf, keyOf, type Asked, type Extension } from './extensions';
import type { TextAdapters } from './loras';
import type { Runtime, Session } from './runtime';
import { Sessions } from './sessions';

export type NetworkKind = 'unet' | 'text' | 'vae' | 'taesd' | 'upscaler' | 'control';
/** The network of this kind that the file has: one that is open already, or `open`ed now. `options`: what else it was opened with. */
export type Networks = <Network extends { close(): Promise<void> }>(kind: NetworkKind, file: WeightFile, open: () => Network, options?: string) => Network;

/** What the text encoders say of rows of 77 token ids. */
export interface EncodedText {
  /** Hidden states [rows, 77, width] of each encoder; the U-Net reads them side by side. */
  readonly states: readonly Tensor[];
  /** [rows, P] where the U-Net reads it (SDXL). */
  readonly pooled: Tensor | null;
}

/** Of each row of ids, the trained vectors in it. */
export type Inserts = readonly (readonly Insert[])[];

/**
 * What the U-Net is told beside latents and timestep, by the names of its inputs, for each picture of the batch: text embeddings `context` [B, tokens, D],
 * the vector condition `y` [B, vectorDim] (SDXL), the embedded guidance scale `w` [B, guidanceDim] (LCM). Under `concat` [B, n, h, w] the channels that some
 * variants read behind those of the latents.
 */
export interface Condition {
  readonly context: Tensor;
  readonly [input: string]: Tensor;
}

interface Encoding { readonly clipSkip: number; readonly inserts: Inserts; readonly adapters?: TextAdapters | undefined }

/** A text of one chunk is 0.2 MB in SD 1 and 0.6 MB in SDXL. */
const ENCODINGS_KEPT = 32;

export class Unet {
  readonly config: UnetConfig;
  readonly file: WeightFile;
  private readonly sessions: Sessions<'unet' | 'beside'>;

  /** Throws model.notACheckpoint where there is none. */
  constructor(file: WeightFile, runtime: Runtime, heads?: Heads) {
    this.file = file;
    this.sessions = new Sessions(runtime);
    this.config = unetConfig(file, undefined, heads) ?? lacksNetwork(file, 'unet');
  }

  /** Opens it for this size, so that the first step starts at once. */
  prepare(size: UnetShape, extensions: readonly Extension[] = [], slot: 'unet' | 'beside' = 'unet'): Promise<Session> {
    const key = [Object.values(size).join('x'), keyOf(extensions)].join('\n');
    return this.sessions.take(slot, key, () => buildUnet(this.file, this.config, size, hooksOf(extensions, size, this.config)));
  }

  /** x [B, 4, H/8, W/8] scaled for the network, t [B] → predicted noise or velocity [B, 4, H/8, W/8]. `slot`: 'beside' for what is asked between such predictions, of another graph that stays open. */
  async predict(x: Tensor, t: Tensor, condition: Condition, { extensions, slot, ...asked }: Asked & { readonly extensions: readonly Extension[]; readonly slot?: 'beside' | undefined }): Promise<Tensor> {
    const { concat, ...told } = condition, [batch, , height, width] = x.dims as [number, number, number, number];
    const session = await this.prepare({ batch, height, width, tokens: told['context']!.dims[1]! }, extensions, slot);
    const call = { ...asked, x, t, condition }, feeds = await feedsOf(extensions, call);
    const outputs = await session.run({ x: concat ? joinChannels(x, concat) : x, t: timestepEmbedding(t.data, this.config.modelChannels), ...told, ...feeds });
    for (const extension of extensions) extension.read?.(outputs, call);
    return outputs['out']!;
  }

  /** Lets its session go: another takes over. */
  async release(): Promise<void> {
    await Promise.all([this.sessions.release('unet'), this.releaseBeside()]);
  }

  releaseBeside(): Promise<void> {
    return this.sessions.release('beside');
  }

  close(): Promise<void> {
    return this.sessions.close();
  }
}

export class TextEncoders {
  readonly file: WeightFile;
  private readonly towers: readonly TextTower[];
  private readonly sessions: Sessions<never>;
  private readonly encodings = new Map<string, EncodedText>();

  /** Throws model.notACheckpoint where there is none. */
  constructor(file: WeightFile, runtime: Runtime, heads?: number) {
    this.file = file;
    this.sessions = new Sessions(runtime);
    this.towers = textEncoders(file, heads);
    if (this.towers.length === 0) lacksNetwork(file, 'text');
  }

  /**
   * Rows of 77 token ids, filled up with the end token, and the trained vectors in each → what the encoders say. Recent answers are kept; the
   * encoders are let go at once, since they are rarely needed again soon.
   */
  async encode(rows: readonly (readonly number[])[], clipSkip: number, inserts: Inserts = [], adapters?: TextAdapters): Promise<EncodedText> {
    const key = [adapters?.key, clipSkip, ...rows.map((row, i) => [row, ...(inserts[i] ?? []).map(({ at, embedding }) => `${at}=${embedding.hash}`)])].join(';');
    const known = this.encodings.get(key) ?? await this.encodeRows(rows, { clipSkip, inserts, adapters });
    this.encodings.delete(key);
    this.encodings.set(key, known);                            // a Map keeps its order: the first is the longest unused
    if (this.encodings.size > ENCODINGS_KEPT) this.encodings.delete(this.encodings.keys().next().value!);
    return known;
  }

  /** The widths of the word vectors that they read. */
  get widths(): number[] {
    return this.towers.map(({ width }) => width);
  }

  private async encodeRows(rows: readonly (readonly number[])[], how: Encoding): Promise<EncodedText> {
    const states: Tensor[] = [];
    let pooled: Tensor | null = null;
    for (const tower of this.towers) {
      const { hidden, pooled: vector } = await this.runTower(tower, rows, how);
      states.push(hidden!);
      pooled ??= vector ?? null;
    }
    return { states, pooled };
  }

  private async runTower(tower: TextTower, rows: readonly (readonly number[])[], { clipSkip, inserts, adapters }: Encoding): Promise<Record<string, Tensor>> {
    const ids = int64([rows.length, tower.positions], rows.flatMap((row) => fillRow(tower, row)));
    const ends = int64([rows.length], rows.map((row, i) => i * tower.positions + firstEnd(row)));
    const vectors = insertedVectors(tower, rows.length, inserts);
    const graph = buildTextTower(tower, { batch: rows.length, clipSkip, inserts: vectors !== null }, adapters?.hooks());
    // An adapter may change layers of the other encoder alone, or such as are not read.
    const changes = Object.entries(adapters?.feeds ?? {}).filter(([name]) => graph.inputs.some((input) => input.name === name));
    return this.sessions.once(graph, { ids, ...(tower.pooledWidth > 0 && { ends }), ...vectors, ...Object.fromEntries(changes) });
  }

  close(): Promise<void> {
    return this.sessions.close();
  }
}

/** What the tower's graph takes for trained vectors; null when there are none, so that its graph stays the plain one. */
function insertedVectors({ width, positions }: TextTower, rows: number, inserts: Inserts): { kept: Tensor; inserted: Tensor } | null {
  if (!inserts.some((row) => row.length > 0)) return null;
  const kept = float32([rows, positions, 1], new Float32Array(rows * positions).fill(1));
  const inserted = float32([rows, positions, width]);
  inserts.forEach((row, r) => row.forEach(({ at, embedding: { count, vectors } }) => {
    const first = r * positions + at;
    kept.data.fill(0, first, first + count);
    inserted.data.set(vectors.get(width)!.data, first * width);
  }));
  return { kept, inserted };
}

export function lacksNetwork({ path }: WeightFile, why: ErrorData['model.lacksNetwork']['why']): never {
  throw new AppError('model.lacksNetwork', { file: path, why });
}
