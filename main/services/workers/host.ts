// Owns one worker process at a time: starts it, speaks the protocol with it, and notices at once when it is gone.
//
//   gone ── start ──► starting ── 'ready' ──► ready ◄── run / done, failed, cancelled ──► busy
//     ▲                   │                     └── its port closes ──► ending ◄───────────┤
//     └──── exit (we asked for it) or crash (it died: launchFailed, killed, memory, failed) ┘
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../engine/errors';
import { systemFault } from '../../files/system-faults';
import type { FromWorker, JobMessage, ToWorker } from '../../worker/protocol';
import { availableBytes, memoryKills, memoryOf, totalBytes } from '../machine/hardware';
import { forkWorker } from './fork';
import type { ChildExit, SpawnWorker, WorkerChild } from './spawn';
import { lastWords } from './last-words';

export type CrashReason = 'launchFailed' | 'killed' | 'memory' | 'failed';
export interface Crash {
  readonly reason: CrashReason;
  /** The job that it was running. */
  readonly jobId: string | null;
  readonly code: number | null;
  readonly signal: string | null;
  /** The last that it wrote to stderr. */
  readonly stderr: string;
  /** Highest resident size that was seen. */
  readonly peakBytes: number;
  /** `kill` was called: nothing is wrong with it. */
  readonly asked: boolean;
}

/** `ending`: it hears nothing any more, and its last words are awaited. */
type Phase = 'gone' | 'starting' | 'ready' | 'busy' | 'ending';

interface WorkerEvents {
  /** A new process was started; 'ready' follows, or 'crash'. */
  starting: [];
  ready: [];
  message: [FromWorker];
  /** It ended because `stop` asked it to. */
  exit: [];
  /** It died by itself, or was killed by somebody (`kill` and `dismiss` included). */
  crash: [Crash];
}

const STDERR_TAIL = 8_192;
/** Waits before a start, by the number of crashes in a row: the first one is made good at once. A worker that lived for `STABLE_MS` ends a row. */
const BACK_OFF_MS = [0, 0, 500, 2_000, 8_000];
const STABLE_MS = 30_000;
const LAUNCH_TRIES = 3;
/** A worker whose port is closed ends by itself; one that does not is of no use. */
const ENDING_MS = 2_000;
const LAUNCH_TIMEOUT_MS = 60_000;
/** A killed process is gone in some milliseconds, but for one that the system holds in a read of a dead disk. */
const STOP_MS = 5_000;
const SAMPLE_MS = 500;

export class WorkerHost extends EventEmitter<WorkerEvents> {
  private readonly entry: string;
  private readonly spawn: SpawnWorker;
  private readonly stopMs: number;
  private readonly backOffMs: readonly number[];
  private readonly stopping = new AbortController();
  private child: WorkerChild | null = null;
  /** Resolves when `child` has died, however long ago. */
  private gone: Promise<void> = Promise.resolve();
  private endOfLife: () => void = () => {};
  private phase: Phase = 'gone';
  private jobId: string | null = null;
  private killing = false;
  private starting: Promise<void> | null = null;
  private ending: NodeJS.Timeout | undefined;
  private crashes = 0;
  private startedAt = 0;
  private stderr = '';
  private peakBytes = 0;
  /** Why the system made no process of the last try. */
  private unstarted: unknown;
  private leastAvailableBytes = Infinity;
  private memoryKills: number | null = null;

  /** `stopMs`: `stop` waits no longer than this for a process that does not go. */
  constructor(entry: string, spawn: SpawnWorker = forkWorker, { stopMs = STOP_MS, backOffMs = BACK_OFF_MS } = {}) {
    super();
    this.entry = entry;
    this.spawn = spawn;
    this.stopMs = stopMs;
    this.backOffMs = backOffMs;
  }

  get state(): Phase { return this.phase; }
  get pid(): number | undefined { return this.child?.pid; }

  /** Resolves when a worker is ready, at once when one is. Throws machine.exhausted, worker.notStarting when none comes up after a few tries. */
  start(): Promise<void> {
    if (this.phase === 'ready' || this.phase === 'busy') return Promise.resolve();
    const launched = () => this.launchUntilReady();
    this.starting ??= (this.phase === 'ending' ? this.gone.then(launched) : launched()).finally(() => { this.starting = null; });
    return this.starting;
  }

  /** Sends a job. Only a ready worker takes one. */
  run(message: JobMessage): void {
    if (this.phase !== 'ready') throw new Error(`The worker is ${this.phase}, not ready for a job`);
    this.phase = 'busy';
    this.jobId = message.id;
    this.peakBytes = 0;
    this.leastAvailableBytes = Infinity;
    this.memoryKills = memoryKills();
    this.send(message);
  }

  /** Does nothing when no worker is there to hear it. */
  send(message: ToWorker): void {
    if (this.phase === 'ready' || this.phase === 'busy') this.child?.port.post(message);
  }

  /** Ends the worker in the middle of this job; a 'crash' follows. One that runs another job, or none, lives on. */
  kill(jobId: string): void {
    if (this.child && this.jobId === jobId) this.killing = this.child.kill() || this.killing;
  }

  /** Ends a worker that has nothing to do; a 'crash' that was asked for follows. */
  dismiss(): void {
    if (this.phase !== 'ready' || !this.child) return;
    this.phase = 'ending';
    this.killing = this.child.kill() || this.killing;
  }

