// Models that stay ready between jobs, and are let go when memory gets scarce. A model is composed of networks, which are what is kept: one that has only
// another VAE shares the rest.
import { freemem, totalmem } from 'node:os';
import { needsBase } from '../engine/families/control/controlnet-file';
import { residualDenseNetwork } from '../engine/families/upscalers/residual-dense';
import { upscalerNetwork } from '../engine/families/upscalers/network';
import { TinyAutoencoder, type Autoencoder } from '../engine/pipeline/autoencoder';
import { openControl, type ControlNetwork } from '../engine/pipeline/control';
import { openImageAdapter, type ImageAdapter } from '../engine/pipeline/image-prompt';
import { composeModel, type Model } from '../engine/pipeline/model';
import type { Networks } from '../engine/pipeline/networks';
import type { Runtime } from '../engine/pipeline/runtime';
import { Upscaler } from '../engine/pipeline/upscaler';
import { Vision } from '../engine/vision/vision';
import { embeddedUpscalerAt, openEmbedded, type EmbeddedModel } from '../files/embedded-models';
import { openModel } from '../files/model-folder';
import { versionOf } from '../files/stamp';
import { openParts, pathsOf, type ModelPaths } from './model-parts';
import { NetworkCache, stampsOf, type KeptNetwork } from './network-cache';

/** Below this share of the machine's memory, networks that no job uses are let go. */
const SCARCE = 0.08;

const systemFreeShare = (): number => (process.availableMemory?.() ?? freemem()) / totalmem();

interface Composed<Made> { readonly version: string; readonly made: Made; readonly networks: readonly KeptNetwork[] }

export class ModelCache {
  private readonly runtime: Runtime;
  private readonly freeShare: () => number;
  /** The small networks that come along; they are open while one of them is needed. */
  readonly vision: Vision;
  /** Too small to count. */
  private readonly embedded = new Map<EmbeddedModel, Upscaler>();
  private cacheBytes = Infinity;
  private readonly networks = new NetworkCache();
  /** What was composed of them, by its files. */
  private readonly composed = new Map<string, Composed<unknown>>();
  /** The last job's. */
  private readonly used = new Set<KeptNetwork>();

  /** `freeShare`: how much of the machine's memory, or of what this process may have of it, is to be had now; 0–1. */
  constructor(runtime: Runtime, freeShare: () => number = systemFreeShare) {
    this.runtime = runtime;
    this.vision = new Vision(runtime, openEmbedded);
    this.freeShare = freeShare;
  }

  /** The models of a job that begins, which make room for each other by no means. Throws file.*, weights.*, model.* when one is not a model that runs. */
  async get<Models extends readonly ModelPaths[]>(...wanted: Models): Promise<{ [I in keyof Models]: Model }> {
    this.used.clear();
    const models: Model[] = [];
    for (const paths of wanted) models.push(await this.model(paths));
    await this.shrink();
    return models as { [I in keyof Models]: Model };
  }

  /** A TAESD that shows the steps of the job. Throws file.*, weights.* when it cannot be opened. */
  previewDecoder(path: string): Promise<Autoencoder> {
    return this.compose(['preview', path], [path], async (networks) => {
      const file = await openModel(path);
      return networks(await stampsOf([file]))('taesd', file, () => new TinyAutoencoder(file, this.runtime));
    });
  }

  /** What makes pictures larger. Throws file.*, weights.*, model.unsupported when it is none that we know. */
  upscaler(path: string): Promise<Upscaler> {
    const embedded = embeddedUpscalerAt(path);
    if (embedded) return this.embeddedUpscaler(embedded);
    return this.compose(['upscaler', path], [path], async (networks) => {
      const file = await openModel(path), network = upscalerNetwork(file);
      return networks(await stampsOf([file]))('upscaler', file, () => new Upscaler(network, this.runtime));
    });
  }

  private async embeddedUpscaler(name: EmbeddedModel): Promise<Upscaler> {
    const upscaler = this.embedded.get(name) ?? new Upscaler(residualDenseNetwork(await openEmbedded(name)), this.runtime);
    this.embedded.set(name, upscaler);
    return upscaler;
  }

