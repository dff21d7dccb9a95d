// What turns latents into pictures and back: the family's autoencoder (KL), or a tiny one (TAESD) in its place.
import { buildTaesdDecoder, buildTaesdEncoder, taesdPart } from '../families/taesd';
import { buildVaeDecoder, buildVaeEncoder, vaeConfig, type VaeConfig } from '../families/vae';
import type { Hooks } from '../graph/hooks';
import { wrapAround, type SeamlessAxes } from '../nn/seamless';
import { mul } from '../sampling/arithmetic';
import { float32, type Tensor } from '../tensor';
import type { WeightFile } from '../weights/source';
import { lacksNetwork, type Networks } from './networks';
import type { Runtime } from './runtime';
import { Sessions } from './sessions';
import { decodeInTiles, encodeInTiles } from './tiled-vae';

/** Previews have a session of their own, since they may be smaller than the picture. */
type DecodeSlot = 'decoder' | 'preview';

export interface Autoencoder {
  readonly latentChannels: number;
  /** Picture pixels per latent: 8. */
  readonly factor: number;
  /** Whether its latents are the family's own, so that what is known of these holds. */
  readonly hasFamilyLatents: boolean;
  /** Cheap enough to show steps with. */
  readonly isTiny: boolean;
  /** Latents [B, 4, H/8, W/8] in diffusion scale → image [B, 3, H, W], about −1…1. */
  decode(latents: Tensor, slot?: DecodeSlot, seamless?: SeamlessAxes): Promise<Tensor>;
  /** Image [B, 3, H, W] in −1…1 → latents [B, 4, H/8, W/8] in diffusion scale, without chance. */
  encode(image: Tensor, seamless?: SeamlessAxes): Promise<Tensor>;
  /** Pictures of a longer side, in pixels, are decoded and encoded in tiles of it: less memory, and slightly other values. Each job sets it. */
  tile: number | undefined;
  /** Floating-point operations of decoding latents of this size. */
  decodeFlops(height: number, width: number): number;
  close(): Promise<void>;
}

/** Output channels of the widest level in SD 1's, SD 2's and SDXL's autoencoder, whose layout others share. */
const FAMILY_WIDTH = 512;

export class KlAutoencoder implements Autoencoder {
  readonly isTiny = false;
  tile: number | undefined;
  readonly latentChannels: number;
  readonly factor: number;
  readonly hasFamilyLatents: boolean;
  private readonly file: WeightFile;
  private readonly config: VaeConfig;
  private readonly latentScale: number;
  private readonly runtime: Runtime;
  private readonly sessions: Sessions<DecodeSlot>;

  /** `latentScale`: what the family multiplies the autoencoder's latents with. */
  constructor(file: WeightFile, config: VaeConfig, latentScale: number, runtime: Runtime) {
    this.file = file;
    this.config = config;
    this.latentScale = latentScale;
    this.runtime = runtime;
    this.sessions = new Sessions(runtime);
    ({ latentChannels: this.latentChannels, factor: this.factor } = config);
    this.hasFamilyLatents = file.tensors.get(`${config.prefix}.decoder.conv_in.weight`)?.shape[0] === FAMILY_WIDTH;
  }

  async decode(latents: Tensor, slot: DecodeSlot = 'decoder', seamless?: SeamlessAxes): Promise<Tensor> {
    const [batch, , height, width] = latents.dims as [number, number, number, number], { file, config, runtime } = this;
    if (slot === 'decoder' && this.isLarge(Math.max(height, width) * this.factor)) {
      await this.sessions.release(slot);
      return decodeInTiles({ file, config, runtime }, mul(latents, 1 / this.latentScale), this.tile!);
    }
    const session = await this.sessions.take(slot, keyOf(latents, seamless), () => buildVaeDecoder(this.file, this.config, { batch, height, width }, hooksOf(seamless)));
    return (await session.run({ latents: mul(latents, 1 / this.latentScale) }))['image']!;
  }

  /** The mean of the distribution. */
  async encode(image: Tensor, seamless?: SeamlessAxes): Promise<Tensor> {
    const { file, config, runtime } = this, isLarge = this.isLarge(Math.max(image.dims[2]!, image.dims[3]!));
    const moments = isLarge ? await encodeInTiles({ file, config, runtime }, image, this.tile!) : await this.moments(image, seamless);
    const [batch, channels, h, w] = moments.dims as [number, number, number, number];
    const size = (channels / 2) * h * w;
    const mean = float32([batch, channels / 2, h, w]);
    for (let b = 0; b < batch; b++) mean.data.set(moments.data.subarray(2 * b * size, (2 * b + 1) * size), b * size);
    return mul(mean, this.latentScale);
  }

  private isLarge(pixels: number): boolean { return this.tile !== undefined && pixels > this.tile; }

