// What ends a process stands in the log, and a log that cannot be written harms nobody: it is said once, and all goes on.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openLog } from '../../main/services/log/log';
import { LogFile } from '../../main/services/log/log-file';
import { createStudio } from '../../main/services/studio';
import type { ErrorInfo } from '../../preload/contract/errors';
import { JobRequest } from '../../preload/contract/job';
import { bundleProgram } from '../support/bundle-program';
import { tempFolder } from '../support/pictures';
import { fakeWorker, openBench } from '../support/queue';
import { openServer } from '../support/server';

afterEach(() => { vi.restoreAllMocks(); });

const linesIn = (root: string) => openLog(root, 'studio').tail(1_000).map((line) => JSON.parse(line) as Record<string, unknown>);
const refusal = (code: string) => Object.assign(new Error(`${code}: no`), { code });

/** What keeps a log from being written, in a data folder that is there. */
const obstacles: [string, (root: string) => void][] = [
  ['a disk that is full', () => { vi.spyOn(fs, 'writeSync').mockImplementation(() => { throw refusal('ENOSPC'); }); }],
  ['a disk that fills up in the middle of a line', () => { vi.spyOn(fs, 'writeSync').mockImplementation(() => 3); }],
  ['a folder that may not be written', () => { vi.spyOn(fs, 'openSync').mockImplementation(() => { throw refusal('EACCES'); }); }],
  ['a process without handles', () => { vi.spyOn(fs, 'openSync').mockImplementation(() => { throw refusal('EMFILE'); }); }],
  ['a drive that is gone', () => { vi.spyOn(fs, 'lstatSync').mockImplementation(() => { throw refusal('EIO'); }); }],
  ['a file in the place of its folder', (root) => { fs.writeFileSync(join(root, 'logs'), 'mine'); }],
  ['a folder in its place', (root) => { fs.mkdirSync(join(root, 'logs/atelier.jsonl'), { recursive: true }); }],
];
if (process.platform !== 'win32') obstacles.push(
  ['a link in its place', (root) => { fs.mkdirSync(join(root, 'logs')); fs.writeFileSync(join(root, 'other'), 'mine'); fs.symlinkSync('../other', join(root, 'logs/atelier.jsonl')); }],
  ['a device in its place', (root) => { fs.mkdirSync(join(root, 'logs')); fs.symlinkSync('/dev/full', join(root, 'logs/atelier.jsonl')); }],
);

describe.each(obstacles)('%s', (_, put) => {
  it('keeps the log from being written, which is said once', async () => {
    const root = await tempFolder(), told: ErrorInfo[] = [], log = openLog(root, 'studio', { retryMs: 0, tell: (info) => told.push(info) });
    put(root);
    for (let i = 0; i < 50; i++) log.error('x', { i });
    expect(told).toEqual([{ code: 'log.unwritable', data: { file: join(root, 'logs'), detail: expect.any(String) } }]);
    if (fs.existsSync(join(root, 'other'))) expect(fs.readFileSync(join(root, 'other'), 'utf8')).toBe('mine');
  });
});

