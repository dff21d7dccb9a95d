// A queue over the fake worker, with a store in memory and a library that remembers: what a test of the queue starts from.
import { join } from 'node:path';
import { JobRequest, type JobState, type JobView, type QueueEvent } from '../../preload/contract/job';
import { AppError } from '../../main/engine/errors';
import { Queue, type JobStore, type QueueServices, type StoredJob } from '../../main/services/queue/queue';
import { WorkerHost } from '../../main/services/worker-host';

export const fakeWorker = join(import.meta.dirname, 'fake-worker.mjs');
const modelHash = 'a'.repeat(64);

export class MemoryStore implements JobStore {
  readonly jobs = new Map<string, StoredJob>();
  insertMany(jobs: readonly StoredJob[]): void { for (const job of jobs) this.jobs.set(job.id, structuredClone(job)); }
  update(id: string, patch: Partial<StoredJob>): void { this.jobs.set(id, structuredClone({ ...this.jobs.get(id)!, ...patch })); }
  listUnfinished(): StoredJob[] { return [...this.jobs.values()].filter((job) => !['done', 'failed', 'cancelled'].includes(job.state)); }
}

export interface Bench {
  readonly queue: Queue;
  readonly host: WorkerHost;
  readonly store: MemoryStore;
  readonly saved: { job: JobView['spec']; bytes: number }[];
  readonly events: QueueEvent[];
  ask(prompt: string, more?: Partial<JobRequest>): Promise<JobView[]>;
  /** The states that a job went through, as the listeners were told. */
  states(id: string): JobState[];
  view(id: string): JobView;
  /** Resolves when a listener hears of it. */
  until(id: string, test: JobState | ((job: JobView) => boolean)): Promise<JobView>;
  close(): Promise<void>;
}

export function openBench(options: { store?: MemoryStore; cancelMs?: number; save?: QueueServices['save'] } = {}): Bench {
  const store = options.store ?? new MemoryStore();
  const saved: Bench['saved'] = [];
  const host = new WorkerHost(fakeWorker);
  const queue = new Queue({
    host, jobs: store,
    models: {
      runnable: async (id) => {
        if (id !== 'mini') throw new AppError('model.notFound', { message: `There is no model ${id}` });
        return { name: 'Mini', path: '/models/mini.safetensors', hash: null, sizeBytes: 34e6, parameters: 16.9e6 };
      },
      hash: async () => modelHash,
    },
    initPath: async (hash) => `/blobs/${hash}`,
    save: options.save ?? (async (pixels, job) => {
      saved.push({ job, bytes: pixels.rgb.length });
      return { id: saved.length.toString(16).padStart(64, '0'), width: pixels.width, height: pixels.height, sizeBytes: 1, createdAt: 0, seconds: 0, parameters: '', job, path: '' };
    }),
    estimates: { decodeSeconds: () => 0.5, measured: () => {} },
  }, { cancelMs: options.cancelMs });
  const events: QueueEvent[] = [];
  const stop = new AbortController();
  const hearers = new Set<() => void>();
  const listening = (async () => {
    for await (const event of queue.events(stop.signal)) { events.push(event); for (const hear of hearers) hear(); }
  })();
  queue.start({ resume: true });

  const heard = (id: string) => events.flatMap((event) => event.type === 'job' && event.job.id === id ? [event.job] : []);
  return {
    queue, host, store, saved, events,
    ask: (prompt, more) => queue.enqueue(JobRequest.parse({ model: 'mini', prompt, steps: 4, sampler: 'euler', schedule: 'normal', cfg: 4, width: 64, height: 64, ...more })),
    states: (id) => heard(id).map((job) => job.state).filter((state, i, all) => state !== all[i - 1]),
    view: (id) => queue.list().find((job) => job.id === id)!,
    until: (id, test) => new Promise((resolve) => {
      const check = typeof test === 'string' ? (job: JobView) => job.state === test : test;
      const hear = () => {
        const hit = heard(id).find(check);
        if (hit) { hearers.delete(hear); resolve(hit); }
      };
      hearers.add(hear);
      hear();
    }),
    close: async () => { await queue.close(); stop.abort(); await listening; },
  };
}
