// The whole studio over a real data folder, with the fake worker: from a request to a file, and what a restart finds.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobRequest, type JobView } from '../../../preload/contract/job';
import { createStudio, type LocalStudio } from '../../../main/services/studio';
import { fakeWorker } from '../../support/queue';

let dataDir: string, studio: LocalStudio;
const open = (resume = true) => createStudio({ dataDir, workerEntry: fakeWorker, resume });
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'atelier-studio-'));
  studio = await open();
});
afterEach(async () => { await studio.close(); await rm(dataDir, { recursive: true }); });

async function ask(prompt: string, more: Partial<JobRequest> = {}): Promise<JobView> {
  const [model] = await studio.models.list();
  const request = JobRequest.parse({ model: model!.id, prompt, steps: 4, sampler: 'ddim', schedule: 'normal', cfg: 4, width: 64, height: 64, seed: 200, ...more });
  return (await studio.queue.enqueue(request))[0]!;
}
async function until(id: string, test: (job: JobView) => boolean): Promise<JobView> {
  const stop = new AbortController();
  for await (const event of studio.queue.events(stop.signal)) {
    const job = (event.type === 'snapshot' ? event.jobs : event.type === 'job' ? [event.job] : []).find((each) => each.id === id);
    if (job && test(job)) return job;
  }
  throw new Error('the events ended');
}
const ended = (job: JobView) => job.endedAt !== null;

describe('the studio', () => {
  it('makes a picture that lies in the library with its thumbnail, its job and the model\'s hash', async () => {
    const done = await until((await ask('a red house')).id, ended);
    expect(done).toMatchObject({ state: 'done', error: null });
    const picture = await studio.library.get(done.pictureId!);
    expect(picture.job).toMatchObject({ prompt: 'a red house', seed: 200, files: { model: { name: 'Atelier Mini', hash: expect.stringMatching(/^[0-9a-f]{64}$/) } } });
    expect(await sharp(picture.path).metadata()).toMatchObject({ format: 'png', width: 64, height: 64 });
    expect((await sharp(picture.path).raw().toBuffer())[0]).toBe(200);
    expect((await sharp(await studio.thumbnailPath(picture.id)).metadata()).format).toBe('webp');
    expect((await studio.library.page({ before: null, limit: 10 })).total).toBe(1);
  });

  it('estimates by what it measured', async () => {
    const [model] = await studio.models.list();
    const request = { model: model!.id, width: 64, height: 64, steps: 20, cfg: 4, sampler: 'ddim' };
    expect((await studio.estimate(request)).basis).toBe('guessed');
    await until((await ask('x')).id, ended);
    expect(await studio.estimate(request)).toMatchObject({ basis: 'measured', secondsPerStep: 0.005, peakBytes: 1e8 });
  });

  it('starts from an input picture, and refuses one that it never got', async () => {
    const png = await sharp({ create: { width: 30, height: 20, channels: 3, background: 'red' } }).png().toBuffer();
    const { hash, width, height } = await studio.blobs.add(png);
    expect([width, height]).toEqual([30, 20]);
    const done = await until((await ask('x', { init: hash, strength: 0.4 })).id, ended);
    expect(done).toMatchObject({ state: 'done', settings: { kind: 'img2img', init: hash, strength: 0.4 } });
    await expect(ask('x', { init: '0'.repeat(64) })).rejects.toMatchObject({ code: 'picture.notFound' });
    await expect(studio.blobs.add(Buffer.from('no picture'))).rejects.toMatchObject({ code: 'picture.unreadable' });
  });

  it('takes up after a restart what was waiting, and still has its pictures', async () => {
    await until((await ask('first')).id, ended);
    const running = await ask('slow', { steps: 100 });
    const waiting = await ask('waiting');
    await until(running.id, (job) => job.step > 0);
    await studio.close();

    studio = await open();
    expect(studio.queue.list().map((job) => job.title)).toEqual(['slow', 'waiting']);
    await until(running.id, (job) => job.step > 0);
    await studio.queue.cancel([running.id]);
    expect((await until(waiting.id, ended)).state).toBe('done');
    expect((await studio.library.page({ before: null, limit: 10 })).total).toBe(2);
  });

  it('leaves another process\'s jobs alone', async () => {
    const waiting = await ask('slow', { steps: 100 });
    await until(waiting.id, (job) => job.step > 0);
    const terminal = await open(false);
    expect(terminal.queue.list()).toEqual([]);
    await terminal.close();
    expect(studio.queue.list()).toMatchObject([{ id: waiting.id, state: 'running' }]);
  });

  it('tells of the machine and of what the worker holds', async () => {
    await until((await ask('x')).id, ended);
    const machine = await studio.machine();
    expect(machine).toMatchObject({ provider: 'cpu', dataDir, version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
    expect(machine.cores).toBeGreaterThan(0);
    if (process.platform === 'linux') expect(machine.memory.usedByWorkerBytes).toBeGreaterThan(1e7);
  });

  it('leaves no process and no lock behind', async () => {
    await studio.close();
    expect(await readdir(join(dataDir, 'sessions'))).toEqual(['door']);
    expect((await readFile(join(dataDir, 'atelier.db'))).length).toBeGreaterThan(0);
    studio = await open();
  });
});
