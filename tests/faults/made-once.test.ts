// kill -9 at the named moments between a finished picture and its finished job: after the next start the job has one picture, never two, never none.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../main/services/database/database';
import { createStudio } from '../../main/services/studio';
import { tempFolder } from '../support/pictures';
import { fakeWorker } from '../support/queue';

const repository = join(import.meta.dirname, '../..');
let folder = '', program = '';
beforeAll(async () => {
  folder = await mkdtemp(join(repository, 'tests/.artifacts-studio-'));      // inside, so that it finds the packages and the resources
  program = join(folder, 'child.mjs');
  await build({ entryPoints: [join(repository, 'tests/support/saving-child.ts')], bundle: true, platform: 'node', format: 'esm', packages: 'external', outfile: program });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function killedAt(root: string, moment: string): Promise<void> {
  const child = spawn(process.execPath, [program, root, fakeWorker, moment], { stdio: ['ignore', 'inherit', 'inherit'] });
  expect((await once(child, 'close'))[1]).toBe('SIGKILL');
}

/** The next session, until nothing waits any more. */
async function liveOn(root: string): Promise<{ made: number; ids: string[] }> {
  const studio = await createStudio({ dataDir: root, workerEntry: fakeWorker, resume: true });
  const runs = new Set<string>(), stop = new AbortController();
  const listening = (async () => {
    for await (const event of studio.queue.events(stop.signal)) if (event.type === 'job' && event.job.state === 'running') runs.add(event.job.id);
  })();
  await expect.poll(() => studio.queue.list().every(({ endedAt }) => endedAt !== null), { timeout: 60_000 }).toBe(true);
  await studio.close();
  stop.abort();
  await listening;
  const again = await createStudio({ dataDir: root, workerEntry: fakeWorker, resume: true });
  await again.close();      // what it found is recorded
  const database = openDatabase(join(root, 'atelier.db'));
  try {
    const { pictures } = database.pictures.page(Infinity, 100);
    const jobs = database.jobs.recent(10);
    expect(jobs.map(({ state, pictureId }) => [state, pictureId])).toEqual(pictures.map(({ id }) => ['done', id]));
    const files = (await readdir(join(root, 'pictures'), { recursive: true })).filter((name) => name.endsWith('.png'));
    expect(files.map((file) => file.replaceAll('\\', '/'))).toEqual(pictures.map(({ file }) => file));
    return { made: runs.size, ids: pictures.map(({ id }) => id) };
  } finally {
    database.close();
  }
}

it.each([
  ['written', 1], ['named', 0], ['recorded', 0], ['done', 0],
])('killed when the picture is %s, a job has one picture', { timeout: 120_000 }, async (moment, madeAnew) => {
  const root = await tempFolder();
  await killedAt(root, moment);
  const { made, ids } = await liveOn(root);
  expect(ids.length).toBe(1);
  expect(made).toBe(madeAnew);
});