  /** What steers the U-Net of `model`, which is made of the files in `base`. Throws file.*, weights.*, control.* when it is none, or another base's. */
  control(path: string, base: ModelPaths, model: Model): Promise<ControlNetwork> {
    const files = [path, ...pathsOf(base)];
    return this.compose(['control', files], files, async (networks) => {
      const file = await openModel(path), stamps = await stampsOf([file]), own = JSON.stringify([model.unet, needsBase(file) && [...(await stampsOf([model.unetFile]))]]);
      return networks(stamps)('control', file, () => openControl(file, { file: model.unetFile, unet: model.unet }, this.runtime), own);
    });
  }

  /** A control that is an IP-Adapter, with one of the image towers, or undefined. Throws file.*, weights.*, control.* where it is another base's, or no tower fits. */
  async imageAdapter(path: string, towers: readonly string[], { unet }: Model): Promise<ImageAdapter | undefined> {
    const file = await openModel(path);
    return openImageAdapter(file, { unet, towers: () => Promise.all(towers.map((tower) => openModel(tower))), version: await versionOf(path) }, this.runtime);
  }

  /** Bytes that are kept open, by the files that they lie in; the last one was used last. */
  list(): { path: string; bytes: number }[] {
    const files = new Map<string, number>();
    for (const { path, bytes } of this.networks.list()) {
      const before = files.get(path) ?? 0;
      files.delete(path);
      files.set(path, before + bytes);
    }
    return [...files].map(([path, bytes]) => ({ path, bytes }));
  }

  async limit(cacheBytes: number): Promise<void> {
    this.cacheBytes = cacheBytes;
    await this.shrink();
  }

  async releaseAll(): Promise<void> {
    for (const network of [...this.networks.list()]) await this.drop(network);
    for (const upscaler of this.embedded.values()) await upscaler.close();
    this.embedded.clear();
    this.used.clear();
  }

  /** Called while nothing runs. Mapped weights cost nothing to bring back as long as the system still has the file cached. */
  async releaseIfScarce(): Promise<void> {
    if (this.freeShare() < SCARCE) await this.releaseAll();
  }

  private model(paths: ModelPaths): Promise<Model> {
    return this.compose(['model', paths.model, paths.vae, paths.textEncoders ?? []], pathsOf(paths), async (networks) => {
      const { file, tiny } = await openParts(paths);
      return composeModel({ unet: file, text: file, vae: file, tiny }, this.runtime, { networks: networks(await stampsOf(tiny ? [file, tiny] : [file])) });
    });
  }

  /** Known while its files are as they were, or composed now of networks that are open or are opened. */
  private async compose<Made>(name: unknown[], files: readonly string[], compose: (networks: (stamps: ReadonlyMap<string, string>) => Networks) => Promise<Made>): Promise<Made> {
    const version = (await Promise.all(files.map(versionOf))).join(), key = JSON.stringify(name);
    let known = this.composed.get(key) as Composed<Made> | undefined;
    if (known?.version !== version) {
      const taken: KeptNetwork[] = [];
      const made = await compose((stamps) => (kind, file, open, options) => {
        const kept = this.networks.take(kind, file, stamps, open, options);
        taken.push(kept);
        return kept.network;
      });
      const stale = known?.networks ?? [];
      known = { version, made, networks: taken };
      this.composed.set(key, known);
      for (const network of stale) if (![...this.composed.values()].some(({ networks }) => networks.includes(network))) await this.drop(network);
    }
    this.networks.touch(known.networks);
    for (const network of known.networks) this.used.add(network);
    return known.made;
  }

  /** Keeps what the last job used, whatever its size. */
  private async shrink(): Promise<void> {
    const scarce = this.freeShare() < SCARCE;
    for (const network of [...this.networks.list()]) {
      if (this.networks.sizeBytes <= this.cacheBytes && !scarce) return;
      if (!this.used.has(network)) await this.drop(network);
    }
  }

  private async drop(network: KeptNetwork): Promise<void> {
    for (const [key, { networks }] of this.composed) if (networks.includes(network)) this.composed.delete(key);
    await this.networks.drop(network);
  }
}
