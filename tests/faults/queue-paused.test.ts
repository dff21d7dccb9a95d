// Faults that are no job's own: the queue waits, says why, keeps what is finished, and goes on by itself when the cause is gone.
import { readdir } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../main/engine/errors';
import type { QueueServices } from '../../main/services/queue/queue';
import { expectSound, job, noise, openLibrary, tempFolder } from '../support/pictures';
import { MemoryStore, openBench, type Bench } from '../support/queue';
import { painted } from '../support/painted';

const benches: Bench[] = [];
afterEach(async () => {
  delete process.env.ATELIER_FAKE_LAUNCH;
  vi.restoreAllMocks();
  await Promise.all(benches.splice(0).map((bench) => bench.close()));
});
const open = (options?: Parameters<typeof openBench>[0]): Bench => {
  const bench = openBench(options);
  benches.push(bench);
  return bench;
};
const pauses = (bench: Bench) => bench.events.flatMap((event) => event.type === 'paused' ? [event.why?.code ?? null] : []);
const PATIENCE = { timeout: 300_000 };
const untilPaused = (bench: Bench, why: string | null) => vi.waitFor(() => { expect(pauses(bench).at(-1)).toBe(why); }, PATIENCE);

/** A disk that takes nothing until it is freed. */
function fullDisk(error = new AppError('disk.full', { why: 'known', folder: '/pictures', what: 'a.png', neededBytes: 1, freeBytes: 0 })) {
  const saved: string[] = [];
  let isFull = true, refused = 0;
  const save: QueueServices['save'] = async (pixels, job) => {
    const { prompt, ...spec } = painted(job);
    if (isFull) { refused++; throw error; }
    saved.push(prompt);
    return { id: saved.length.toString(16).padStart(64, '0'), width: pixels.width, height: pixels.height, sizeBytes: 1, createdAt: 0, seconds: 0, parameters: '', job: { prompt, ...spec }, path: '' };
  };
  return { save, saved, refused: () => refused, free: () => { isFull = false; } };
}

describe.each([
  ['a full disk', new AppError('disk.full', { why: 'known', folder: '/pictures', what: 'a.png', neededBytes: 1, freeBytes: 0 })],
  ['a drive that is gone', new AppError('disk.failed', { folder: '/pictures', what: 'a.png', detail: 'EIO' })],
])('%s', (_, error) => {
  it('stops the queue, which keeps the pictures that it has and writes them when it can', async () => {
    const disk = fullDisk(error), bench = open({ save: disk.save });
    const jobs = (await Promise.all(['a', 'b', 'c', 'd', 'e'].map((prompt) => bench.ask(prompt)))).flat();
    await untilPaused(bench, error.code);
    await vi.waitFor(() => { expect(disk.refused()).toBeGreaterThan(5); }, PATIENCE);
    expect(bench.runs().length).toBeLessThanOrEqual(2);
    expect(bench.queue.list().filter(({ state }) => state === 'failed')).toEqual([]);
    expect(bench.view(jobs.at(-1)!.id).state).toBe('queued');

    disk.free();
    for (const { id } of jobs) expect(await bench.until(id, 'done')).toMatchObject({ attempt: 1, error: null });
    expect(disk.saved.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(bench.runs().map(({ job: { prompt } }) => prompt)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(pauses(bench).at(-1)).toBeNull();
  });
});

describe('a picture that waits to be written', () => {
  it('may be cancelled, and the queue goes on without it', async () => {
    let refuse = true;
    const disk = fullDisk(), bench = open({ save: (pixels, spec, seconds, id) => {
      if (!refuse) disk.free();
      return disk.save(pixels, spec, seconds, id);
    } });
    const [held] = await bench.ask('x');
    await untilPaused(bench, 'disk.full');
    const [next] = await bench.ask('y');
    expect(bench.runs()).toHaveLength(1);
    await bench.queue.cancel([held!.id]);
    await bench.until(held!.id, 'cancelled');
    refuse = false;
    await bench.until(next!.id, 'done');
    expect(disk.saved).toEqual(['y']);
  });

  it('keeps nobody from closing the studio, whose next start makes it again', async () => {
    const store = new MemoryStore(), first = openBench({ store, save: fullDisk().save, retryMs: 3_600_000 });
    const [held] = await first.ask('x');
    await untilPaused(first, 'disk.full');
    await first.close();
    expect(store.jobs.get(held!.id)).toMatchObject({ state: 'queued', attempt: 0, error: null });
    const second = open({ store });
    await second.until(held!.id, 'done');
  });

  it('fails where the fault is not the disk\'s, and the next one runs', async () => {
    const bench = open({ save: fullDisk(new AppError('internal', { detail: 'no such colour' })).save });
    const [bad] = await bench.ask('x');
    expect((await bench.until(bad!.id, 'failed')).error).toMatchObject({ code: 'internal' });
    const [next] = await bench.ask('y');
    await bench.until(next!.id, 'failed');
    expect(new Set(pauses(bench))).toEqual(new Set([null]));
  });
});

describe('no worker to be had', () => {
  it('fails no job, and is said until there is one', async () => {
    process.env.ATELIER_FAKE_LAUNCH = 'broken';
    const bench = open({ backOffMs: [0] });
    const [first] = await bench.ask('x');
    const [second] = await bench.ask('y');
    await untilPaused(bench, 'worker.notStarting');
    const late = bench.queue.events(AbortSignal.timeout(PATIENCE.timeout))[Symbol.asyncIterator]();
    const heard = [(await late.next()).value, (await late.next()).value, (await late.next()).value];
    expect(heard.at(-1)).toMatchObject({ type: 'paused', why: { code: 'worker.notStarting', data: { detail: expect.stringContaining('no such library') } } });
    await late.return?.(undefined);

    delete process.env.ATELIER_FAKE_LAUNCH;
    for (const { id } of [first!, second!]) expect(await bench.until(id, 'done')).toMatchObject({ attempt: 1 });
    expect(bench.states(second!.id)).toEqual(['queued', 'loading', 'running', 'decoding', 'saving', 'done']);
    expect(pauses(bench).at(-1)).toBeNull();
  });
});

it('a picture whose record found no room is not written twice', async () => {
  const library = await openLibrary(await tempFolder()), pixels = noise();
  const store = vi.spyOn(library.database.pictures, 'put').mockImplementationOnce(() => { throw new AppError('disk.full', { why: 'known', folder: '/pictures', what: 'a.png', neededBytes: 1, freeBytes: 0 }); });
  await expect(library.library.save(pixels, job(), 1)).rejects.toMatchObject({ code: 'picture.unrecorded' });
  const { id } = await library.library.save(pixels, job(), 1);
  expect(store).toHaveBeenCalledTimes(2);
  expect((await readdir(library.folder.pictures, { recursive: true })).filter((file) => file.endsWith('.png'))).toHaveLength(1);
  expect(await expectSound(library)).toEqual([id]);
  const again = await library.library.save(pixels, job(), 1);
  expect((await expectSound(library)).sort()).toEqual([id, again.id].sort());
});