describe('a log that could not be written', () => {
  it('goes on when it can, with whole lines and the number of those that are missing', async () => {
    const root = await tempFolder(), log = openLog(root, 'studio', { retryMs: 0 }), write = fs.writeSync.bind(fs) as (handle: number, bytes: Uint8Array) => number;
    log.info('a');
    vi.spyOn(fs, 'writeSync').mockImplementationOnce(((handle: number, bytes: Buffer) => write(handle, bytes.subarray(0, 10))) as never).mockImplementationOnce(() => { throw refusal('ENOSPC'); });
    log.info('b');
    log.info('c');
    log.info('d');
    log.info('e');
    const lines = log.tail(10);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toHaveLength(10);
    expect([0, 2, 3].map((i) => JSON.parse(lines[i]!) as unknown)).toMatchObject([{ event: 'a' }, { event: 'd', lost: 2 }, { event: 'e' }]);
    expect(JSON.parse(lines[3]!)).not.toHaveProperty('lost');
  });

  it('is not tried again at every line', async () => {
    const open = vi.spyOn(fs, 'openSync').mockImplementation(() => { throw refusal('EACCES'); });
    const log = openLog(await tempFolder(), 'studio');
    for (let i = 0; i < 1_000; i++) log.error('x');
    expect(open).toHaveBeenCalledTimes(1);
  });

  it('does not grow where it cannot be put aside', async () => {
    const root = await tempFolder(), folder = join(root, 'logs'), file = new LogFile(folder, { fileBytes: 100, files: 3, retryMs: 0, onFault: () => {} });
    vi.spyOn(fs, 'renameSync').mockImplementation(() => { throw refusal('EPERM'); });
    for (let i = 0; i < 100; i++) file.write('x'.repeat(30));
    expect(fs.statSync(join(folder, 'atelier.jsonl')).size).toBeLessThanOrEqual(100);
    vi.mocked(fs.renameSync).mockRestore();
    vi.spyOn(fs, 'rmSync').mockImplementation(() => { throw refusal('EPERM'); });
    for (let i = 0; i < 100; i++) file.write('x'.repeat(30));
    expect(fs.readdirSync(folder)).toHaveLength(3);
  });

  it('is no obstacle to a picture', async () => {
    const dataDir = await tempFolder(), told: ErrorInfo[] = [], tell = (info: ErrorInfo) => { told.push(info); };
    vi.spyOn(fs, 'writeSync').mockImplementation(() => { throw refusal('ENOSPC'); });
    const studio = await createStudio({ dataDir, workerEntry: fakeWorker, tell });
    const [model] = await studio.models.list();
    const [job] = await studio.queue.enqueue(JobRequest.parse({ files: { model: model!.id }, prompt: 'x', steps: 4, sampler: 'ddim', schedule: 'normal', cfg: 4, width: 64, height: 64 }));
    await vi.waitFor(() => { expect(studio.queue.list().find(({ id }) => id === job!.id)!.state).toBe('done'); }, { timeout: 60_000 });
    await studio.close();
    expect(told.map(({ code }) => code)).toEqual(['log.unwritable']);
  });

  it('is put aside where it is no folder, and the next start has one', async () => {
    const dataDir = await tempFolder(), told: ErrorInfo[] = [];
    await writeFile(join(dataDir, 'logs'), 'mine');
    const studio = await createStudio({ dataDir, workerEntry: fakeWorker, tell: (info) => told.push(info) });
    await studio.close();
    expect(told).toMatchObject([{ code: 'data.damaged', data: { why: 'other' } }]);
    expect(linesIn(dataDir)).toContainEqual(expect.objectContaining({ event: 'folder.notice', about: expect.objectContaining({ code: 'data.damaged' }) }));
  });
});

