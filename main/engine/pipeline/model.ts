// A checkpoint ready to make pictures: its networks, opened when they are needed and for the size that is asked for.
import { AppError } from '../errors';
import { NUMBER_WIDTH, sizeNumbers, sizeVector } from '../families/sdxl-conditioning';
import { textEncoders } from '../families/text-encoders';
import { buildTextTower, fillRow, firstEnd, type TextTower } from '../families/text-tower';
import { buildUnet, guidanceEmbedding, timestepEmbedding, unetConfig, type Heads, type UnetConfig, type UnetShape } from '../families/unet';
import { float32, int64, type Tensor } from '../tensor';
import type { Insert } from '../text/embeddings';
import { baseName } from '../weights/safetensors';
import type { WeightFile } from '../weights/source';
import { openAutoencoder, type Autoencoder } from './autoencoder';
import { joinChannels } from './batches';
import { familyTraits, type FamilyTraits } from './family';
import type { Runtime, Session } from './runtime';
import { Sessions } from './sessions';

/** Head counts that a configuration states, where the family's rule does not hold (the golden cases). */
export interface HeadOverrides { readonly unet?: Heads; readonly text?: number }

/** The files that the parts of a model are read from; one checkpoint usually has them all. `tiny`: a TAESD, in the autoencoder's place. */
export interface ModelFiles { readonly unet: WeightFile; readonly text: WeightFile; readonly vae: WeightFile; readonly tiny?: WeightFile | undefined }

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

/** A text of one chunk is 0.2 MB in SD 1 and 0.6 MB in SDXL. */
const ENCODINGS_KEPT = 32;

export class Model {
  readonly traits: FamilyTraits;
  readonly unet: UnetConfig;
  readonly autoencoder: Autoencoder;
  private readonly encoders: readonly TextTower[];
  private readonly files: ModelFiles;
  private readonly sessions: Sessions<'unet'>;
  private readonly encodings = new Map<string, EncodedText>();

  /** Throws model.notACheckpoint naming the part that is not there. */
  constructor(files: ModelFiles, runtime: Runtime, heads: HeadOverrides = {}) {
    this.files = files;
    this.sessions = new Sessions(runtime);
    this.traits = familyTraits(files.unet);
    this.unet = unetConfig(files.unet, undefined, heads.unet) ?? missing(files.unet, 'U-Net (model.diffusion_model.…)');
    this.encoders = textEncoders(files.text, heads.text);
    if (this.encoders.length === 0) missing(files.text, 'text encoder (cond_stage_model.… or conditioner.embedders.…)');
    this.autoencoder = openAutoencoder(files.vae, files.tiny, this.traits.latentScale, runtime) ?? missing(files.vae, 'autoencoder (first_stage_model.…)');
  }

  /**
   * Rows of 77 token ids, filled up with the end token, and the trained vectors in each → what the encoders say. Recent answers are kept; the
   * encoders are let go at once, since they are rarely needed again soon.
   */
  async encodeText(rows: readonly (readonly number[])[], clipSkip: number, inserts: Inserts = []): Promise<EncodedText> {
    const key = [clipSkip, ...rows.map((row, i) => [row, ...(inserts[i] ?? []).map(({ at, embedding }) => `${at}=${embedding.hash}`)])].join(';');
    const known = this.encodings.get(key) ?? await this.encodeRows(rows, clipSkip, inserts);
    this.encodings.delete(key);
    this.encodings.set(key, known);                            // a Map keeps its order: the first is the longest unused
    if (this.encodings.size > ENCODINGS_KEPT) this.encodings.delete(this.encodings.keys().next().value!);
    return known;
  }

  /** The widths of the word vectors that its encoders read. */
  get textWidths(): number[] {
    return this.encoders.map(({ width }) => width);
  }

