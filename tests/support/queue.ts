// A queue over the fake worker, with a store in memory and a library that remembers: what a test of the queue starts from.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { JobRequest, type AnyJob, type JobState, type JobView, type QueueEvent } from '../../preload/contract/job';
import type { ModelEntry } from '../../preload/contract/model';
import { AppError } from '../../main/engine/errors';
import type { KnownBeside } from '../../main/services/models/runnable';
import { briefOf } from '../../main/services/queue/brief';
import type { JobStore, StoredJob } from '../../main/services/queue/job-list';
import { KeptSteps } from '../../main/services/queue/kept-steps';
import { Queue, type QueueServices } from '../../main/services/queue/queue';
import { WorkerHost } from '../../main/services/workers/host';
import type { SpawnWorker } from '../../main/services/workers/spawn';
import type { RunMessage, UpscaleMessage } from '../../main/worker/protocol';
import { memoryLog, type HeardLog } from './log';
import { fakeWorker } from './fake-worker-path';

export { fakeWorker };

/** The models that there are, by id. */
const families: Readonly<Record<string, string>> = { mini: 'sd1', xl: 'sdxl', refiner: 'sdxl-refiner' };
const hashes: Readonly<Record<string, string>> = { mini: 'a'.repeat(64), xl: 'b'.repeat(64), refiner: 'c'.repeat(64), 'fine.safetensors': 'd'.repeat(64), clip_l: 'e'.repeat(64) };
/** A blob that was never added. */
export const missingBlob = '0'.repeat(64);

export class MemoryStore implements JobStore {
  readonly jobs = new Map<string, StoredJob>();
  insertMany(jobs: readonly StoredJob[]): void { for (const job of jobs) this.jobs.set(job.id, structuredClone(job)); }
  update(id: string, patch: Partial<StoredJob>): void { this.jobs.set(id, structuredClone({ ...this.jobs.get(id)!, ...patch })); }
  get(id: string): StoredJob | null { return this.jobs.get(id) ?? null; }
  listUnfinished() { return { jobs: [...this.jobs.values()].filter((job) => !['done', 'failed', 'cancelled'].includes(job.state)).map(({ spec, ...job }) => ({ ...job, ...briefOf(spec) })), unreadable: [] }; }
  cancelMany(ids: readonly string[], at: number): void { for (const id of ids) this.update(id, { state: 'cancelled', endedAt: at }); }
}

export interface Bench {
  readonly queue: Queue;
  readonly host: WorkerHost;
  readonly store: MemoryStore;
  /** What the worker was asked for. */
  readonly runs: () => RunMessage[];
  /** What was sent of pictures to be made larger. */
  readonly upscales: () => UpscaleMessage[];
  readonly saved: { job: AnyJob; bytes: number }[];
  readonly events: QueueEvent[];
  readonly log: HeardLog['lines'];
  ask(prompt: string, more?: Omit<Partial<JobRequest>, 'files'> & { files?: Partial<JobRequest['files']> }): Promise<JobView[]>;
  /** The states that a job went through, as the listeners were told. */
  states(id: string): JobState[];
  view(id: string): JobView;
  /** Resolves when a listener hears of it. */
  until(id: string, test: JobState | ((job: JobView) => boolean)): Promise<JobView>;
  close(): Promise<void>;
}

