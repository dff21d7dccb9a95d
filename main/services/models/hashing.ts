// Hashes model files in the background, one at a time, and remembers the results as long as the files stay as they are.
import { hashModel, type ModelHashes } from './file-hashes';
import { openModel } from '../../files/model-folder';
import type { ModelFile } from './describe';

/** By path, size and time of change. */
export interface HashCache {
  get(path: string, sizeBytes: number, mtimeMs: number): ModelHashes | null;
  set(path: string, sizeBytes: number, mtimeMs: number, hashes: ModelHashes): void;
}

export class BackgroundHashes {
  private readonly cache: HashCache;
  private readonly waiting = new Map<string, ModelFile>();
  private readonly wanted = new Map<string, { promise: Promise<ModelHashes | null>; settle: (hashes: ModelHashes | null) => void }>();
  private readonly closing = new AbortController();
  private running: Promise<void> | null = null;

  constructor(cache: HashCache) { this.cache = cache; }

  known(file: ModelFile): ModelHashes | null { return this.cache.get(file.path, file.sizeBytes, file.mtimeMs); }

  /** Sometime, when nothing more urgent waits. */
  later(file: ModelFile): void {
    if (this.known(file)) return;
    this.waiting.set(file.path, file);
    this.begin();
  }

  /** Next in turn. null when the file cannot be read any more, or the studio closes. */
  now(file: ModelFile): Promise<ModelHashes | null> {
    const known = this.known(file);
    if (known) return Promise.resolve(known);
    let want = this.wanted.get(file.path);
    if (!want) {
      let settle: (hashes: ModelHashes | null) => void = () => {};
      want = { promise: new Promise((resolve) => { settle = resolve; }), settle: (hashes) => settle(hashes) };
      this.wanted.set(file.path, want);
    }
    this.later(file);
    return want.promise;
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.running;
    for (const { settle } of this.wanted.values()) settle(null);
  }

  private begin(): void {
    this.running ??= this.run().finally(() => {
      this.running = null;
      if (this.waiting.size > 0 && !this.closing.signal.aborted) this.begin();     // one that came in just as the last one ended
    });
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    for (let file = this.next(); file && !signal.aborted; file = this.next()) {
      const hashes = await openModel(file.path).then((weights) => hashModel(weights, { signal })).catch(() => null);
      if (hashes) this.remember(file, hashes);
      this.waiting.delete(file.path);
      this.wanted.get(file.path)?.settle(hashes);
      this.wanted.delete(file.path);
    }
  }

  /** What finds no room is made again next time. */
  private remember({ path, sizeBytes, mtimeMs }: ModelFile, hashes: ModelHashes): void {
    try {
      this.cache.set(path, sizeBytes, mtimeMs, hashes);
    } catch { /* see above */ }
  }

  private next(): ModelFile | undefined {
    for (const path of this.wanted.keys()) if (this.waiting.has(path)) return this.waiting.get(path);
    for (const file of this.waiting.values()) return file;
    return undefined;
  }
}
