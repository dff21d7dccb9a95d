// Changes of jobs that could not be stored, as on a full disk: they hold all the same, and are tried again until they are.
import type { JobStore } from './job-list';

type Patch = Parameters<JobStore['update']>[1];

const RETRY_MS = 5_000;

export class Unstored {
  private readonly update: JobStore['update'];
  private readonly patches = new Map<string, Patch>();
  private timer: NodeJS.Timeout | undefined;

  constructor(update: JobStore['update']) { this.update = update; }

  /** Of one job the later change counts, field by field. */
  add(id: string, patch: Patch): void {
    this.patches.set(id, { ...this.patches.get(id), ...patch });
    this.wait();
  }

  /** With what was left of earlier ones. Throws why it cannot be stored, and then it is tried again. */
  store(id: string, patch: Patch): void {
    const whole = { ...this.patches.get(id), ...patch };
    try {
      this.put(id, whole);
    } catch (error) {
      this.add(id, whole);
      throw error;
    }
    this.retry();
  }

  /** Now, as the studio closes or something else could be stored. What cannot be is tried again later. */
  retry(): void {
    try {
      for (const [id, patch] of this.patches) this.put(id, patch);
    } catch {
      this.wait();
    }
  }

  private wait(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      this.retry();
    }, RETRY_MS).unref();
  }

  private put(id: string, patch: Patch): void {
    this.update(id, patch);
    this.patches.delete(id);
  }
}
