// The worker process dies in every way that it can, and the host tells at once which it was.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { JobSpec } from '../../preload/contract/job';
import { totalBytes } from '../../main/services/machine/hardware';
import { WorkerHost, type Crash } from '../../main/services/workers/host';
import type { ChildExit, WorkerChild } from '../../main/services/workers/spawn';
import type { FromWorker } from '../../main/worker/protocol';
import { refusalOf } from '../support/words';

const entry = join(import.meta.dirname, '../support/fake-worker.mjs');
const hosts: WorkerHost[] = [];
afterEach(async () => {
  delete process.env.ATELIER_FAKE_LAUNCH;
  await Promise.all(hosts.splice(0).map((host) => host.stop()));
});

function hostWithLog() {
  const host = new WorkerHost(entry);
  const log: string[] = [];
  const crashes: Crash[] = [];
  for (const event of ['starting', 'ready', 'exit'] as const) host.on(event, () => log.push(event));
  host.on('crash', (crash) => { log.push(`crash:${crash.reason}`); crashes.push(crash); });
  hosts.push(host);
  const until = <T extends FromWorker['type']>(type: T, pick: (m: Extract<FromWorker, { type: T }>) => boolean = () => true) => new Promise<Extract<FromWorker, { type: T }>>((resolve) => {
    host.on('message', (m) => { if (m.type === type && pick(m as Extract<FromWorker, { type: T }>)) resolve(m as Extract<FromWorker, { type: T }>); });
  });
  const died = () => new Promise<Crash>((resolve) => { host.once('crash', resolve); });
  return { host, log, crashes, until, died };
}
const job = (prompt: string) => ({
  type: 'run' as const, id: 'a', files: { model: '/m.safetensors' }, sparing: false, keepMs: 5000,
  job: JobSpec.parse({ kind: 'txt2img', model: { name: 'm', hash: null }, prompt, seed: 7, steps: 4, sampler: 'euler', schedule: 'normal', cfg: 4, width: 64, height: 64 }),
});
const lives = (pid: number): boolean => { try { return process.kill(pid, 0); } catch { return false; } };

/** A process that does what the test says, and does not hear a kill. */
function puppet() {
  let hear: (message: FromWorker) => void = () => {};
  let end: (exit: ChildExit) => void = () => {};
  let kills = 0;
  const child: WorkerChild = {
    pid: undefined, port: { post: () => {}, onMessage: (listener) => { hear = listener; }, onClose: () => {} },
    kill: () => { kills++; return true; }, onStderr: () => {}, onExit: (listener) => { end = listener; },
  };
  return { spawn: () => child, say: (message: FromWorker) => hear(message), die: (exit: ChildExit) => end(exit), kills: () => kills };
}