  private async encodeRows(rows: readonly (readonly number[])[], clipSkip: number, inserts: Inserts): Promise<EncodedText> {
    const states: Tensor[] = [];
    let pooled: Tensor | null = null;
    for (const tower of this.encoders) {
      const { hidden, pooled: vector } = await this.runTower(tower, rows, clipSkip, inserts);
      states.push(hidden!);
      pooled ??= vector ?? null;
    }
    return { states, pooled };
  }

  private async runTower(tower: TextTower, rows: readonly (readonly number[])[], clipSkip: number, inserts: Inserts): Promise<Record<string, Tensor>> {
    const ids = int64([rows.length, tower.positions], rows.flatMap((row) => fillRow(tower, row)));
    const ends = int64([rows.length], rows.map((row, i) => i * tower.positions + firstEnd(row)));
    const vectors = insertedVectors(tower, rows.length, inserts);
    return this.sessions.once(buildTextTower(tower, { batch: rows.length, clipSkip, inserts: vectors !== null }), { ids, ...(tower.pooledWidth > 0 && { ends }), ...vectors });
  }

  /** The vector condition of a picture of this size in pixels [1, vectorDim] from the pooled text [1, P]; null where the U-Net reads none. */
  vectorCondition(pooled: Tensor | null, size: { width: number; height: number }, negative: boolean): Tensor | null {
    if (this.unet.vectorDim === 0) return null;
    if (!pooled) missing(this.files.text, 'text projection, which this U-Net reads');
    const count = (this.unet.vectorDim - pooled.data.length) / NUMBER_WIDTH;
    return sizeVector(pooled, sizeNumbers(count, size, negative));
  }

  /** Opens the U-Net for this size, so that the first step starts at once. */
  prepare(size: UnetShape): Promise<Session> {
    return this.sessions.take('unet', Object.values(size).join('x'), () => buildUnet(this.files.unet, this.unet, size));
  }

  /** What the U-Net is told beside a text's `context`, by its inputs' names. `guidance`: the scale, for a U-Net that reads it. */
  besideText(pooled: Tensor | null, { width, height, negative, guidance }: { width: number; height: number; negative: boolean; guidance: number }): Readonly<Record<string, Tensor>> {
    const y = this.vectorCondition(pooled, { width, height }, negative);
    return { ...(y && { y }), ...(this.readsGuidance() && { w: guidanceEmbedding(guidance, this.unet.guidanceDim, 1) }) };
  }

  /** x [B, 4, H/8, W/8] scaled for the network, t [B] → predicted noise or velocity [B, 4, H/8, W/8]. */
  async predict(x: Tensor, t: Tensor, { concat, ...told }: Condition): Promise<Tensor> {
    const [batch, , height, width] = x.dims as [number, number, number, number];
    const session = await this.prepare({ batch, height, width, tokens: told['context']!.dims[1]! });
    return (await session.run({ x: concat ? joinChannels(x, concat) : x, t: timestepEmbedding(t.data, this.unet.modelChannels), ...told }))['out']!;
  }

  /** Lets the U-Net go: another model takes over. */
  releaseUnet(): Promise<void> {
    return this.sessions.release('unet');
  }

  /** Whether the U-Net reads a picture beside the latents, to change it as the prompt says (instruct-pix2pix). */
  editsPictures(): boolean {
    return this.unet.inChannels === 2 * this.autoencoder.latentChannels;
  }

  /** Whether the U-Net was distilled with guidance inside and reads its scale (LCM): one evaluation a step does. */
  readsGuidance(): boolean {
    return this.unet.guidanceDim > 0;
  }

  async close(): Promise<void> {
    await Promise.all([this.sessions.close(), this.autoencoder.close()]);
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

function missing(file: WeightFile, part: string): never {
  throw new AppError('model.notACheckpoint', {
    message: `${baseName(file.path)} has no ${part}`,
    data: { file: file.path, part },
    hint: 'Choose a full checkpoint, with U-Net, text encoder and VAE inside.',
  });
}
