// The worker dies, hangs or runs out of memory under the queue: it is noticed at once, said, and no other job suffers.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { WorkerHost } from '../../main/services/workers/host';
import { MemoryStore, openBench, type Bench } from '../support/queue';

const benches: Bench[] = [];
afterEach(async () => {
  delete process.env.ATELIER_FAKE_LAUNCH;
  await Promise.all(benches.splice(0).map((bench) => bench.close()));
});
const open = (options?: Parameters<typeof openBench>[0]): Bench => {
  const bench = openBench(options);
  benches.push(bench);
  return bench;
};
const workerStates = (bench: Bench) => bench.events.flatMap((event) => event.type === 'worker' ? [event.state] : []);

describe('when the worker dies', () => {
  it('by kill -9 in the middle of a job, the job is taken up again and finishes', async () => {
    const bench = open();
    const [job] = await bench.ask('slow');
    await bench.until(job!.id, (view) => view.step === 2);
    process.kill(bench.host.pid!, 'SIGKILL');
    await bench.until(job!.id, (view) => view.notice === 'worker.restarted');
    const done = await bench.until(job!.id, 'done');
    expect(done).toMatchObject({ attempt: 2, notice: 'worker.restarted', error: null });
    expect(bench.states(job!.id)).toEqual(['queued', 'loading', 'running', 'loading', 'running', 'decoding', 'saving', 'done']);
    expect(workerStates(bench).slice(-4)).toEqual(['ready', 'died', 'starting', 'ready']);
    expect(bench.saved).toHaveLength(1);
  });

  it('twice over the same job, the job fails with what to do and the next one runs', async () => {
    const bench = open();
    const [bad] = await bench.ask('die@2');
    const [next] = await bench.ask('x');
    const failed = await bench.until(bad!.id, 'failed');
    expect(failed).toMatchObject({ attempt: 2, error: { code: 'worker.died', data: { signal: 'SIGKILL' } } });
    await bench.until(next!.id, 'done');
    expect(bench.store.jobs.get(bad!.id)!.state).toBe('failed');
  });

  it('of a failed allocation, the job says that memory ran out', async () => {
    const bench = open();
    const [job] = await bench.ask('abort@1');
    expect((await bench.until(job!.id, 'failed')).error).toMatchObject({ code: 'memory.exhausted' });
  });

  it('while nothing runs, another one stands ready', async () => {
    const bench = open();
    await bench.host.start();
    const dead = bench.host.pid!;
    const again = new Promise<void>((resolve) => { bench.host.once('ready', resolve); });
    process.kill(dead, 'SIGKILL');
    await again;
    expect(bench.host.pid).not.toBe(dead);
  });

  it('once only, the second try succeeds', async () => {
    const bench = open();
    const [job] = await bench.ask('die-once@3');
    expect(await bench.until(job!.id, 'done')).toMatchObject({ attempt: 2 });
  });
});

describe('when the worker hangs, or is in the middle of a long step', () => {
  it('a cancel kills it after a while, nobody is told that it died, and the next job runs on a new one', async () => {
    const bench = open({ cancelMs: 150 });
    const [stuck] = await bench.ask('hang@1');
    const [next] = await bench.ask('x');
    await bench.until(stuck!.id, (view) => view.step === 1);
    await bench.queue.cancel([stuck!.id]);
    const cancelled = await bench.until(stuck!.id, 'cancelled');
    expect(cancelled.attempt).toBe(1);
    await bench.until(next!.id, 'done');
    expect(bench.events).not.toContainEqual({ type: 'worker', state: 'died' });
  });
});

