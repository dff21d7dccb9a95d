// Models that stay ready between jobs, and are let go when memory gets scarce. A model is its files as they were: another date or size is another model.
import { freemem, totalmem } from 'node:os';
import { Model } from '../engine/pipeline/model';
import type { Runtime } from '../engine/pipeline/runtime';
import { openParts, versionOf, type ModelPaths } from './model-parts';

/** Below this share of the machine's memory, models that no job uses are let go. */
const SCARCE = 0.08;

const systemFreeShare = (): number => (process.availableMemory?.() ?? freemem()) / totalmem();

interface Kept { readonly paths: ModelPaths; readonly key: string; readonly version: string; readonly bytes: number; readonly model: Model }

export class ModelCache {
  readonly runtime: Runtime;
  private readonly freeShare: () => number;
  private cacheBytes = Infinity;
  /** The last one was used last. */
  private kept: Kept[] = [];

  /** `freeShare`: how much of the machine's memory, or of what this process may have of it, is to be had now; 0–1. */
  constructor(runtime: Runtime, freeShare: () => number = systemFreeShare) {
    this.runtime = runtime;
    this.freeShare = freeShare;
  }

  /** The models of one job, which make room for each other by no means. Throws file.*, weights.*, model.* when one is not a model that runs. */
  async get<Models extends readonly ModelPaths[]>(...wanted: Models): Promise<{ [I in keyof Models]: Model }> {
    const models: Model[] = [];
    for (const paths of wanted) models.push(await this.take(paths));
    await this.shrink(new Set(models).size);
    return models as { [I in keyof Models]: Model };
  }

  list(): { path: string; bytes: number }[] {
    return this.kept.map(({ paths, bytes }) => ({ path: paths.model, bytes }));
  }

  async limit(cacheBytes: number): Promise<void> {
    this.cacheBytes = cacheBytes;
    await this.shrink(1);
  }

  async releaseAll(): Promise<void> {
    for (const entry of [...this.kept]) await this.drop(entry);
  }

  /** Called while nothing runs. Mapped weights cost nothing to bring back as long as the system still has the file cached. */
  async releaseIfScarce(): Promise<void> {
    if (this.freeShare() < SCARCE) await this.releaseAll();
  }

  /** Known or newly opened, and the last of those kept. */
  private async take(paths: ModelPaths): Promise<Model> {
    const { version, sizeBytes } = await versionOf(paths), key = JSON.stringify([paths.model, paths.vae, paths.textEncoders ?? []]);
    const known = this.kept.find((entry) => entry.key === key);
    if (known?.version === version) {
      this.kept = [...this.kept.filter((entry) => entry !== known), known];
      return known.model;
    }
    if (known) await this.drop(known);
    const { file, tiny } = await openParts(paths);
    const model = new Model({ unet: file, text: file, vae: file, tiny }, this.runtime);
    this.kept.push({ paths, key, version, bytes: sizeBytes, model });
    return model;
  }

  /** Keeps the `newest`, whatever their size. */
  private async shrink(newest: number): Promise<void> {
    const scarce = this.freeShare() < SCARCE;
    let bytes = this.kept.reduce((sum, entry) => sum + entry.bytes, 0);
    for (const entry of this.kept.slice(0, -newest)) {
      if (bytes <= this.cacheBytes && !scarce) return;
      bytes -= entry.bytes;
      await this.drop(entry);
    }
  }

  private async drop(entry: Kept): Promise<void> {
    this.kept = this.kept.filter((other) => other !== entry);
    await entry.model.close();
  }
}
