// What lies in the model files that were used last: thousands of tensors each, so that it is not kept of every file in a collection.
import type { WeightFile } from '../../engine/weights/source';
import { openModel } from '../../files/model-folder';
import type { ModelFile } from './describe';

/** Some twenty models of SDXL's size. */
const MOST_TENSORS = 60_000;

interface Known { readonly stamp: string; readonly weights: Promise<WeightFile>; tensors: number }

export class KnownWeights {
  /** By path, the one that was used last at the end. */
  private readonly known = new Map<string, Known>();

  /** The same answer while the file is the same. Throws what `openModel` throws. */
  async of({ path, sizeBytes, mtimeMs, config }: ModelFile): Promise<WeightFile> {
    const stamp = `${sizeBytes} ${mtimeMs} ${config}`, before = this.known.get(path), entry = before?.stamp === stamp ? before : { stamp, weights: openModel(path), tensors: 0 };
    this.known.delete(path);
    this.known.set(path, entry);
    try {
      entry.tensors = (await entry.weights).tensors.size;
    } catch (error) {
      if (this.known.get(path) === entry) this.known.delete(path);
      throw error;
    }
    this.forgetOldest();
    return entry.weights;
  }

  private forgetOldest(): void {
    let total = [...this.known.values()].reduce((sum, { tensors }) => sum + tensors, 0);
    for (const [path, { tensors }] of this.known) {
      if (total <= MOST_TENSORS) return;
      this.known.delete(path);
      total -= tensors;
    }
  }
}