  /** Image [B, 3, H, W] in −1…1 → mean and log-variance [B, 8, H/8, W/8], unscaled. */
  async moments(image: Tensor, seamless?: SeamlessAxes): Promise<Tensor> {
    const [batch, , height, width] = image.dims as [number, number, number, number];
    return (await this.sessions.once(buildVaeEncoder(this.file, this.config, { batch, height, width }, hooksOf(seamless)), { image }))['moments']!;
  }

  decodeFlops(height: number, width: number): number {
    return buildVaeDecoder(this.file, this.config, { batch: 1, height, width }).flops();
  }

  close(): Promise<void> {
    return this.sessions.close();
  }
}

/** Trained to the latents of one family in diffusion scale, and a hundredth of the work. */
export class TinyAutoencoder implements Autoencoder {
  readonly latentChannels = 4;
  readonly factor = 8;
  readonly hasFamilyLatents = true;
  readonly isTiny = true;
  /** It needs none. */
  tile: number | undefined;
  private readonly file: WeightFile;
  private readonly sessions: Sessions<DecodeSlot>;

  constructor(file: WeightFile, runtime: Runtime) {
    this.file = file;
    this.sessions = new Sessions(runtime);
  }

  async decode(latents: Tensor, slot: DecodeSlot = 'decoder', seamless?: SeamlessAxes): Promise<Tensor> {
    const [batch, , height, width] = latents.dims as [number, number, number, number];
    const session = await this.sessions.take(slot, keyOf(latents, seamless), () => buildTaesdDecoder(this.file, { batch, height, width }, hooksOf(seamless)));
    return toSigned((await session.run({ latents }))['image']!);
  }

  async encode(image: Tensor, seamless?: SeamlessAxes): Promise<Tensor> {
    const [batch, , height, width] = image.dims as [number, number, number, number];
    if (!this.encodes()) lacksNetwork(this.file, 'encoder');
    return (await this.sessions.once(buildTaesdEncoder(this.file, { batch, height, width }, hooksOf(seamless)), { image: toUnit(image) }))['latents']!;
  }

  decodeFlops(height: number, width: number): number {
    return buildTaesdDecoder(this.file, { batch: 1, height, width }).flops();
  }

  /** Whether the file has an encoder, too. */
  encodes(): boolean {
    return taesdPart(this.file, 'encoder') !== undefined;
  }

  close(): Promise<void> {
    return this.sessions.close();
  }
}

/** A tiny decoder beside the autoencoder that reads pictures for it. */
class DecoderBeside implements Autoencoder {
  readonly latentChannels: number;
  readonly factor: number;
  readonly hasFamilyLatents: boolean;
  readonly isTiny: boolean;
  private readonly decoder: Autoencoder;
  private readonly encoder: Autoencoder;

  constructor(decoder: Autoencoder, encoder: Autoencoder) {
    this.decoder = decoder;
    this.encoder = encoder;
    ({ latentChannels: this.latentChannels, factor: this.factor, hasFamilyLatents: this.hasFamilyLatents, isTiny: this.isTiny } = decoder);
  }

  decode(latents: Tensor, slot?: DecodeSlot, seamless?: SeamlessAxes): Promise<Tensor> { return this.decoder.decode(latents, slot, seamless); }
  encode(image: Tensor, seamless?: SeamlessAxes): Promise<Tensor> { return this.encoder.encode(image, seamless); }
  get tile(): number | undefined { return this.encoder.tile; }
  set tile(tile: number | undefined) { this.encoder.tile = tile; }
  decodeFlops(height: number, width: number): number { return this.decoder.decodeFlops(height, width); }

  async close(): Promise<void> {
    await Promise.all([this.decoder.close(), this.encoder.close()]);
  }
}

const hooksOf = (seamless: SeamlessAxes | undefined): Hooks => (seamless ? wrapAround(seamless) : {});
const keyOf = ({ dims }: Tensor, seamless: SeamlessAxes | undefined): string => [...dims, seamless].filter(Boolean).join('x');

/** 0…1 → −1…1, and back. */
const toSigned = (image: Tensor): Tensor => float32(image.dims, image.data.map((value) => 2 * value - 1));
const toUnit = (image: Tensor): Tensor => float32(image.dims, image.data.map((value) => (value + 1) / 2));

/** What decodes and encodes for a model: `tiny` where there is one, else the KL autoencoder of `file`; undefined when neither can. */
export function openAutoencoder(file: WeightFile, tiny: WeightFile | undefined, latentScale: number, runtime: Runtime, networks: Networks): Autoencoder | undefined {
  const config = vaeConfig(file);
  const own = () => config && networks('vae', file, () => new KlAutoencoder(file, config, latentScale, runtime), String(latentScale));
  if (!tiny) return own();
  const decoder = networks('taesd', tiny, () => new TinyAutoencoder(tiny, runtime)), encoder = decoder.encodes() ? undefined : own();
  return encoder ? new DecoderBeside(decoder, encoder) : decoder;
}
