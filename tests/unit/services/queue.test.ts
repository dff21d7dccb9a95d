// The queue with a worker that behaves: order, events, cancel, seeds, and what is stored when.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { missingBlob, MemoryStore, openBench, type Bench } from '../../support/queue';
import { AppError } from '../../../main/engine/errors';
import { refusalOf } from '../../support/words';
import { painted } from '../../support/painted';

const benches: Bench[] = [];
afterEach(async () => { await Promise.all(benches.splice(0).map((bench) => bench.close())); });
const open = (options?: Parameters<typeof openBench>[0]): Bench => {
  const bench = openBench(options);
  benches.push(bench);
  return bench;
};

describe('the queue', () => {
  it('takes a job through its states in order, and ends with a picture in the library', async () => {
    const bench = open();
    const [job] = await bench.ask('a red house');
    const done = await bench.until(job!.id, 'done');
    expect(bench.states(job!.id)).toEqual(['queued', 'loading', 'running', 'decoding', 'saving', 'done']);
    expect(done.pictureId).toBe('1'.padStart(64, '0'));
    expect(done.preview).toBeNull();
    expect(done.attempt).toBe(1);
    expect(bench.saved).toMatchObject([{ bytes: 64 * 64 * 3, job: { prompt: 'a red house' } }]);
  });

  it('fills in the model\'s hash before the picture is saved', async () => {
    const bench = open();
    const [job] = await bench.ask('x');
    expect(painted(job!.settings).files.model.hash).toBeNull();
    await bench.until(job!.id, 'done');
    expect(painted(bench.saved[0]!.job).files.model.hash).toBe('a'.repeat(64));
  });

  it('tells every step with seconds left, and shows a preview of it', async () => {
    const bench = open();
    const [job] = await bench.ask('slow', { steps: 5 });
    const shown = await bench.until(job!.id, (view) => view.preview !== null);
    expect(shown.preview).toMatch(/^data:image\/webp;base64,/);
    await bench.until(job!.id, 'done');
    const steps = bench.events.flatMap((e) => e.type === 'job' && e.job.state === 'running' && e.job.step > 0 ? [e.job] : []);
    expect([...new Set(steps.map((view) => view.step))]).toEqual([1, 2, 3, 4, 5]);
    expect(steps[0]!.secondsLeft).toBeCloseTo(4 * 0.1 + 0.5, 5);       // four steps to go, then the decode
    expect(steps.at(-1)!.secondsLeft).toBeCloseTo(0.5, 5);
  });

  it('gives a new listener the whole picture first', async () => {
    const bench = open();
    const [job] = await bench.ask('slow');
    await bench.until(job!.id, 'running');
    const stop = new AbortController();
    const late = bench.queue.events(stop.signal)[Symbol.asyncIterator]();
    expect((await late.next()).value).toMatchObject({ type: 'snapshot', jobs: [{ id: job!.id, state: 'running' }] });
    expect((await late.next()).value).toEqual({ type: 'worker', state: 'ready' });
    expect((await late.next()).value).toEqual({ type: 'paused', why: null });
    stop.abort();
    while (!(await late.next()).done);
  });

  it('makes one job per picture, with seeds that count up, and works on them in turn', async () => {
    const bench = open();
    const jobs = await bench.ask('x', { count: 3, seed: 41 });
    expect(jobs.map((job) => painted(job.settings).seed)).toEqual([41, 42, 43]);
    expect(jobs.map((job) => job.batch)).toEqual([0, 1, 2].map((index) => ({ id: jobs[0]!.batch.id, index, size: 3 })));
    await bench.until(jobs[2]!.id, 'done');
    expect(bench.saved.map(({ job }) => painted(job).seed)).toEqual([41, 42, 43]);
  });

  it('gives all pictures of a batch one seed where they vary it, and counts up the seed of the variation', async () => {
    const bench = open();
    const seeds = (jobs: Awaited<ReturnType<Bench['ask']>>) => jobs.map(({ settings }) => painted(settings)).map(({ seed, variation }) => [seed, variation?.seed, variation?.strength]);
    expect(seeds(await bench.ask('x', { count: 3, seed: 41, variation: { seed: 7, strength: 0.2 } }))).toEqual([[41, 7, 0.2], [41, 8, 0.2], [41, 9, 0.2]]);
    expect(seeds(await bench.ask('x', { count: 2, seed: 41, variation: { seed: 7, strength: 0 } })), 'nothing varies').toEqual([[41, undefined, undefined], [42, undefined, undefined]]);
    const drawn = seeds(await bench.ask('x', { count: 2, variation: { seed: null, strength: 0.2 } }));
    expect(drawn[1]).toEqual([drawn[0]![0], Number(drawn[0]![1]!) + 1, 0.2]);
    expect(drawn[0]![1]).not.toBe(drawn[0]![0]);
    expect(seeds(await bench.ask('x', { count: 2, seed: 41, variation: { seed: Number.MAX_SAFE_INTEGER, strength: 1 } }))).toEqual([[41, 9007199254740991, 1], [41, '9007199254740992', 1]]);
  });

  it('stores the end of a job that could not be stored as soon as something else can, or when the studio closes', async () => {
    for (const next of ['another job', 'the close']) {
      const bench = open(), { update } = bench.store;
      bench.store.update = () => { throw new AppError('disk.full', { why: 'unknown', folder: '/', what: 'atelier.db', neededBytes: 1 }); };
      const [failed] = await bench.ask('fail');
      await bench.until(failed!.id, 'failed');
      const [waiting] = await bench.ask('slow', { steps: 5 }), [cancelled] = await bench.ask('x');
      bench.store.cancelMany = () => { throw new AppError('disk.full', { why: 'unknown', folder: '/', what: 'atelier.db', neededBytes: 1 }); };
      await bench.queue.cancel([cancelled!.id]);
      expect([failed, cancelled].map((job) => bench.store.jobs.get(job!.id)!.state), 'as it was added').toEqual(['queued', 'queued']);
      bench.store.update = update;
      if (next === 'another job') await bench.until(waiting!.id, 'done');
      else await bench.close();
      expect([failed, cancelled].map((job) => bench.store.jobs.get(job!.id)!.state), next).toEqual(['failed', 'cancelled']);
    }
  });

  it('tells how long a picture took, also when the clock is set back meanwhile', async () => {
    const took: number[] = [], bench = open({ save: async (_pixels, job, seconds, id) => { took.push(seconds); return { id, width: 64, height: 64, sizeBytes: 1, createdAt: 0, seconds, parameters: '', job, path: '' }; } });
    let now = Date.now();
    vi.spyOn(Date, 'now').mockImplementation(() => (now -= 3_600_000));
    const [job] = await bench.ask('x');
    await bench.until(job!.id, 'done');
    vi.restoreAllMocks();
    expect(took).toHaveLength(1);
    expect(took[0]).toBeGreaterThan(0);
    expect(took[0]).toBeLessThan(600);
  });

  it('draws another seed for each request that names none', async () => {
    const bench = open();
    const [a] = await bench.ask('x');
    const [b] = await bench.ask('x');
    expect(painted(a!.settings).seed).not.toBe(painted(b!.settings).seed);
  });

  const blob = (digits: string) => digits.repeat(32);

  it('hands the worker the files of all that a job names', async () => {
    const bench = open();
    const [job] = await bench.ask('x', { files: { model: 'xl', refiner: 'refiner' }, init: blob('a1'), mask: blob('b2'), depth: blob('c3'), refiner: { switchAt: 0.7 } });
    await bench.until(job!.id, 'done');
    expect(bench.runs()).toMatchObject([{
      files: { model: '/models/xl.safetensors', refiner: '/models/refiner.safetensors' }, pictures: { init: `/blobs/${blob('a1')}`, mask: `/blobs/${blob('b2')}`, depth: `/blobs/${blob('c3')}` },
      job: { kind: 'img2img', strength: 0.6, files: { refiner: { name: 'refiner', hash: null } }, refiner: { switchAt: 0.7 } },
    }]);
    const [plain] = await bench.ask('x');
    await bench.until(plain!.id, 'done');
    const { files, pictures } = bench.runs()[1]!;
    expect([files, pictures]).toEqual([{ model: '/models/mini.safetensors' }, {}]);
  });

  it.each(['init', 'mask', 'depth'] as const)('refuses a picture (%s) that is not there, and stores nothing', async (field) => {
    const bench = open();
    await expect(bench.ask('x', { init: blob('a1'), [field]: missingBlob })).rejects.toMatchObject({ code: 'picture.notFound' });
    expect(bench.store.jobs.size).toBe(0);
    expect(bench.queue.list()).toEqual([]);
  });

  it('refuses a mask without the picture that it lies on', async () => {
    const bench = open();
    expect(await refusalOf(bench.ask('x', { mask: blob('b2') }))).toMatchObject({ code: 'request.invalid', message: expect.stringContaining('init') });
    expect(bench.store.jobs.size).toBe(0);
  });

  it('refuses a refiner that is not there, or that reads other latents, by name', async () => {
    const bench = open();
    expect(await refusalOf(bench.ask('x', { files: { refiner: 'nope' } }))).toMatchObject({ code: 'model.notFound', message: expect.stringContaining('nope') });
    expect(await refusalOf(bench.ask('x', { files: { refiner: 'refiner' } }))).toMatchObject({
      code: 'job.refiner', message: expect.stringMatching(/^refiner cannot go on with what mini has begun: only refiner is an SDXL model/), hint: expect.stringContaining('same family'),
    });
    expect(await refusalOf(bench.ask('x', { files: { model: 'xl', refiner: 'mini' } }))).toMatchObject({ code: 'job.refiner', message: expect.stringContaining('only xl is an SDXL model') });
    expect(bench.store.jobs.size).toBe(0);
    for (const [model, refiner] of [['mini', 'mini'], ['xl', 'xl'], ['xl', 'refiner']] as const) expect(await bench.ask('x', { files: { model, refiner } })).toHaveLength(1);
  });

  it('fills in the refiner\'s hash before the picture is saved, also after a restart', async () => {
    const store = new MemoryStore();
    const first = openBench({ store });
    const [running] = await first.ask('slow', { files: { model: 'xl', refiner: 'refiner' }, steps: 50 });
    const [waiting] = await first.ask('x', { files: { model: 'xl', refiner: 'refiner' }, refiner: { switchAt: 0.5 } });
    expect([painted(running!.settings).refiner, painted(waiting!.settings).refiner]).toEqual([{ switchAt: 0.8 }, { switchAt: 0.5 }]);
    expect(painted(waiting!.settings).files.refiner).toEqual({ name: 'refiner', hash: null });
    await first.until(running!.id, (view) => view.step === 1);
    await first.close();
    expect(store.listUnfinished().jobs.map(({ fileIds }) => fileIds)).toEqual(Array(2).fill({ model: 'xl', refiner: 'refiner', vae: null, textEncoders: [] }));

    const second = open({ store });
    await second.until(running!.id, (view) => view.step === 1);
    await second.queue.cancel([running!.id]);
    const done = await second.until(waiting!.id, 'done');
    expect(second.runs()[1]).toMatchObject({ files: { model: '/models/xl.safetensors', refiner: '/models/refiner.safetensors' } });
    expect(second.saved).toMatchObject([{ job: { files: { model: { name: 'xl', hash: 'b'.repeat(64) }, refiner: { name: 'refiner', hash: 'c'.repeat(64) } }, refiner: { switchAt: 0.5 } } }]);
    expect(painted(done.settings).files.refiner!.hash).toBe('c'.repeat(64));
    expect(painted(store.jobs.get(waiting!.id)!.spec).files.refiner!.hash).toBe('c'.repeat(64));
  });

  it('names the files that stand in for the model\'s own parts, hands them to the worker, and fills in their hashes, also after a restart', async () => {
    const store = new MemoryStore();
    const first = openBench({ store });
    const [running] = await first.ask('slow', { steps: 50 });
    const [waiting] = await first.ask('trained', { files: { model: 'xl', vae: 'fine.safetensors', textEncoders: ['clip_l'] } });
    expect(waiting!.settings).toMatchObject({ files: { vae: { name: 'fine.safetensors', hash: null }, textEncoders: [{ name: 'clip_l', hash: null }] } });
    expect(running!.settings.files).not.toHaveProperty('vae');
    await first.until(running!.id, (view) => view.step === 1);
    expect(first.runs()[0]).toMatchObject({ files: { model: '/models/mini.safetensors' }, previewPath: undefined });
    await first.close();

    const second = open({ store });
    await second.until(running!.id, (view) => view.step === 1);
    await second.queue.cancel([running!.id]);
    const done = await second.until(waiting!.id, 'done');
    expect(second.runs()[1]).toMatchObject({ files: { vae: '/models/fine.safetensors', textEncoders: ['/models/clip_l'] }, previewPath: '/models/taesdxl_decoder.safetensors' });
    const named = { files: { vae: { name: 'fine.safetensors', hash: 'd'.repeat(64) }, textEncoders: [{ name: 'clip_l', hash: 'e'.repeat(64) }], embeddings: [{ name: 'trained', hash: 'f'.repeat(64) }] } };
    expect(second.saved).toMatchObject([{ job: named }]);
    expect(done.settings).toMatchObject(named);
  });

  it('makes jobs with what the user says that the model predicts, unless the request says otherwise', async () => {
    const bench = open({ prediction: 'v' });
    expect(painted((await bench.ask('x'))[0]!.settings).prediction).toBe('v');
    expect(painted((await bench.ask('x', { prediction: 'eps' }))[0]!.settings).prediction).toBe('eps');
    expect(painted((await open().ask('x'))[0]!.settings).prediction).toBeUndefined();
  });

  it('has stored a job by the time it is acknowledged', async () => {
    const bench = open();
    const [job] = await bench.ask('x');
    expect(bench.store.jobs.get(job!.id)).toMatchObject({ fileIds: { model: 'mini' }, spec: { prompt: 'x' } });
    await bench.until(job!.id, 'done');
    expect(bench.store.jobs.get(job!.id)).toMatchObject({ state: 'done', attempt: 1 });
  });

  it('refuses an unknown model, and stores nothing; behind the largest seed it counts on from 0', async () => {
    const bench = open();
    await expect(bench.ask('x', { files: { model: 'nope' } })).rejects.toMatchObject({ code: 'model.notFound' });
    expect(bench.store.jobs.size).toBe(0);
    expect((await bench.ask('x', { count: 2, seed: '18446744073709551615' })).map(({ settings }) => painted(settings).seed)).toEqual(['18446744073709551615', 0]);
  });

  it('cancels a waiting job at once and a running one at its next step, then goes on', async () => {
    const bench = open();
    const [running] = await bench.ask('slow', { steps: 50 });
    const [waiting] = await bench.ask('never');
    const [after] = await bench.ask('after');
    await bench.until(running!.id, (view) => view.step === 1);
    await bench.queue.cancel([running!.id, waiting!.id]);
    expect(bench.view(waiting!.id).state).toBe('cancelled');
    const cancelled = await bench.until(running!.id, 'cancelled');
    expect(cancelled.step).toBeLessThan(5);
    await bench.until(after!.id, 'done');
    expect(bench.saved.map(({ job }) => painted(job).prompt)).toEqual(['after']);
    expect(bench.events.filter((event) => event.type === 'worker' && event.state === 'died')).toEqual([]);
  });

  it('passes on the worker\'s own error and goes on with the next job', async () => {
    const bench = open();
    const [bad] = await bench.ask('fail');
    const [good] = await bench.ask('x');
    expect((await bench.until(bad!.id, 'failed')).error).toMatchObject({ code: 'weights.missingTensor' });
    await bench.until(good!.id, 'done');
  });

  it('keeps a job that ended in its list, for a page that is loaded again', async () => {
    const bench = open();
    const [job] = await bench.ask('x');
    await bench.until(job!.id, 'done');
    expect(bench.queue.list()).toMatchObject([{ id: job!.id, state: 'done' }]);
  });

  it('takes up after a restart what was waiting, and begins the cut-off job again as a first try', async () => {
    const store = new MemoryStore();
    const first = openBench({ store });
    const [running] = await first.ask('slow', { steps: 50, seed: 5 });
    const [waiting] = await first.ask('x', { seed: 6 });
    await first.until(running!.id, (view) => view.step === 2);
    await first.close();
    expect(store.listUnfinished().jobs.map((job) => [job.state, job.attempt])).toEqual([['queued', 0], ['queued', 0]]);

    const second = open({ store });
    await second.queue.cancel([]);
    await second.until(running!.id, (view) => view.step === 1);
    await second.queue.cancel([running!.id]);
    const done = await second.until(waiting!.id, 'done');
    expect(painted(done.settings).seed).toBe(6);
  });
});
