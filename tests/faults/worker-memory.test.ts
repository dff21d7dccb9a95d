// What the worker holds beyond its models and the next job is given back, and jobs of one shape never wait for that.
import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { memoryOf } from '../../main/services/machine/hardware';
import { createStudio } from '../../main/services/studio';
import { forkWorker } from '../../main/services/workers/fork';
import { WorkerMemory, type Held, type MemoryOptions } from '../../main/services/workers/memory';
import type { FromWorker } from '../../main/worker/protocol';
import { JobRequest } from '../../preload/contract/job';
import { bundleProgram } from '../support/bundle-program';

const watches: WorkerMemory[] = [];
afterEach(() => { for (const memory of watches.splice(0)) memory.close(); });

const GB = 1e9;
/** A worker that holds what the test says, on a machine of 16 GB, 8 of them free. Looked at every millisecond. */
function holding(own: number, options: MemoryOptions = {}) {
  const events = new EventEmitter<{ message: [FromWorker] }>(), held: Held = { residentBytes: own + 2 * GB, mappedBytes: 2 * GB };
  let looks = 0;
  const measure = async (): Promise<Held> => { looks++; return held; };
  const dismiss = vi.fn();
  const host = Object.assign(events, { state: 'ready' as const, pid: 1, dismiss });
  const memory = new WorkerMemory(host, { idleMs: 0, lookMs: 1, measure, available: () => 8 * GB, total: 16 * GB, ...options });
  watches.push(memory);
  return { host, memory, dismiss, looks: () => looks, said: (message: FromWorker) => events.emit('message', message), jobEnded: () => events.emit('message', { type: 'memory', rssBytes: 0, models: [] }) };
}

describe('a worker with nothing to do', () => {
  it('is replaced when it holds more than a fresh one, mapped files aside', async () => {
    const { dismiss, jobEnded } = holding(1 * GB);
    jobEnded();
    await vi.waitFor(() => { expect(dismiss).toHaveBeenCalled(); });
  });

  it('and little memory stays', async () => {
    const { dismiss, jobEnded, looks } = holding(0.2 * GB);
    jobEnded();
    await vi.waitFor(() => { expect(looks()).toBeGreaterThan(3); });
    expect(dismiss).not.toHaveBeenCalled();
  });

  it('stays for a while, unless memory is scarce', async () => {
    let available = 8 * GB;
    const { dismiss, jobEnded } = holding(1 * GB, { idleMs: 3_600_000, available: () => available });
    jobEnded();
    await sleep(50);
    expect(dismiss).not.toHaveBeenCalled();
    available = 0.5 * GB;
    await vi.waitFor(() => { expect(dismiss).toHaveBeenCalled(); });
  });

  it('is left alone once a job has come, also while it is being looked at', async () => {
    let measured: (held: Held) => void = () => {};
    const asked = vi.fn(() => new Promise<Held>((resolve) => { measured = resolve; }));
    const { dismiss, jobEnded, host } = holding(1 * GB, { measure: asked });
    jobEnded();
    await vi.waitFor(() => { expect(asked).toHaveBeenCalled(); });
    Object.assign(host, { state: 'busy' });
    measured({ residentBytes: 3 * GB, mappedBytes: 0 });
    await sleep(20);
    expect(dismiss).not.toHaveBeenCalled();
  });
});

describe('between two jobs', () => {
  const after = async (own: number, shapes: readonly string[]): Promise<number> => {
    const { memory, dismiss } = holding(own);
    for (const shape of shapes) await memory.beforeJob(shape);
    return dismiss.mock.calls.length;
  };
  it('of one shape it is never replaced', async () => { expect(await after(12 * GB, ['a', 'a', 'a'])).toBe(0); });
  it('of two shapes it is, when it holds a large share of the machine\'s memory', async () => {
    expect(await after(3 * GB, ['a', 'b', 'b'])).toBe(1);
    expect(await after(1 * GB, ['a', 'b', 'a'])).toBe(0);
  });
});

it('on a system that does not tell of another process, what the worker says counts, without the files of its models', async () => {
  const { memory, said, dismiss } = holding(0, { measure: async () => null });
  said({ type: 'memory', rssBytes: 3 * GB, models: [{ path: '/m', bytes: 2 * GB }] });
  expect(await memory.held()).toEqual({ residentBytes: 3 * GB, mappedBytes: 2 * GB });
  await vi.waitFor(() => { expect(dismiss).toHaveBeenCalled(); });
});

it.skipIf(process.platform !== 'linux')('the real one gives back what jobs with prompts of 40,000 characters took, when they are all done and not between them (needs /proc)', async () => {
  const { program, folder } = await bundleProgram('main/worker/index.ts'), dataDir = await mkdtemp(join(tmpdir(), 'atelier-memory-'));
  const pids: number[] = [];
  const own = async (): Promise<number> => {
    const held = await memoryOf(pids.at(-1)!);
    return held ? held.residentBytes - held.mappedBytes : 0;
  };
  const studio = await createStudio({ dataDir, workerEntry: program, workerMemory: { idleMs: 0, lookMs: 50 }, spawnWorker: (entry) => {
    const child = forkWorker(entry);
    pids.push(child.pid!);
    return child;
  } });
  try {
    const [model] = await studio.models.list();
    const make = async (prompts: readonly string[]): Promise<void> => {
      const asked = await Promise.all(prompts.map((prompt) => studio.queue.enqueue(JobRequest.parse({
        prompt, steps: 1, sampler: 'euler', schedule: 'karras', cfg: 4, width: 64, height: 64, seed: 1, files: { model: model!.id },
      }))));
      const isDone = (id: string): boolean => studio.queue.list().some((job) => job.id === id && job.endedAt !== null);
      await vi.waitFor(() => { expect(asked.flat().every(({ id }) => isDone(id))).toBe(true); }, { timeout: 300_000 });
      expect(studio.queue.list().map(({ error }) => error?.code ?? null)).toEqual(studio.queue.list().map(() => null));
    };
    await make(['a red house', 'a blue house']);
    const before = await own();
    expect(pids).toHaveLength(1);
    const long = 'red house on the green grass beside '.repeat(1111);
    await make([`${long}1`, `${long}22`, `${long}333`]);
    await vi.waitFor(() => { expect(pids).toHaveLength(2); }, { timeout: 60_000 });
    const pictures = studio.queue.list();
    expect(pictures.map(({ state, attempt }) => [state, attempt])).toEqual(pictures.map(() => ['done', 1]));
    await make(['a red house']);
    expect(await own(), 'with the model open again').toBeLessThan(1.5 * before);
    expect((await studio.machine()).memory.usedByWorkerBytes).toBeLessThan(2 * before + 200e6);
    expect(pids).toHaveLength(2);
  } finally {
    await studio.close();
    for (const each of [folder, dataDir]) await rm(each, { recursive: true, force: true });
  }
});