describe('a job that the worker does not have yet', () => {
  /** The first opening never ends: a drive that does not answer. */
  const stuckOnce = () => {
    let times = 0;
    return () => (times++ === 0 ? new Promise<void>(() => {}) : Promise.resolve());
  };

  it('is cancelled while its files are opened, and the worker lives on for the next', async () => {
    const bench = open({ opening: stuckOnce(), cancelMs: 20 });
    await bench.host.start();
    const { pid } = bench.host;
    const [stuck] = await bench.ask('x');
    const [next] = await bench.ask('slow');
    await bench.until(stuck!.id, 'loading');
    await bench.queue.cancel([stuck!.id]);
    await bench.until(next!.id, 'done');
    expect(bench.states(stuck!.id)).toEqual(['queued', 'loading', 'cancelled']);
    expect(bench.view(next!.id).attempt).toBe(1);
    expect(bench.host.pid).toBe(pid);
  });

  it.each(['silent', 'broken'])('is cancelled, and has not failed, while a worker is waited for that is %s', async (launch) => {
    process.env.ATELIER_FAKE_LAUNCH = launch;
    const bench = open();
    const [job] = await bench.ask('x');
    await bench.until(job!.id, 'loading');
    await bench.queue.cancel([job!.id]);
    await bench.until(job!.id, (view) => ['cancelled', 'failed'].includes(view.state));
    expect(bench.states(job!.id)).toEqual(['queued', 'loading', 'cancelled']);
    expect(bench.runs()).toEqual([]);
  });

  it('does not keep the studio from closing, and waits for its next start', async () => {
    const bench = openBench({ opening: stuckOnce() });
    const [job] = await bench.ask('x');
    await bench.until(job!.id, 'loading');
    await bench.close();
    expect(bench.store.jobs.get(job!.id)).toMatchObject({ state: 'queued', attempt: 0 });
  });

  it('stays cancelled when the studio closes before the worker has answered', async () => {
    const bench = openBench();
    const [job] = await bench.ask('hang@1');
    await bench.until(job!.id, (view) => view.step === 1);
    await bench.queue.cancel([job!.id]);
    await bench.close();
    expect(bench.store.jobs.get(job!.id)).toMatchObject({ state: 'cancelled' });
  });
});

describe('when the worker was dead before it heard of the job', () => {
  it('the job goes to the next one as the same try, with nothing said', async () => {
    const bench = open();
    await bench.host.start();
    vi.mocked(bench.host.run).mockImplementationOnce((message) => {
      process.kill(bench.host.pid!, 'SIGKILL');
      WorkerHost.prototype.run.call(bench.host, message);
    });
    const [job] = await bench.ask('x');
    expect(await bench.until(job!.id, 'done')).toMatchObject({ attempt: 1, notice: null });
    expect(bench.runs()).toHaveLength(2);
  });

  it('however often, but not without end', async () => {
    const bench = open();
    const [job] = await bench.ask('deaf');
    expect(await bench.until(job!.id, 'failed')).toMatchObject({ attempt: 2, error: { code: 'worker.died' } });
  });
});

describe('when Atelier itself died', () => {
  // What the disk holds when the process is killed in the middle of a try.
  const cutOff = (store: MemoryStore, id: string) => store.update(id, { state: 'running', pictureId: null, endedAt: null });

  it('the job that ran is taken up again as the same try, however often', async () => {
    const store = new MemoryStore();
    const first = openBench({ store });
    const [job] = await first.ask('x');
    await first.until(job!.id, 'done');
    await first.close();
    for (let end = 0; end < 4; end++) {
      cutOff(store, job!.id);
      const next = openBench({ store });
      expect(await next.until(job!.id, 'done')).toMatchObject({ attempt: 1, error: null });
      await next.close();
      expect(next.runs()).toHaveLength(1);
    }
  });

  it('a worker that died over the job before still counts, and the words are those of its death', async () => {
    const store = new MemoryStore();
    const first = openBench({ store });
    const [job] = await first.ask('die@2');
    await first.until(job!.id, (view) => view.attempt === 2);
    await first.until(job!.id, 'failed');
    await first.close();
    cutOff(store, job!.id);
    const second = open({ store });
    const failed = await second.until(job!.id, 'failed');
    expect(failed).toMatchObject({ attempt: 2, error: { code: 'worker.died', data: { signal: 'SIGKILL' } } });
    expect(second.runs()).toMatchObject([{ sparing: true }]);
  });
});
