// What the worker's process holds of its own. Its allocator keeps what a job has needed, which makes the next one of the same shape fast
// (docs/notes/weights-stay-mapped.md) and is in nobody's use otherwise. It gives back nothing, so another process takes its place: when there has been
// nothing to do for a while, at once when memory is scarce, and before a job of another shape when it is a large share of the machine's.
import { availableBytes, memoryOf, totalBytes } from '../machine/hardware';
import type { FromWorker } from '../../worker/protocol';
import type { WorkerHost } from './host';

/** A worker that has just started has 90 MB, and 50 more with the demo model open: weights are mapped, and not its own. */
const FRESH_BYTES = 120e6;
/** A second or two of the next job's time are worth more than less than this. */
const SPARE_BYTES = 128e6;
const SPARE_SHARE = 1 / 8;
const SCARCE_SHARE = 0.08;
const IDLE_MS = 30_000;
const LOOK_MS = 2_000;

/** Of a process, in bytes: all that is resident, and how much of it is mapped from files, which the system takes back when it needs the room. */
export interface Held { readonly residentBytes: number; readonly mappedBytes: number }

export interface MemoryOptions {
  readonly idleMs?: number;
  readonly lookMs?: number;
  readonly measure?: (pid: number) => Promise<Held | null>;
  readonly available?: () => number;
  readonly total?: number;
}

type Host = Pick<WorkerHost, 'state' | 'pid' | 'dismiss'> & { on(event: 'message', listener: (message: FromWorker) => void): unknown };

export class WorkerMemory {
  private readonly host: Host;
  private readonly options: Required<MemoryOptions>;
  /** What the worker last said, for systems that do not tell of another process. */
  private said: Held = { residentBytes: 0, mappedBytes: 0 };
  private shape: string | null = null;
  private idleSince = Infinity;
  private timer: NodeJS.Timeout | undefined;

  constructor(host: Host, { idleMs = IDLE_MS, lookMs = LOOK_MS, measure = memoryOf, available = availableBytes, total = totalBytes() }: MemoryOptions = {}) {
    this.host = host;
    this.options = { idleMs, lookMs, measure, available, total };
    host.on('message', (message) => {
      if (message.type === 'ready') this.said = { residentBytes: 0, mappedBytes: 0 };
      if (message.type !== 'memory') return;
      const mappedBytes = Math.min(message.rssBytes, message.models.reduce((sum, { bytes }) => sum + bytes, 0));
      this.said = { residentBytes: message.rssBytes, mappedBytes };
      this.watch();
    });
  }

  async held(): Promise<Held> {
    const { pid } = this.host;
    return pid === undefined ? { residentBytes: 0, mappedBytes: 0 } : await this.options.measure(pid) ?? this.said;
  }

  /** `shape`: jobs of one shape need the same memory, which is there after the first. */
  async beforeJob(shape: string): Promise<void> {
    clearInterval(this.timer);
    const isAnother = this.shape !== null && this.shape !== shape;
    this.shape = shape;
    if (isAnother && await this.spareBytes() > Math.max(SPARE_BYTES, SPARE_SHARE * this.options.total)) this.host.dismiss();
  }

  close(): void { clearInterval(this.timer); }

  /** The next job ends it. */
  private watch(): void {
    clearInterval(this.timer);
    this.idleSince = performance.now();
    this.timer = setInterval(() => void this.look(), this.options.lookMs).unref();
  }

  private async look(): Promise<void> {
    const { timer } = this, { idleMs, available, total } = this.options;
    if (this.host.state !== 'ready' || (performance.now() - this.idleSince < idleMs && available() > SCARCE_SHARE * total)) return;
    const isSpare = await this.spareBytes() > SPARE_BYTES;
    if (this.host.state !== 'ready' || timer !== this.timer) return;         // a job came meanwhile
    if (isSpare) this.host.dismiss();
  }

  private async spareBytes(): Promise<number> {
    const { residentBytes, mappedBytes } = await this.held();
    return residentBytes - mappedBytes - FRESH_BYTES;
  }
}
