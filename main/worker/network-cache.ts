// Networks that stay open between jobs: each by what its tensors are, so that models which share one share it opened. The longest unused is let go first.
import { createHash } from 'node:crypto';
import type { NetworkKind } from '../engine/pipeline/networks';
import type { TensorEntry, WeightFile } from '../engine/weights/source';
import { versionOf } from '../files/stamp';

interface Network { close(): Promise<void> }

/** `path`: of the file that it lies in. */
export interface KeptNetwork { readonly key: string; readonly path: string; readonly bytes: number; readonly network: Network }

/** Where the networks of an assembled checkpoint stand; a TAESD's file, an upscaler's and a ControlNet's have nothing else. */
const roots: Readonly<Record<NetworkKind, readonly string[]>> = { unet: ['model.diffusion_model.'], text: ['cond_stage_model.', 'conditioner.'], vae: ['first_stage_model.'], taesd: [''], upscaler: [''], control: [''] };

export class NetworkCache {
  /** The last one was used last. */
  private kept: KeptNetwork[] = [];

  list(): readonly KeptNetwork[] {
    return this.kept;
  }

  get sizeBytes(): number {
    return this.kept.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The network of `file`'s tensors, known or opened now, and the last of those kept. `stamps`: of its files, by their paths. */
  take<N extends Network>(kind: NetworkKind, file: WeightFile, stamps: ReadonlyMap<string, string>, open: () => N, options = ''): KeptNetwork & { readonly network: N } {
    const tensors = [...file.tensors.values()].filter(({ name }) => roots[kind].some((root) => name.startsWith(root)));
    const key = `${kind} ${options} ${contentOf(file, tensors, stamps)}`;
    const known = this.kept.find((each) => each.key === key);
    const kept = known ?? { key, path: tensors[0]?.file ?? file.path, bytes: tensors.reduce((sum, { byteLength }) => sum + byteLength, 0), network: open() };
    this.touch([kept]);
    return kept as KeptNetwork & { readonly network: N };
  }

  /** They were used last. */
  touch(networks: readonly KeptNetwork[]): void {
    this.kept = [...this.kept.filter((each) => !networks.includes(each)), ...networks];
  }

  async drop(kept: KeptNetwork): Promise<void> {
    this.kept = this.kept.filter((each) => each !== kept);
    await kept.network.close();
  }
}

/** Of all files that their tensors lie in, by path. */
export async function stampsOf(files: readonly WeightFile[]): Promise<Map<string, string>> {
  const paths = new Set(files.flatMap((file) => [...file.tensors.values()].flatMap((entry) => filesOf(file, entry))));
  return new Map(await Promise.all([...paths].map(async (path): Promise<[string, string]> => [path, await versionOf(path)])));
}

/** Where its bytes lie, and those of its factor. */
const filesOf = (file: WeightFile, { file: own = file.path, factor }: TensorEntry): string[] => [own, ...(factor ? [factor.entry.file] : [])];

/** Tells networks apart that differ in any tensor's name, shape, type or place. */
function contentOf(file: WeightFile, tensors: readonly TensorEntry[], stamps: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256');
  for (const entry of tensors) {
    const paths = filesOf(file, entry);
    hash.update(JSON.stringify([{ ...entry, data: undefined, file: paths[0] }, ...paths.map((path) => stamps.get(path))]));
    if (entry.data) hash.update(entry.data);
  }
  return hash.digest('hex');
}
