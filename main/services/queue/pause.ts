// What keeps the queue from going on though no job is at fault: a full disk, a drive that is gone, no worker or no file handle to be had. It is said, and tried
// again until it is over.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ErrorCode, ErrorInfo } from '../../../preload/contract/errors';
import { toAppError } from '../../engine/errors';
import { isPassing } from '../../files/system-faults';

/** What the studio itself can meet besides. */
const outside: readonly ErrorCode[] = ['disk.full', 'disk.failed', 'picture.unrecorded', 'worker.notStarting'];
const RETRY_MS = 5_000;

export class Pause {
  private readonly tell: (why: ErrorInfo | null) => void;
  private readonly retryMs: number;
  /** By the job that met it. */
  private readonly faults = new Map<string, ErrorInfo>();
  private readonly waiting = new Set<() => void>();

  /** `tell` hears each change of `why`. */
  constructor(tell: (why: ErrorInfo | null) => void, { retryMs = RETRY_MS }: { retryMs?: number | undefined } = {}) {
    this.tell = tell;
    this.retryMs = retryMs;
  }

  /** null while nothing is in the way. */
  get why(): ErrorInfo | null { return this.faults.values().next().value ?? null; }

  isMetBy(jobId: string): boolean { return this.faults.has(jobId); }

  /** Resolves when nothing is in the way. */
  over(): Promise<void> {
    return this.faults.size === 0 ? Promise.resolve() : new Promise((resolve) => { this.waiting.add(resolve); });
  }

  /** What the job waited for is there, and what it does now may take long. */
  passed(jobId: string): void { this.change(() => this.faults.delete(jobId)); }

  /** Does it as soon as it can be done. Throws what is the job's own fault, and at the signal what was in the way. */
  async untilPossible<T>(jobId: string, signal: AbortSignal, act: () => Promise<T>): Promise<T> {
    try {
      for (;;) {
        try {
          return await act();
        } catch (error) {
          const fault = toAppError(error).info;
          if (signal.aborted || !(isPassing(fault.code) || outside.includes(fault.code))) throw error;
          this.change(() => this.faults.set(jobId, fault));
          await sleep(this.retryMs, undefined, { signal }).catch(() => {});
          if (signal.aborted) throw error;
        }
      }
    } finally {
      this.passed(jobId);
    }
  }

  private change(change: () => void): void {
    const before = this.why;
    change();
    if (JSON.stringify(this.why) !== JSON.stringify(before)) this.tell(this.why);
    if (this.faults.size > 0) return;
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}
