// The system has no more handles, memory or processes to lend, or a drive does not answer: no job fails of it, the queue says so and goes on when it has passed.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemFault } from '../../main/files/system-faults';
import { forkWorker } from '../../main/services/workers/fork';
import type { SpawnWorker } from '../../main/services/workers/spawn';
import { bundleProgram } from '../support/bundle-program';
import { fakeWorker, openBench, type Bench } from '../support/queue';

const benches: Bench[] = [];
afterEach(async () => { await Promise.all(benches.splice(0).map((bench) => bench.close())); });
const open = (options: Parameters<typeof openBench>[0]): Bench => {
  const bench = openBench(options);
  benches.push(bench);
  return bench;
};
const pauses = (bench: Bench) => bench.events.flatMap((event) => event.type === 'paused' ? [event.why?.code ?? null] : []);
const failing = (code: string): Error => Object.assign(new Error(`spawn ${code}`), { code });

it.skipIf(process.platform === 'win32')('with all handles of the process in use, jobs wait and are made when there are some again (needs ulimit)', async () => {
  const { program, folder } = await bundleProgram('tests/support/few-handles-child.ts'), dataDir = await mkdtemp(join(tmpdir(), 'atelier-handles-'));
  try {
    const { stdout } = await promisify(execFile)('sh', ['-c', 'ulimit -n 120 && exec "$0" "$@"', process.execPath, program, dataDir, fakeWorker]);
    const [said, end] = stdout.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(said).toEqual({ opening: 'machine.exhausted', stamp: 'looked at' });
    expect(end).toMatchObject({ jobs: ['done', 'done'] });
    expect(new Set(end!['paused'] as string[])).toEqual(new Set(['machine.exhausted']));
  } finally {
    for (const each of [folder, dataDir]) await rm(each, { recursive: true, force: true });
  }
});

describe.each<[string, (error: Error) => ReturnType<SpawnWorker>]>([
  ['throws', (error) => { throw error; }],
  ['says so later', (error) => ({
    pid: undefined, port: { post: () => {}, onMessage: () => {}, onClose: () => {} }, kill: () => false, onStderr: () => {}, onExit: (listener) => { setImmediate(() => listener({ code: null, signal: null, error })); },
  })],
])('a system that makes no process, and %s', (_, refuse) => {
  it.each(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])('for %s fails no job', async (code) => {
    let isRefused = true;
    const bench = open({ backOffMs: [0], spawn: (entry) => (isRefused ? refuse(failing(code)) : forkWorker(entry)) });
    const [job] = await bench.ask('x');
    await vi.waitFor(() => { expect(pauses(bench)).toContain('machine.exhausted'); }, { timeout: 30_000 });
    isRefused = false;
    expect(await bench.until(job!.id, 'done')).toMatchObject({ attempt: 1, error: null });
    expect(pauses(bench)).toEqual([null, 'machine.exhausted', null]);
  });
});

it('a drive that does not answer the worker keeps the job waiting, and is no pause any more while it runs', async () => {
  const bench = open({});
  const [job] = await bench.ask('away slow');
  await bench.until(job!.id, (view) => view.step === 1);
  expect(pauses(bench)).toEqual([null, 'disk.silent', null]);
  expect(await bench.until(job!.id, 'done')).toMatchObject({ attempt: 1, error: null });
  expect(bench.runs()).toHaveLength(2);
});

it('a job that waits for a drive may be cancelled', async () => {
  const bench = open({ retryMs: 3_600_000 });
  const [job] = await bench.ask('away');
  await vi.waitFor(() => { expect(pauses(bench)).toContain('disk.silent'); }, { timeout: 30_000 });
  await bench.queue.cancel([job!.id]);
  await bench.until(job!.id, 'cancelled');
  expect(pauses(bench).at(-1)).toBeNull();
});

describe('what the system says', () => {
  it.each([
    ...['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'].map((code) => [code, 'machine.exhausted']), ...['EIO', 'ESTALE', 'ENETDOWN', 'EBUSY', 'ENODEV', 'ETIMEDOUT'].map((code) => [code, 'disk.silent']),
    ...['ENOENT', 'EACCES', 'EISDIR', 'ELOOP'].map((code) => [code, undefined]),
  ])('%s is %s', (code, ours) => {
    expect(systemFault(failing(code!), 'a.safetensors')?.code).toBe(ours);
  });
  it('is kept, with what was to be opened', () => {
    expect(systemFault(failing('EMFILE'), '/a.safetensors')).toMatchObject({ data: { why: 'handles', what: '/a.safetensors' }, cause: failing('EMFILE') });
    expect(systemFault(failing('ESTALE'), '/a.safetensors')).toMatchObject({ data: { what: '/a.safetensors', detail: 'ESTALE' } });
    expect(systemFault(new Error('other'), 'a')).toBeNull();
    expect(systemFault(undefined, 'a')).toBeNull();
  });
});