describe('what ends', () => {
  let program: string, built: string;
  beforeAll(async () => { ({ program, folder: built } = await bundleProgram('tests/support/log-child.ts')); });
  afterAll(() => fs.rmSync(built, { recursive: true }));

  it.each([['throw', 'uncaughtException', 'TypeError'], ['reject', 'unhandledRejection', 'RangeError']] as const)('the studio\'s process, by a %s, is in the log, and ends it as ever', async (act, kind, name) => {
    const folder = await tempFolder(), child = spawn(process.execPath, [program, JSON.stringify({ folder, who: 'secret', act })], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (text: Buffer) => { stderr += text.toString(); });
    expect((await once(child, 'close') as unknown[])[0]).toBe(1);
    expect(stderr).toContain('secret');
    const [line, ...others] = linesIn(folder);
    expect(others).toEqual([]);
    expect(line).toMatchObject({ level: 'error', process: 'server', pid: child.pid, event: 'process.fatal', kind, error: { name, frames: expect.arrayContaining([expect.stringMatching(/program\.mjs:\d+:\d+$/)]) } });
    expect(JSON.stringify(line)).not.toContain('secret');
  });

  it.each([
    ['abort@2', { reason: 'memory', said: { phrases: ['bad_alloc', 'terminate'] } }],
    ['die@2', { signal: 'SIGKILL' }],
  ])('a worker, by %s, is in the log with its job', async (prompt, how) => {
    const dataDir = await tempFolder(), studio = await createStudio({ dataDir, workerEntry: fakeWorker });
    const [model] = await studio.models.list();
    const [job] = await studio.queue.enqueue(JobRequest.parse({ files: { model: model!.id }, prompt, steps: 4, sampler: 'ddim', schedule: 'normal', cfg: 4, width: 64, height: 64 }));
    await vi.waitFor(() => { expect(studio.queue.list().find(({ id }) => id === job!.id)!.state).toBe('failed'); }, { timeout: 60_000 });
    await studio.close();
    const lines = linesIn(dataDir);
    expect(lines.filter(({ event }) => event === 'worker.died')[0]).toMatchObject({ level: 'error', process: 'worker', job: job!.id, asked: false, ...how });
    expect(lines.filter(({ event, job: of }) => event === 'job.failed' && of === job!.id)).toHaveLength(1);
    expect(lines.map(({ event }) => event)).toEqual(expect.arrayContaining(['studio.started', 'job.queued', 'job.began', 'job.ended', 'studio.closed']));
  });

  it('a worker before it is ready is in the log with what it said', async () => {
    process.env.ATELIER_FAKE_LAUNCH = 'broken';
    const dataDir = await tempFolder(), studio = await createStudio({ dataDir, workerEntry: fakeWorker });
    await vi.waitFor(() => { expect(linesIn(dataDir)).toContainEqual(expect.objectContaining({ event: 'worker.died', process: 'worker', reason: 'launchFailed', exit: 3, said: { name: 'Error' } })); }, { timeout: 60_000 });
    delete process.env.ATELIER_FAKE_LAUNCH;
    await studio.close();
  });

  it('a job, by a fault of ours in the worker, is in the log with where it was', async () => {
    const bench = openBench({ spawn: (await import('../../main/services/workers/fork')).forkWorker });
    const [job] = await bench.ask('bug');
    await bench.until(job!.id, 'failed');
    expect(bench.log).toContainEqual(expect.objectContaining({ event: 'job.failed', job: job!.id, about: { code: 'internal' }, cause: { name: 'TypeError', frames: ['run worker.js:1:2'] } }));
    await bench.close();
  });

  it('a window\'s script is in the log of its studio', async () => {
    const dataDir = await tempFolder(), studio = await createStudio({ dataDir, workerEntry: fakeWorker });
    studio.windowFailed({ kind: 'render', name: 'TypeError', stack: '    at Stage (http://127.0.0.1:1/assets/index-abc.js:1:2)' });
    await studio.close();
    expect(linesIn(dataDir)).toContainEqual(expect.objectContaining({ process: 'window', event: 'window.failed', kind: 'render', error: { name: 'TypeError', frames: ['Stage index-abc.js:1:2'] } }));
  });
});

describe('a request', () => {
  it('that met a fault of ours is in the log, and one that is refused is not', async () => {
    const server = await openServer();
    try {
      vi.spyOn(server.bench.queue, 'page').mockImplementation(() => { throw new TypeError('a secret garden'); });
      expect((await server.ask('/trpc/queue.list')).status).toBe(500);
      await server.ask('/trpc/library.get?input=%7B%7D');
      expect(server.log.filter(({ level }) => level === 'error')).toEqual([{ level: 'error', process: 'studio', event: 'request.failed', procedure: 'queue.list', error: { name: 'TypeError', frames: expect.arrayContaining([expect.stringContaining('log.test.ts')]) } }]);
    } finally {
      await server.close();
    }
  });
});