describe('the worker host', () => {
  it('brings up a worker, runs a job and hands over its pixels as typed arrays', async () => {
    const { host, until, log } = hostWithLog();
    await host.start();
    const done = until('done');
    host.run(job('a house'));
    expect(host.state).toBe('busy');
    const { pixels } = await done;
    expect(pixels.rgb).toBeInstanceOf(Uint8Array);
    expect(pixels.rgb.length).toBe(64 * 64 * 3);
    expect(host.state).toBe('ready');
    await host.stop();
    expect(log).toEqual(['starting', 'ready', 'exit']);
  });

  it('starts one process however often it is asked', async () => {
    const { host, log } = hostWithLog();
    await Promise.all([host.start(), host.start(), host.start()]);
    expect(log).toEqual(['starting', 'ready']);
  });

  it('notices a kill -9 during a job at once and names the job', async () => {
    const { host, died, until } = hostWithLog();
    await host.start();
    host.run(job('slow'));
    await until('step');
    const crash = died();
    process.kill(host.pid!, 'SIGKILL');
    expect(await crash).toMatchObject({ reason: 'killed', jobId: 'a', signal: 'SIGKILL' });
    expect(host.state).toBe('gone');
  });

  it('notices the death of an idle worker, and starts another on request', async () => {
    const { host, died } = hostWithLog();
    await host.start();
    const first = host.pid!;
    const crash = died();
    process.kill(first, 'SIGKILL');
    expect(await crash).toMatchObject({ jobId: null });
    await host.start();
    expect(host.state).toBe('ready');
    expect(host.pid).not.toBe(first);
  });

  it('tells a failed allocation from other deaths by its last words', async () => {
    const { host, died } = hostWithLog();
    await host.start();
    host.run(job('abort@2'));
    const crash = await died();
    expect(crash.reason).toBe('memory');
    expect(crash.stderr).toContain('bad_alloc');
  });

  it('takes a SIGKILL for the out-of-memory killer\'s only when the worker had grown large', async () => {
    for (const [share, reason] of [[0.7, 'memory'], [0.01, 'killed']] as const) {
      const { spawn, say, die } = puppet();
      const host = new WorkerHost(entry, spawn);
      const started = host.start();
      say({ type: 'ready', pid: 1 });
      await started;
      host.run(job('x'));
      say({ type: 'memory', rssBytes: share * totalBytes(), models: [] });
      const crash = new Promise<Crash>((resolve) => { host.once('crash', resolve); });
      die({ code: null, signal: 'SIGKILL' });
      expect((await crash).reason).toBe(reason);
    }
  });

  it('gives up with the worker\'s own words when none comes up', async () => {
    const { host, log } = hostWithLog();
    process.env.ATELIER_FAKE_LAUNCH = 'broken';
    expect(await refusalOf(host.start())).toMatchObject({ code: 'worker.notStarting', message: expect.stringContaining('no such library') });
    expect(log.filter((line) => line === 'crash:launchFailed')).toHaveLength(3);
  });

  it('stops at once when the worker is dead already and only its last words are awaited', async () => {
    const { host, until, log } = hostWithLog();
    await host.start();
    const pid = host.pid!;
    host.run(job('orphan@1'));      // leaves a process behind that holds the pipe of last words open
    await until('step');
    process.kill(pid, 'SIGKILL');
    while (lives(pid)) await nextTurn();
    await host.stop();
    expect(log).toEqual(['starting', 'ready', 'exit']);
    expect(host.state).toBe('gone');
  });

  it('takes no worker for ready that is dead, though its last words are awaited', async () => {
    const { host, until, log } = hostWithLog();
    await host.start();
    const pid = host.pid!;
    const done = until('done');
    host.run(job('orphan@1'));
    await done;
    process.kill(pid, 'SIGKILL');
    while (host.state === 'ready') await nextTurn();
    expect(host.state).toBe('ending');
    await host.start();
    expect(host.pid).not.toBe(pid);
    expect(log).toEqual(['starting', 'ready', 'crash:killed', 'starting', 'ready']);
  });

  it('goes on after a while when the system does not end the worker, and whoever waits for a job hears of it', async () => {
    const child = puppet();
    const host = new WorkerHost(entry, child.spawn, { stopMs: 10 });
    const started = host.start();
    child.say({ type: 'ready', pid: 1 });
    await started;
    host.run(job('x'));
    const exit = new Promise<void>((resolve) => { host.once('exit', resolve); });
    await Promise.all([host.stop(), exit]);
    expect(child.kills()).toBe(1);
    expect(host.state).toBe('gone');
  });

  it('does not wait out the pause before another start when it is stopped', async () => {
    const child = puppet();
    const host = new WorkerHost(entry, child.spawn, { backOffMs: [0, 60_000] });
    const started = host.start();
    child.die({ code: 1, signal: null });
    await nextTurn();
    await host.stop();
    await expect(started).rejects.toMatchObject({ code: 'worker.notStarting' });
  });

  it('kills no worker but the one that runs the job, and takes no later crash for its own doing', async () => {
    const { host, died, until } = hostWithLog();
    host.kill('a');
    await host.start();
    const { pid } = host;
    host.kill('a');
    host.run(job('slow'));
    await until('step');
    host.kill('b');
    await until('done');
    expect(host.pid).toBe(pid);
    const crash = died();
    process.kill(pid!, 'SIGKILL');
    expect(await crash).toMatchObject({ asked: false });
  });

  it('leaves no process behind when it is stopped during a job', async () => {
    const { host, until } = hostWithLog();
    await host.start();
    const pid = host.pid!;
    host.run(job('hang@1'));
    await until('step');
    await sleep(20);
    await host.stop();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });

  it.skipIf(process.platform !== 'linux')('keeps the parent\'s secrets from the worker (read in /proc, which only Linux has)', async () => {
    process.env.GITHUB_TOKEN = 'secret';
    const { host } = hostWithLog();
    await host.start();
    delete process.env.GITHUB_TOKEN;
    const environment = await readFile(`/proc/${host.pid}/environ`, 'utf8');
    expect(environment).toContain('PATH=');
    expect(environment).not.toContain('secret');
  });
});