/** `opening`: what is waited for when a job's files are opened. `stepsFolder`: outlives the bench. */
export function openBench(options: { store?: MemoryStore; stepsFolder?: string; spawn?: SpawnWorker; cancelMs?: number; retryMs?: number; backOffMs?: number[]; prediction?: 'eps' | 'v'; save?: QueueServices['save']; opening?: () => Promise<void>; loras?: readonly KnownBeside[] } = {}): Bench {
  const store = options.store ?? new MemoryStore();
  const stepsFolder = options.stepsFolder ?? mkdtempSync(join(tmpdir(), 'atelier-steps-'));
  const saved: Bench['saved'] = [], log = memoryLog();
  const host = new WorkerHost(fakeWorker, options.spawn, { backOffMs: options.backOffMs });
  const runs = vi.spyOn(host, 'run');
  const queue = new Queue({
    host, memory: { beforeJob: async () => {} }, jobs: store, steps: new KeptSteps(stepsFolder, log), log,
    models: {
      runnable: async ({ model: id, vae, textEncoders = [] }) => {
        const file = (part: string) => ({ id: part, name: part, path: `/models/${part}`, hash: null });
        const family = families[id];
        if (!family) throw new AppError('model.notFound', { why: 'id', id });
        return {
          id, name: id, path: `/models/${id}.safetensors`, hash: null, parts: { ...(vae && { vae: file(vae) }), ...(textEncoders.length > 0 && { textEncoders: textEncoders.map(file) }) }, sizeBytes: 34e6, parameters: 16.9e6, family, cost: () => ({ unetFlops: 1, decodeFlops: 1 }),
          prediction: options.prediction,
        };
      },
      file: async (id) => options.loras?.find((lora) => lora.id === id) ?? { id, name: id, path: `/models/${id}`, hash: hashes[id] ?? null, made: null, outputName: undefined, scale: 4 },
      previewDecoder: async (family) => {
        await options.opening?.();
        return family === 'sdxl' ? '/models/taesdxl_decoder.safetensors' : null;
      },
      known: async () => (options.loras ?? []).map(({ id, name, path, made, outputName }) => ({ entry: { id, name, path, kind: 'lora' } as ModelEntry, hashes: null, made, outputName })),
      allHashes: async (id) => (hashes[id] ? { sha256: hashes[id], autov1: '', autov2: '', autov3: hashes[id].slice(0, 12) } : null),
    },
    prompts: { prepare: async (job) => ({ job, notices: [] }) },
    pictureSize: async (hash) => {
      if (hash === missingBlob) throw new AppError('picture.notFound', { why: 'blob', hash });
      return { width: 100, height: 60 };
    },
    blobPath: async (hash) => {
      if (hash === missingBlob) throw new AppError('picture.notFound', { why: 'blob', hash });
      return `/blobs/${hash}`;
    },
    save: options.save ?? (async (pixels, job) => {
      saved.push({ job, bytes: pixels.rgb.length });
      return { id: saved.length.toString(16).padStart(64, '0'), width: pixels.width, height: pixels.height, sizeBytes: 1, createdAt: 0, seconds: 0, parameters: '', job, path: '' };
    }),
    isMade: async () => false,
    estimates: { decodeSeconds: () => 0.5, measured: () => {} },
  }, { cancelMs: options.cancelMs, retryMs: options.retryMs ?? 5 });
  const events: QueueEvent[] = [];
  const stop = new AbortController();
  const hearers = new Set<() => void>();
  const listening = (async () => {
    for await (const event of queue.events(stop.signal)) { events.push(event); for (const hear of hearers) hear(); }
  })();
  queue.start({ resume: true });

  const heard = (id: string) => events.flatMap((event) => event.type === 'job' && event.job.id === id ? [event.job] : []);
  return {
    queue, host, store, saved, events, log: log.lines, runs: () => runs.mock.calls.flatMap(([message]) => (message.type === 'run' ? [message] : [])), upscales: () => runs.mock.calls.flatMap(([message]) => (message.type === 'upscale' ? [message] : [])),
    ask: (prompt, more) => queue.enqueue(JobRequest.parse({ prompt, steps: 4, sampler: 'euler', schedule: 'normal', cfg: 4, width: 64, height: 64, ...more, files: { model: 'mini', ...more?.files } })),
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
    close: async () => {
      await queue.close();
      stop.abort();
      await listening;
      if (options.stepsFolder === undefined) rmSync(stepsFolder, { recursive: true, force: true });
    },
  };
}
