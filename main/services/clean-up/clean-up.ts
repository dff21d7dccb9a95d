// Removes what nothing names any more: some time after the start and now and then, in small pieces, and only while nobody else uses the folder. What
// cannot be made again goes into the trash first, from where it comes back when somebody names it after all.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log/log';

/** Takes something away, and hands over after each piece. Returns how much that was. */
export type Cleaner = () => Generator<unknown, number> | AsyncGenerator<unknown, number>;

export interface CleanUpTimes { readonly firstMs?: number | undefined; readonly everyMs?: number | undefined; readonly restMs?: number | undefined }

const FIRST_MS = 5 * 60_000, EVERY_MS = 6 * 3_600_000, REST_MS = 50;

export class CleanUp {
  private readonly cleaners: Readonly<Record<string, Cleaner>>;
  private readonly mayGoOn: () => boolean;
  private readonly log: Log;
  private readonly times: CleanUpTimes;
  private readonly stop = new AbortController();
  private running: Promise<unknown> = Promise.resolve();

  /** `mayGoOn`: asked before each piece. Throws nothing. */
  constructor(cleaners: Readonly<Record<string, Cleaner>>, mayGoOn: () => boolean, log: Log, times: CleanUpTimes = {}) {
    this.cleaners = cleaners;
    this.mayGoOn = mayGoOn;
    this.log = log;
    this.times = times;
  }

  start(): void { void this.keepOn(); }

  /** Resolves when nothing is removed any more. */
  async close(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  /** Once, all in their order: how much each took away. One that fails leaves the others to it. */
  run(): Promise<Record<string, number>> {
    const run = this.running.then(async () => {
      const removed: Record<string, number> = {};
      for (const [name, clean] of Object.entries(this.cleaners)) removed[name] = await this.runOne(name, clean);
      if (Object.values(removed).some((count) => count > 0)) this.log.info('cleanUp.done', removed);
      return removed;
    });
    this.running = run;
    return run;
  }

  private async keepOn(): Promise<void> {
    const { firstMs = FIRST_MS, everyMs = EVERY_MS } = this.times, { signal } = this.stop;
    for (let ms = firstMs; !signal.aborted; ms = everyMs) {
      await sleep(ms, undefined, { signal, ref: false }).catch(() => {});
      if (!signal.aborted) await this.run();
    }
  }

  private async runOne(name: string, clean: Cleaner): Promise<number> {
    try {
      const pieces = clean();
      while (!this.stop.signal.aborted && this.mayGoOn()) {
        const { done, value } = await pieces.next();
        if (done) return value;
        await sleep(this.times.restMs ?? REST_MS, undefined, { signal: this.stop.signal, ref: false }).catch(() => {});
      }
    } catch (error) {
      this.log.error('cleanUp.failed', { kind: name, error });
    }
    return 0;
  }
}
