// A checkpoint ready to make pictures: its networks, opened when they are needed and for the size that is asked for.
import { AppError } from '../errors';
import { buildClip, clipConfig, type ClipConfig } from '../families/clip';
import { buildUnet, timestepEmbedding, unetConfig, type Heads, type UnetConfig, type UnetSize } from '../families/unet';
import { buildVaeDecoder, buildVaeEncoder, vaeConfig, type VaeConfig } from '../families/vae';
import type { Graph } from '../graph/graph';
import { mul } from '../sampling/arithmetic';
import { float32, int64, type Tensor } from '../tensor';
import { baseName } from '../weights/safetensors';
import type { WeightFile } from '../weights/source';
import type { Runtime, Session } from './runtime';

/** Head counts that a configuration states, where the family's rule does not hold (the golden cases). */
export interface HeadOverrides { readonly unet?: Heads; readonly text?: number }

/** The files that the parts of a model are read from; one checkpoint usually has them all. */
export interface ModelFiles { readonly unet: WeightFile; readonly text: WeightFile; readonly vae: WeightFile }

/** A text of one chunk is 0.2 MB in SD 1. */
const ENCODINGS_KEPT = 32;

type Slot = 'unet' | 'decoder' | 'preview';

export class Model {
  readonly clip: ClipConfig;
  readonly unet: UnetConfig;
  readonly vae: VaeConfig;
  private readonly files: ModelFiles;
  private readonly runtime: Runtime;
  private readonly encodings = new Map<string, Tensor>();
  /** One open session a network: another size takes the place of the last. Opening costs 0.1 s; two mappings of one file cost address space and counted memory. */
  private readonly open = new Map<Slot, { key: string; session: Session }>();

  /** Throws model.notACheckpoint naming the part that is not there. */
  constructor(files: ModelFiles, runtime: Runtime, heads: HeadOverrides = {}) {
    this.files = files;
    this.runtime = runtime;
    this.unet = unetConfig(files.unet, undefined, heads.unet) ?? missing(files.unet, 'U-Net (model.diffusion_model.…)');
    this.clip = clipConfig(files.text, undefined, heads.text) ?? missing(files.text, 'text encoder (cond_stage_model.…)');
    this.vae = vaeConfig(files.vae) ?? missing(files.vae, 'autoencoder (first_stage_model.…)');
  }

  /** Token ids, rows of 77 → hidden states [rows, 77, width]. Recent ones are kept; the encoder is let go at once, since it is rarely needed again soon. */
  async encodeText(rows: readonly (readonly number[])[], clipSkip: number): Promise<Tensor> {
    const key = `${clipSkip} ${rows.join(';')}`;
    const known = this.encodings.get(key) ?? await this.encode77(rows, clipSkip);
    this.encodings.delete(key);
    this.encodings.set(key, known);                            // a Map keeps its order: the first is the longest unused
    if (this.encodings.size > ENCODINGS_KEPT) this.encodings.delete(this.encodings.keys().next().value!);
    return known;
  }

  private async encode77(rows: readonly (readonly number[])[], clipSkip: number): Promise<Tensor> {
    const ids = int64([rows.length, this.clip.positions], rows.flat());
    const session = await this.runtime.open(buildClip(this.files.text, this.clip, { batch: rows.length, clipSkip }));
    try {
      return (await session.run({ ids }))['hidden']!;
    } finally {
      await session.close();
    }
  }

  /** Opens the U-Net for this size, so that the first step starts at once. */
  prepare(size: UnetSize): Promise<Session> {
    return this.session('unet', Object.values(size).join('x'), () => buildUnet(this.files.unet, this.unet, size));
  }

  /** x [B, C, H/8, W/8] scaled for the network, t [B], context [B, tokens, D] → predicted noise or velocity, like x. */
  async predict(x: Tensor, t: Tensor, context: Tensor): Promise<Tensor> {
    const [batch, , height, width] = x.dims as [number, number, number, number];
    const session = await this.prepare({ batch, height, width, tokens: context.dims[1]! });
    return (await session.run({ x, t: timestepEmbedding(t.data, this.unet.modelChannels), context }))['out']!;
  }

  /** Latents [B, 4, H/8, W/8] in diffusion scale → image [B, 3, H, W], about −1…1. */
  decode(latents: Tensor): Promise<Tensor> {
    return this.decodeIn('decoder', latents);
  }

  /** The same in a session of its own, since previews may be smaller than the picture. */
  decodePreview(latents: Tensor): Promise<Tensor> {
    return this.decodeIn('preview', latents);
  }

  /** Image [B, 3, H, W] in −1…1 → latents [B, 4, H/8, W/8] in diffusion scale: the mean of the distribution, so no chance is involved. */
  async encode(image: Tensor): Promise<Tensor> {
    const moments = await this.moments(image);
    const [batch, channels, h, w] = moments.dims as [number, number, number, number];
    const size = (channels / 2) * h * w;
    const mean = float32([batch, channels / 2, h, w]);
    for (let b = 0; b < batch; b++) mean.data.set(moments.data.subarray(2 * b * size, (2 * b + 1) * size), b * size);
    return mul(mean, this.vae.scale);
  }

  /** Image [B, 3, H, W] in −1…1 → mean and log-variance [B, 8, H/8, W/8] of the autoencoder, unscaled. */
  async moments(image: Tensor): Promise<Tensor> {
    const [batch, , height, width] = image.dims as [number, number, number, number];
    const session = await this.runtime.open(buildVaeEncoder(this.files.vae, this.vae, { batch, height, width }));
    try {
      return (await session.run({ image }))['moments']!;
    } finally {
      await session.close();
    }
  }

  /** Floating-point operations of decoding latents of this size. */
  decodeFlops(height: number, width: number): number {
    return buildVaeDecoder(this.files.vae, this.vae, { batch: 1, height, width }).flops();
  }

  /** Whether the autoencoder is the one that SD 1, SD 2 and their kin share, as far as its widths tell. */
  hasFamilyAutoencoder(): boolean {
    return this.files.vae.tensors.get(`${this.vae.prefix}.decoder.conv_in.weight`)?.shape[0] === 512;
  }

  async close(): Promise<void> {
    await Promise.all([...this.open.keys()].map((slot) => this.release(slot)));
  }

  private async decodeIn(slot: 'decoder' | 'preview', latents: Tensor): Promise<Tensor> {
    const [batch, , height, width] = latents.dims as [number, number, number, number];
    const session = await this.session(slot, latents.dims.join('x'), () => buildVaeDecoder(this.files.vae, this.vae, { batch, height, width }));
    return (await session.run({ latents: mul(latents, 1 / this.vae.scale) }))['image']!;
  }

  private async session(slot: Slot, key: string, build: () => Graph): Promise<Session> {
    const known = this.open.get(slot);
    if (known?.key === key) return known.session;
    await this.release(slot);
    const session = await this.runtime.open(build());
    this.open.set(slot, { key, session });
    return session;
  }

  private async release(slot: Slot): Promise<void> {
    const known = this.open.get(slot);
    this.open.delete(slot);
    await known?.session.close();
  }
}

function missing(file: WeightFile, part: string): never {
  throw new AppError('model.notACheckpoint', {
    message: `${baseName(file.path)} has no ${part}`,
    data: { file: file.path, part },
    hint: 'Choose a full Stable Diffusion 1.x checkpoint: a .safetensors file of about 2 or 4 GB.',
  });
}