  /** Ends the worker for good and waits until it is gone, or until it is clear that the system does not let it go. */
  async stop(): Promise<void> {
    this.stopping.abort();
    const { child } = this;
    if (!child) return;
    child.kill();
    const waited = new AbortController();
    await Promise.race([this.gone, sleep(this.stopMs, undefined, { signal: waited.signal }).catch(() => {})]);
    waited.abort();
    this.bury(child, { code: null, signal: null });
  }

  private async launchUntilReady(): Promise<void> {
    let last = '';
    this.unstarted = undefined;
    for (let tries = 0; tries < LAUNCH_TRIES; tries++) {
      const wait = this.backOffMs[Math.min(this.crashes, this.backOffMs.length - 1)]!;
      if (wait > 0) await sleep(wait, undefined, { signal: this.stopping.signal }).catch(() => {});
      if (this.stopping.signal.aborted) break;
      if (await this.launch()) return;
      last = this.stderr.trim() || (this.unstarted instanceof Error ? this.unstarted.message : '');
    }
    const passing = systemFault(this.unstarted, this.entry);
    if (passing) throw passing;
    throw new AppError('worker.notStarting', { detail: lastWords(last) || 'it said nothing' });
  }

  /** One process, from its start to 'ready' (true) or its death (false). */
  private launch(): Promise<boolean> {
    this.phase = 'starting';
    this.startedAt = performance.now();
    this.stderr = '';
    this.memoryKills = memoryKills();
    let child: WorkerChild;
    try {
      child = this.spawn(this.entry);
    } catch (error) {
      this.phase = 'gone';
      this.unstarted = error;
      return Promise.resolve(false);
    }
    this.child = child;
    this.killing = false;
    this.emit('starting');
    const timeout = setTimeout(() => child.kill(), LAUNCH_TIMEOUT_MS);
    const sampler = setInterval(() => void this.sampleMemory(child), SAMPLE_MS).unref();
    child.onStderr((text) => {
      this.stderr = (this.stderr + text).slice(-STDERR_TAIL);
      if (process.env.DEBUG) process.stderr.write(text);
    });
    return new Promise((resolve) => {
      child.port.onMessage((message) => {
        if (this.child !== child) return;
        if (message.type === 'ready') { clearTimeout(timeout); this.becomeReady(); resolve(true); }
        this.receive(message);
      });
      this.gone = new Promise((buried) => {
        this.endOfLife = () => { clearTimeout(timeout); clearTimeout(this.ending); clearInterval(sampler); resolve(false); buried(); };
      });
      child.port.onClose(() => this.hangUp(child));
      child.onExit((exit) => this.bury(child, exit));
    });
  }

  private becomeReady(): void {
    this.phase = 'ready';
    this.emit('ready');
  }

  private hangUp(child: WorkerChild): void {
    if (this.child !== child || (this.phase !== 'ready' && this.phase !== 'busy')) return;
    this.phase = 'ending';
    this.ending = setTimeout(() => child.kill(), ENDING_MS);
  }

  private receive(message: FromWorker): void {
    const ended = message.type === 'done' || message.type === 'failed' || message.type === 'cancelled';
    if (ended && message.id === this.jobId) {
      if (this.phase === 'busy') this.phase = 'ready';      // what a dying worker still said may come after its port has closed
      this.jobId = null;
    }
    if (message.type === 'memory') this.peakBytes = Math.max(this.peakBytes, message.rssBytes);
    this.emit('message', message);
  }

  /** Once for each process, whatever comes first: its end, or the end of our patience. */
  private bury(child: WorkerChild, exit: ChildExit): void {
    if (this.child !== child) return;
    const { jobId, stderr, peakBytes, phase, killing: asked } = this;
    this.child = null;
    this.phase = 'gone';
    this.jobId = null;
    this.unstarted ??= exit.error;
    this.endOfLife();
    if (this.stopping.signal.aborted) { this.emit('exit'); return; }
    if (!asked) this.crashes = performance.now() - this.startedAt > STABLE_MS ? 1 : this.crashes + 1;
    const reason = phase === 'starting' ? 'launchFailed' : this.whyItDied(exit.signal);
    this.emit('crash', { reason, jobId, stderr, peakBytes, asked, code: exit.code, signal: exit.signal });
  }

  /** The system's out-of-memory killer leaves no word but SIGKILL: its count tells, where there is one, and what was seen of the memory just before. */
  private whyItDied(signal: string | null): CrashReason {
    if (/out of memory|bad_alloc|failed to allocate/i.test(this.stderr)) return 'memory';
    if (signal !== 'SIGKILL') return signal === null ? 'failed' : 'killed';
    const scarce = memoryKills() !== this.memoryKills || this.peakBytes > 0.6 * totalBytes() || this.leastAvailableBytes < 0.05 * totalBytes();
    return scarce ? 'memory' : 'killed';
  }

  private async sampleMemory(child: WorkerChild): Promise<void> {
    if (this.phase !== 'busy' || child.pid === undefined) return;
    this.leastAvailableBytes = Math.min(this.leastAvailableBytes, availableBytes());
    this.peakBytes = Math.max(this.peakBytes, (await memoryOf(child.pid))?.residentBytes ?? 0);
  }
}
