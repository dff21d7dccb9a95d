// What is kept of a job's steps, and what comes of it that is of no use: the job begins again, and neither fails nor dies of it twice.
import fs, { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KeptSteps } from '../../main/services/queue/kept-steps';
import type { FromWorker } from '../../main/worker/protocol';
import { memoryLog } from '../support/log';
import { MemoryStore, openBench, type Bench } from '../support/queue';

let stepsFolder: string, store: MemoryStore;
const benches: Bench[] = [];
beforeEach(async () => {
  stepsFolder = await mkdtemp(join(tmpdir(), 'atelier-kept-'));
  store = new MemoryStore();
});
afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.close()));
  vi.restoreAllMocks();
  await rm(stepsFolder, { recursive: true, force: true });
});
function open(): Bench & { said: FromWorker[] } {
  const bench = openBench({ store, stepsFolder }), said: FromWorker[] = [];
  bench.host.on('message', (message) => said.push(message));
  benches.push(bench);
  return { ...bench, said };
}
const stepsOf = (said: readonly FromWorker[]): number[] => said.flatMap((message) => message.type === 'step' ? [message.step] : []);
const files = (): Promise<string[]> => readdir(stepsFolder);
const untilNoFiles = () => vi.waitFor(async () => { expect(await files()).toEqual([]); });

/** A job that was cut off with its studio, after which its file holds this. */
async function cutOff(prompt: string, file?: Uint8Array): Promise<string> {
  const first = openBench({ store, stepsFolder });
  const [job] = await first.ask(`slow ${prompt}`);
  await first.until(job!.id, (view) => view.step === 2);
  await first.close();
  expect(await files()).toEqual([`${job!.id}.safetensors`]);
  if (file) await writeFile(join(stepsFolder, `${job!.id}.safetensors`), file);
  return job!.id;
}

describe('the steps that a job has made', () => {
  it('are there for the next worker, shown from where they end, and gone with the job', async () => {
    const bench = open();
    const [job] = await bench.ask('slow die-once@3');
    await bench.until(job!.id, 'done');
    expect(stepsOf(bench.said)).toEqual([1, 2, 3, 3, 4]);
    const shown = bench.events.flatMap((event) => event.type === 'job' && event.job.attempt === 2 && event.job.step > 0 ? [event.job.step] : []);
    expect(shown.filter((step, i) => step !== shown[i - 1])).toEqual([2, 3, 4]);
    await untilNoFiles();
  });

  it.each(['cancelled', 'failed'] as const)('are gone with a job that has %s', async (end) => {
    const bench = open();
    const [job] = await bench.ask(end === 'failed' ? 'die@3' : 'slow');
    await bench.until(job!.id, (view) => view.step === 2);
    if (end === 'cancelled') await bench.queue.cancel([job!.id]);
    await bench.until(job!.id, end);
    await untilNoFiles();
  });

  it('outlive the studio, whose next start goes on from them as the same try', async () => {
    const id = await cutOff('x'), bench = open();
    expect(await bench.until(id, 'done')).toMatchObject({ attempt: 1, notice: null });
    expect(stepsOf(bench.said)).toEqual([3, 4]);
    await untilNoFiles();
  });

  it('of jobs that nothing is known of any more are removed at a start', async () => {
    const id = await cutOff('x');
    await writeFile(join(stepsFolder, 'another.safetensors'), 'x');
    await writeFile(join(stepsFolder, '.atelier-1-00000000-1.tmp'), 'x');
    const bench = open();
    await vi.waitFor(async () => { expect(await files()).toEqual([`${id}.safetensors`]); });
    await bench.until(id, 'done');
  });
});

describe('a state that is of no use', () => {
  it('because it is another\'s, is dropped with a word in the log, and the job begins again', async () => {
    const id = await cutOff('stale-state'), bench = open();
    expect(await bench.until(id, 'done')).toMatchObject({ attempt: 1, error: null });
    expect(stepsOf(bench.said)).toEqual([1, 2, 3, 4]);
    expect(bench.log).toContainEqual(expect.objectContaining({ event: 'job.startedOver', job: id, about: { code: 'pass.stale', data: { field: 'seed' } } }));
  });

  it('because the worker dies of it, kills one worker and costs the job no try', async () => {
    const id = await cutOff('bad-state'), bench = open();
    expect(await bench.until(id, 'done')).toMatchObject({ attempt: 1, error: null });
    expect(bench.runs().map(({ state }) => state !== undefined)).toEqual([true, false]);
    expect(stepsOf(bench.said)).toEqual([1, 2, 3, 4]);
  });

  it('even on the last try', async () => {
    const bench = open();
    const [job] = await bench.ask('slow bad-state die-once@3');
    await bench.until(job!.id, 'failed');       // dies over the job itself, of its state, and over the job again
    expect(bench.runs().map(({ state }) => state !== undefined)).toEqual([false, true, false]);
  });

  it.each(['a folder', 'nothing that may be read'])('because there is %s in its place', async (what) => {
    const id = await cutOff('x'), path = join(stepsFolder, `${id}.safetensors`);
    await rm(path);
    if (what === 'a folder') await mkdir(path);
    else await fs.symlink('/dev/zero', path);
    const bench = open();
    await bench.until(id, 'done');
    expect(stepsOf(bench.said)).toEqual([1, 2, 3, 4]);
    await untilNoFiles();
  });
});

describe('a disk that takes no states', () => {
  it('harms no job: the next worker goes on from memory, and the log says it once', async () => {
    vi.spyOn(fs, 'rename').mockRejectedValue(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
    const bench = open();
    const [job] = await bench.ask('slow die-once@3');
    expect(await bench.until(job!.id, 'done')).toMatchObject({ error: null });
    expect(stepsOf(bench.said)).toEqual([1, 2, 3, 3, 4]);
    expect(bench.log.filter(({ event }) => event === 'steps.unkept')).toHaveLength(1);
    await untilNoFiles();
  });
});

describe('files of states', () => {
  it('are whole, and the newest wins however fast they come', async () => {
    const steps = new KeptSteps(stepsFolder, memoryLog());
    for (let step = 0; step < 50; step++) steps.keep('a', new Uint8Array(1000).fill(step));
    steps.keep('b', Uint8Array.of(1));
    steps.drop('b');
    expect(await steps.get('b')).toBeUndefined();
    await steps.settled();
    expect(await files()).toEqual(['a.safetensors']);
    expect(new Set(await readFile(join(stepsFolder, 'a.safetensors')))).toEqual(new Set([49]));
    expect(await new KeptSteps(stepsFolder, memoryLog()).get('a')).toHaveLength(1000);
    steps.drop('a');
    expect(await steps.get('a')).toBeUndefined();
    await steps.settled();
    expect(await files()).toEqual([]);
  });

  it('lie in their folder whatever a job calls itself', async () => {
    const steps = new KeptSteps(stepsFolder, memoryLog());
    steps.keep('../../outside', Uint8Array.of(1));
    await steps.settled();
    expect(await files()).toHaveLength(1);
  });
});
