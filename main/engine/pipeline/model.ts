// A model ready to make pictures: the networks that it is composed of, and what its family fixes beyond their tensors.
import { NUMBER_WIDTH, sizeNumbers, sizeVector } from '../families/sdxl-conditioning';
import { guidanceEmbedding, type Heads, type UnetConfig, type UnetShape } from '../families/unet';
import type { Tensor } from '../tensor';
import { loraTargets, type LoraTargets } from '../weights/lora/targets';
import type { WeightFile } from '../weights/source';
import { openAutoencoder, type Autoencoder } from './autoencoder';
import type { Asked, Extension, UnetCall } from './extensions';
import type { TextAdapters } from './loras';
import { familyTraits, type FamilyTraits } from './family';
import { lacksNetwork, TextEncoders, Unet, type Condition, type EncodedText, type Inserts, type Networks } from './networks';
import type { Runtime, Session } from './runtime';

/** Head counts that a configuration states, where the family's rule does not hold (the golden cases). */
export interface HeadOverrides { readonly unet?: Heads; readonly text?: number }

/** The files that the parts of a model are read from; one checkpoint usually has them all. `tiny`: a TAESD, in the autoencoder's place. */
export interface ModelFiles { readonly unet: WeightFile; readonly text: WeightFile; readonly vae: WeightFile; readonly tiny?: WeightFile | undefined }

interface Parts { readonly unet: Unet; readonly text: TextEncoders; readonly autoencoder: Autoencoder; readonly traits: FamilyTraits }

/** `networks` says which are open already; without it, all are opened for this model. Throws model.notACheckpoint naming the part that is not there. */
export function composeModel(files: ModelFiles, runtime: Runtime, { heads = {}, networks = (_kind, _file, open) => open() }: { heads?: HeadOverrides; networks?: Networks } = {}): Model {
  const traits = familyTraits(files.unet);
  const unet = networks('unet', files.unet, () => new Unet(files.unet, runtime, heads.unet));
  const text = networks('text', files.text, () => new TextEncoders(files.text, runtime, heads.text));
  const autoencoder = openAutoencoder(files.vae, files.tiny, traits.latentScale, runtime, networks) ?? lacksNetwork(files.vae, 'vae');
  return new Model({ unet, text, autoencoder, traits });
}

export class Model {
  readonly traits: FamilyTraits;
  readonly autoencoder: Autoencoder;
  private readonly network: Unet;
  private readonly text: TextEncoders;
  private targets: LoraTargets | undefined;

  constructor({ unet, text, autoencoder, traits }: Parts) {
    this.network = unet;
    this.text = text;
    this.autoencoder = autoencoder;
    this.traits = traits;
  }

  get unet(): UnetConfig {
    return this.network.config;
  }

  /** Where its U-Net lies, for what is made from the same weights. */
  get unetFile(): WeightFile {
    return this.network.file;
  }

  /** Rows of 77 token ids, filled up with the end token, and the trained vectors in each → what the encoders say, as `adapters` have changed them. */
  encodeText(rows: readonly (readonly number[])[], clipSkip: number, inserts: Inserts = [], adapters?: TextAdapters): Promise<EncodedText> {
    return this.text.encode(rows, clipSkip, inserts, adapters);
  }

  /** Of its U-Net. */
  get path(): string {
    return this.network.file.path;
  }

  /** The layers of its U-Net and text encoders that adapters may change. */
  get loraTargets(): LoraTargets {
    const inFile = (file: WeightFile, isUnet: boolean) => [...loraTargets(file)].filter(([, { network }]) => (network === 'unet') === isUnet);
    return this.targets ??= new Map([...inFile(this.network.file, true), ...inFile(this.text.file, false)]);
  }

  /** The widths of the word vectors that its encoders read. */
  get textWidths(): number[] {
    return this.text.widths;
  }

  /** The vector condition of a picture of this size in pixels [1, vectorDim] from the pooled text [1, P]; null where the U-Net reads none. */
  vectorCondition(pooled: Tensor | null, size: { width: number; height: number }, negative: boolean): Tensor | null {
    if (this.unet.vectorDim === 0) return null;
    if (!pooled) lacksNetwork(this.text.file, 'textProjection');
    const count = (this.unet.vectorDim - pooled.data.length) / NUMBER_WIDTH;
    return sizeVector(pooled, sizeNumbers(count, size, negative));
  }

  /** Opens the U-Net for this size, so that the first step starts at once. */
  prepare(size: UnetShape, extensions: readonly Extension[] = []): Promise<Session> {
    return this.network.prepare(size, extensions);
  }

  /** What the U-Net is told beside a text's `context`, by its inputs' names. `guidance`: the scale, for a U-Net that reads it. */
  besideText(pooled: Tensor | null, { width, height, negative, guidance }: { width: number; height: number; negative: boolean; guidance: number }): Readonly<Record<string, Tensor>> {
    const y = this.vectorCondition(pooled, { width, height }, negative);
    return { ...(y && { y }), ...(this.readsGuidance() && { w: guidanceEmbedding(guidance, this.unet.guidanceDim, 1) }) };
  }

  /** x [B, 4, H/8, W/8] scaled for the network, t [B] → predicted noise or velocity [B, 4, H/8, W/8]. */
  predict(x: Tensor, t: Tensor, condition: Condition, asked: Asked, extensions: readonly Extension[] = []): Promise<Tensor> {
    return this.network.predict(x, t, condition, { ...asked, extensions });
  }

  /** The same for what `extensions` read of the U-Net between such predictions. */
  async look({ x, t, condition, ...asked }: UnetCall, extensions: readonly Extension[]): Promise<void> {
    await this.network.predict(x, t, condition, { ...asked, extensions, slot: 'beside' });
  }

  /** Lets go of what `look` has opened. */
  releaseBeside(): Promise<void> {
    return this.network.releaseBeside();
  }

  /** Lets the U-Net go: another model takes over. */
  releaseUnet(): Promise<void> {
    return this.network.release();
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
    await Promise.all([this.network.close(), this.text.close(), this.autoencoder.close()]);
  }
}
