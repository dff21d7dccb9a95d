// The worker or the studio ends in the middle of a job, in any way: the job goes on from its last step, and makes the same picture to the bit. Real workers
// and a real data folder; what each worker says is counted.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { isOwnTemp } from '../../main/services/data/temps';
import { createStudio, type LocalStudio } from '../../main/services/studio';
import { forkWorker } from '../../main/services/workers/fork';
import type { FromWorker } from '../../main/worker/protocol';
import { JobRequest, type JobView } from '../../preload/contract/job';
import { bundleProgram } from '../support/bundle-program';
import { randomFamilyCheckpoint, tinyFamilies } from '../support/checkpoints';

let worker: Awaited<ReturnType<typeof bundleProgram>>, studioProgram: Awaited<ReturnType<typeof bundleProgram>>;
const models: Record<string, string> = {};
beforeAll(async () => {
  [worker, studioProgram] = await Promise.all([bundleProgram('main/worker/index.ts'), bundleProgram('tests/support/studio-child.ts')]);
  models['xl.safetensors'] = await randomFamilyCheckpoint(tinyFamilies.sdxl);
  models['finish.safetensors'] = await randomFamilyCheckpoint(tinyFamilies['sdxl-refiner'], { seed: 2 });
});
afterAll(async () => { for (const { folder } of [worker, studioProgram]) await rm(folder, { recursive: true, force: true }); });

/** What each worker said, in the order of their starts. */
let workers: { pid: number; said: FromWorker[] }[];
let dataDir: string;
const studios: LocalStudio[] = [];
async function open(keepMs = 0): Promise<LocalStudio> {
  const studio = await createStudio({
    dataDir, workerEntry: worker.program, resume: true, queueTimes: { keepMs, cancelMs: 60_000 },
    spawnWorker: (entry) => {
      const child = forkWorker(entry), said: FromWorker[] = [];
      workers.push({ pid: child.pid!, said });
      child.port.onMessage((message) => said.push(message));
      return child;
    },
  });
  studios.push(studio);
  return studio;
}
beforeEach(async () => {
  workers = [];
  dataDir = await mkdtemp(join(tmpdir(), 'atelier-go-on-'));
  await mkdir(join(dataDir, 'models'));
  for (const [name, path] of Object.entries(models)) await copyFile(path, join(dataDir, 'models', name));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(studios.splice(0).map((studio) => studio.close()));
  await rm(dataDir, { recursive: true, force: true });
});

type Wanted = Omit<Partial<JobRequest>, 'files'> & { model?: string; second?: string };
async function requestOf(studio: LocalStudio, { model = 'Atelier Mini', second, ...patch }: Wanted): Promise<JobRequest> {
  const all = await studio.models.list(), idOf = (name: string) => all.find((entry) => entry.name === name)!.id;
  return JobRequest.parse({
    prompt: 'a red house on grass', seed: 7, steps: 6, sampler: 'euler', schedule: 'karras', cfg: 4, width: 64, height: 64, ...patch,
    files: { model: idOf(model), ...(second && { refiner: idOf(second) }) },
  });
}
const ask = async (studio: LocalStudio, wanted: Wanted): Promise<JobView> => (await studio.queue.enqueue(await requestOf(studio, wanted)))[0]!;
async function until(studio: LocalStudio, id: string, test: (job: JobView) => boolean): Promise<JobView> {
  for await (const event of studio.queue.events(new AbortController().signal)) {
    const job = (event.type === 'snapshot' ? event.jobs : event.type === 'job' ? [event.job] : []).find((each) => each.id === id);
    if (job && test(job)) return job;
  }
  throw new Error('the events ended');
}
const ended = (job: JobView): boolean => job.endedAt !== null;
async function pixelsOf(studio: LocalStudio, { pictureId, error }: JobView): Promise<Buffer> {
  expect(error).toBeNull();
  return sharp((await studio.library.get(pictureId!)).path).raw().toBuffer();
}
const stepsOf = (said: readonly FromWorker[], id: string) => said.filter((message) => message.type === 'step' && message.id === id);
const keptFiles = (): Promise<string[]> => readdir(join(dataDir, 'steps')).catch(() => []);
const untilNoFiles = () => vi.waitFor(async () => { expect(await keptFiles()).toEqual([]); }, { timeout: 30_000 });

const cases: [string, Wanted][] = [
  ['a plain sampler that draws noise, and a prompt that changes from step to step', { sampler: 'euler_a', prompt: 'a [red:blue:0.5] house on [grass|sand]', ensd: 31337 }],
  ['a multistep sampler', { sampler: 'dpmpp_2m' }],
  ['a Brownian tree', { sampler: 'dpmpp_sde', rng: 'cpu', compat: 'comfy' }],
  ['a sampler that chooses its own levels', { sampler: 'dpm_adaptive' }],
  ['one that goes back to high levels, over a model and its refiner', { sampler: 'restart', steps: 20, model: 'xl', second: 'finish', refiner: { switchAt: 0.5 } }],
];

/** Resolves when the worker of the last job has told so many steps. A sampler that chooses its own levels tells one number several times. */
const untilMade = (count: number, jobId: string) => vi.waitFor(() => { expect(stepsOf(workers.at(-1)!.said, jobId).length).toBeGreaterThanOrEqual(count); }, { timeout: 300_000, interval: 5 });

describe.each(cases)('%s', (_, wanted) => {
  it('goes on after its worker was killed, after the studio was closed, and after both were killed', async () => {
    const first = await open(), plain = await ask(first, wanted);
    const expected = await pixelsOf(first, await until(first, plain.id, ended));
    const all = stepsOf(workers[0]!.said, plain.id).length, half = Math.ceil(all / 2);
    expect(all).toBeGreaterThan(4);

    const { id } = await ask(first, wanted);
    await untilMade(half, id);
    process.kill(workers[0]!.pid, 'SIGKILL');
    const done = await until(first, id, ended);
    expect(await pixelsOf(first, done)).toEqual(expected);
    expect(done).toMatchObject({ attempt: 2, notice: 'worker.restarted' });
    // The last step before the end may not have been handed over yet.
    expect(stepsOf(workers[1]!.said, id).length).toBeLessThanOrEqual(all - half + 1);
    await untilNoFiles();

    const closed = await ask(first, wanted);
    await untilMade(half, closed.id);
    await first.close();
    expect(await keptFiles()).toHaveLength(1);
    const second = await open();
    const finished = await until(second, closed.id, ended);
    expect(finished.attempt).toBe(1);
    expect(await pixelsOf(second, finished)).toEqual(expected);
    expect(stepsOf(workers[1]!.said, closed.id).length + stepsOf(workers[2]!.said, closed.id).length).toBe(all);
    await untilNoFiles();
    const request = await requestOf(second, wanted);
    await second.close();

    const child = spawn(process.execPath, [studioProgram.program, JSON.stringify({ dataDir, workerEntry: worker.program, request })], { stdio: ['ignore', 'pipe', 'inherit'] });
    let told = 0;
    for await (const _line of createInterface(child.stdout)) if (++told >= half && (await keptFiles()).some((file) => !isOwnTemp(file))) break;
    child.kill('SIGKILL');
    await once(child, 'exit');
    const third = await open(), [left] = third.queue.list();
    expect(await pixelsOf(third, await until(third, left!.id, ended))).toEqual(expected);
    // How many steps back the file is hangs on the drive.
    expect(workers[3]!.said.map(({ type }) => type)).toContain('resumed');
    expect(stepsOf(workers[3]!.said, left!.id).length).toBeLessThan(all);
    await untilNoFiles();
  });
});
