// Who is alone over a data folder: decided by locks that end with their process, and jobs that wait for it are seen meanwhile.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { signIn, untilAlone } from '../../main/services/data/sole-user';
import { JobRequest } from '../../preload/contract/job';
import { createStudio, type LocalStudio } from '../../main/services/studio';
import { bundleProgram } from '../support/bundle-program';
import { job, noise, openLibrary, tempFolder } from '../support/pictures';
import { fakeWorker } from '../support/queue';

const repository = join(import.meta.dirname, '../..');
let folder = '', program = '';
beforeAll(async () => {
  folder = await mkdtemp(join(repository, 'tests/.artifacts-sole-user-'));      // inside, so that it finds the packages
  program = join(folder, 'child.mjs');
  await build({
    stdin: { contents: "import { signIn } from './main/services/data/sole-user'; const s = signIn(process.argv[2]); console.log(s.isFirst()); setInterval(() => s, 1e6);", resolveDir: repository, loader: 'ts' },
    bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: program,
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Another process that has signed in. */
async function other(folder: string) {
  const child = spawn(process.execPath, [program, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => { child.kill('SIGKILL'); });
  const [said] = await once(child.stdout, 'data') as [Buffer];
  return { isFirst: said.toString().trim() === 'true', kill: async () => { const exit = once(child, 'exit'); child.kill('SIGKILL'); await exit; } };
}

describe('a process is alone in a data folder', () => {
  it('until another comes, and again as soon as that one was killed', async () => {
    const folder = await tempFolder(), session = signIn(folder);
    expect(session.ownsBefore()).toBe(Infinity);
    const second = await other(folder);
    expect([session.isFirst(), second.isFirst]).toEqual([true, false]);
    expect(session.ownsBefore()).toBeLessThanOrEqual(Date.now());
    await second.kill();
    expect(session.ownsBefore()).toBe(Infinity);
    session.signOut();
    expect(await readdir(folder)).toEqual(['door']);
  });

  it('whatever old process ids and other things lie there', async () => {
    const folder = await tempFolder();
    await writeFile(join(folder, String(process.ppid)), '');      // as former versions signed in, and a process has that number again
    await writeFile(join(folder, 'ab.lock'), 'damaged '.repeat(2000));
    await mkdir(join(folder, 'cd.lock'));
    await mkdir(join(folder, 'door'));
    const session = signIn(folder);
    expect(session.ownsBefore()).toBe(Infinity);
    session.signOut();
  });

  it('and is told so when it becomes so', async () => {
    const folder = await tempFolder(), first = await other(folder), session = signIn(folder), third = await other(folder), said: number[] = [];
    const stop = untilAlone(session, (before) => { said.push(before); }, 20);
    expect(said).toEqual([-Infinity]);
    await first.kill();
    await vi.waitFor(() => { expect(said).toEqual([-Infinity, expect.closeTo(Date.now(), -5)]); }, { timeout: 20_000 });
    await third.kill();
    await vi.waitFor(() => { expect(said.at(-1)).toBe(Infinity); }, { timeout: 20_000 });
    const aFewLooks = () => new Promise((resolve) => { setTimeout(resolve, 200); });
    await aFewLooks();
    const known = said.length;
    const fourth = await other(folder);
    expect(session.ownsBefore()).toBeLessThan(Infinity);
    await aFewLooks();
    expect(said).toHaveLength(known);
    await fourth.kill();
    await vi.waitFor(() => { expect(said.length).toBeGreaterThan(known); }, { timeout: 20_000 });
    expect(said.at(-1), 'what one that came later has left').toBe(Infinity);
    stop();
    session.signOut();
  });

  it('and hears of one that came and was killed between two looks', async () => {
    const folder = await tempFolder(), session = signIn(folder), said: number[] = [], looks: (() => void)[] = [];
    vi.spyOn(globalThis, 'setInterval').mockImplementation(((look: () => void) => { looks.push(look); return { unref: () => ({ [Symbol.toPrimitive]: () => 0 }) }; }) as never);
    onTestFinished(() => { vi.restoreAllMocks(); });
    untilAlone(session, (before) => { said.push(before); });
    looks[0]!();
    expect(said).toEqual([Infinity]);
    const later = await other(folder);
    await later.kill();
    looks[0]!();
    expect(said).toEqual([Infinity, Infinity]);
    for (let i = 0; i < 3; i++) looks[0]!();
    const known = said.length;
    for (let i = 0; i < 3; i++) looks[0]!();
    expect(said.length, 'nothing is said while nobody comes').toBe(known);
    session.signOut();
  });
});

it('of several that start at one moment exactly one is the first, and of those that are left when it ends, the next', { timeout: 120_000 }, async () => {
  const folder = await tempFolder(), all = await Promise.all(Array.from({ length: 6 }, () => other(folder)));
  expect(all.filter(({ isFirst }) => isFirst)).toHaveLength(1);
  for (const one of all) if (one.isFirst) await one.kill();
  const late = signIn(folder);
  expect(late.isFirst()).toBe(false);
  for (const one of all) if (!one.isFirst) await one.kill();
  expect(late.ownsBefore()).toBe(Infinity);
  late.signOut();
});

describe('two studios that start at the same moment over jobs that were left', () => {
  it.each([false, true])('make each once, by one of them (the other has asked for one already: %s)', { timeout: 120_000 }, async (asks) => {
    const dataDir = await tempFolder(), open = () => createStudio({ dataDir, workerEntry: fakeWorker, resume: true });
    const before = await open(), [model] = await before.models.list();
    const ask = (studio: LocalStudio, prompt: string) => studio.queue.enqueue(JobRequest.parse({ files: { model: model!.id }, prompt, steps: 20, sampler: 'ddim', schedule: 'normal', cfg: 4, width: 64, height: 64 }));
    const [left] = await ask(before, 'slow');
    await vi.waitFor(() => { expect(before.queue.list()[0]!.step).toBeGreaterThan(0); }, { timeout: 20_000 });
    await before.close();

    const [one, two] = await Promise.all([open(), open()]);
    onTestFinished(() => Promise.all([one.close(), two.close()]).then(() => {}));
    const states = () => [one, two].map((studio) => studio.queue.list().find(({ id }) => id === left!.id)!);
    const waits = states().findIndex(({ notice }) => notice === 'folder.shared');
    expect(states().filter(({ notice }) => notice === 'folder.shared')).toHaveLength(1);
    const waiting = [one, two][waits]!, own = asks ? await ask(waiting, 'x') : [];
    await vi.waitFor(() => { expect(states().map(({ state }) => state).sort()).toEqual(['done', 'queued']); }, { timeout: 60_000 });
    await vi.waitFor(() => { expect(waiting.queue.list().filter(({ id }) => own[0]?.id === id).every(({ state }) => state === 'done')).toBe(true); }, { timeout: 60_000 });
    expect((await one.library.page({ before: null, limit: 9 })).total).toBe(1 + own.length);
  });
});

describe.runIf(process.platform === 'linux')('the picture of a job that another process was killed over', () => {
  it('is found when that has ended, and not made again', { timeout: 120_000 }, async () => {
    const dataDir = await tempFolder(), { program, folder: built } = await bundleProgram('tests/support/saving-child.ts');
    onTestFinished(() => rm(built, { recursive: true, force: true }));
    const other = await openLibrary(dataDir);      // a look at a folder without any picture leaves no mark
    await other.library.save(noise(), job({ seed: 9 }), 1);
    other.database.close();
    const child = spawn(process.execPath, [program, dataDir, fakeWorker, 'named', 'written'], { stdio: 'inherit' });
    onTestFinished(() => { child.kill('SIGKILL'); });
    await vi.waitFor(async () => { expect(await readFile(`/proc/${child.pid}/stat`, 'utf8')).toContain(') T '); }, { timeout: 60_000 });
    const stopped = Date.now(), studio = await createStudio({ dataDir, workerEntry: fakeWorker, resume: true }), states = new Set<string>();
    onTestFinished(() => studio.close());
    expect(studio.queue.list()).toMatchObject([{ notice: 'folder.shared' }]);
    await vi.waitFor(async () => { expect((await stat(join(dataDir, 'pictures-seen'))).mtimeMs).toBeGreaterThan(stopped); }, { timeout: 60_000 });      // it has looked
    expect((await studio.library.page({ before: null, limit: 9 })).total).toBe(1);
    child.kill('SIGCONT');      // it gives the file its name, and is killed
    await vi.waitFor(() => {
      for (const { state } of studio.queue.list()) states.add(state);
      expect(studio.queue.list()).toMatchObject([{ state: 'done' }]);
    }, { timeout: 60_000, interval: 2 });
    expect([...states]).toEqual(['queued', 'done']);
    expect((await studio.library.page({ before: null, limit: 9 })).total).toBe(2);
  });
});

it('jobs that may be another process\'s are listed, cannot be cancelled, and run when it has ended', async () => {
  const dataDir = await tempFolder(), open = (resume: boolean) => createStudio({ dataDir, workerEntry: fakeWorker, resume });
  const first = await open(true), [model] = await first.models.list();
  const [job] = await first.queue.enqueue(JobRequest.parse({ files: { model: model!.id }, prompt: 'slow', steps: 100, sampler: 'ddim', schedule: 'normal', cfg: 4, width: 64, height: 64 }));
  await vi.waitFor(() => { expect(first.queue.list()[0]!.step).toBeGreaterThan(0); }, { timeout: 20_000 });
  await first.close();

  const terminal = await other(join(dataDir, 'sessions')), studio = await open(true);
  onTestFinished(() => studio.close());
  expect(studio.queue.list()).toMatchObject([{ id: job!.id, state: 'queued', notice: 'folder.shared' }]);
  expect((await studio.machine()).notices).toMatchObject([{ about: { code: 'jobs.held' } }]);
  await expect(studio.queue.cancel([job!.id])).rejects.toMatchObject({ code: 'job.held' });
  await terminal.kill();
  await vi.waitFor(() => { expect(studio.queue.list()).toMatchObject([{ id: job!.id, state: 'running', notice: null }]); }, { timeout: 30_000 });
  expect((await studio.machine()).notices).toEqual([]);
});
