// What nothing names any more goes, some time after the start; what anything may name stays, whatever comes in between.
import { existsSync } from 'node:fs';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Blobs } from '../../main/services/data/blobs';
import { signIn } from '../../main/services/data/sole-user';
import { blobCleaner } from '../../main/services/clean-up/blobs';
import { openDatabase } from '../../main/services/database/database';
import type { StoredJob } from '../../main/services/queue/job-list';
import { createStudio, type LocalStudio } from '../../main/services/studio';
import { encodePng } from '../../main/services/pictures/encode';
import { JobRequest } from '../../preload/contract/job';
import { job, noise, openLibrary, readHere, tempFolder } from '../support/pictures';
import { fakeWorker } from '../support/queue';

const DAY = 86_400_000;

async function open(root: string): Promise<LocalStudio> {
  const studio = await createStudio({ dataDir: root, workerEntry: fakeWorker, resume: true, cleanUpTimes: { restMs: 0 } });
  onTestFinished(() => studio.close().catch(() => {}));
  return studio;
}
/** A folder that a studio has opened before: on a new database no blob is taken for one that nothing names. */
async function folderOf(): Promise<string> {
  const root = await tempFolder();
  openDatabase(join(root, 'atelier.db')).close();
  return root;
}
const blobsOf = (root: string): Blobs => new Blobs(join(root, 'blobs'), readHere, join(root, 'trash/blobs'));
const fileOf = (root: string, hash: string): string => join(root, 'blobs', hash.slice(0, 2), hash);
/** Uploaded, and not looked at for two days. */
async function upload(root: string, seed: number): Promise<string> {
  const { hash } = await blobsOf(root).putPicture(await encodePng(noise(16, 16, seed), []));
  await age(fileOf(root, hash));
  return hash;
}
const age = (path: string, days = 2) => utimes(path, new Date(Date.now() - days * DAY), new Date(Date.now() - days * DAY));
const here = (root: string, hashes: Readonly<Record<string, string>>) => Object.entries(hashes).filter(([, hash]) => existsSync(fileOf(root, hash))).map(([name]) => name).sort();
const from = (init: string, more: object = {}) => job({ kind: 'img2img', init, strength: 0.5, ...more });
const stored = (id: string, patch: Partial<StoredJob> = {}): StoredJob => ({
  id, batch: { id: 'b', index: 0, size: 1 }, spec: job(), fileIds: { model: 'gone' }, state: 'queued', attempt: 0, error: null, pictureId: null, createdAt: 1, startedAt: null, endedAt: null, ...patch,
});
function rawly<T>(root: string, use: (db: Libsql.Database) => T): T {
  const db = new Libsql(join(root, 'atelier.db'));
  try { return use(db); } finally { db.close(); }
}

describe('an input picture', () => {
  it('goes when nothing names it, and stays where a job, a picture or a row that cannot be read does', async () => {
    const root = await folderOf(), hashes = Object.fromEntries(await Promise.all(['nobody', 'waits', 'mask', 'depth', 'newer', 'damaged', 'pictured', 'unreadable'].map(async (name, seed) => [name, await upload(root, seed)] as const))) as Record<string, string>;
    const { database, library } = await openLibrary(root);
    database.jobs.insertMany([stored('waits', { spec: from(hashes.waits!, { mask: hashes.mask }) }), stored('newer', { spec: from(hashes.newer!) }), stored('damaged', { spec: from(hashes.damaged!) }), stored('depth', { spec: job({ depth: hashes.depth }) })]);
    await library.save(noise(), from(hashes.pictured!), 1);
    const { id } = await library.save(noise(), from(hashes.unreadable!), 1);
    rawly(root, (db) => {
      db.exec("UPDATE jobs SET state = 'dreaming', spec = json_set(spec, '$.version', 77) WHERE id = 'newer'");
      db.exec("UPDATE jobs SET spec = substr(spec, 1, length(spec) - 9) WHERE id = 'damaged'");
      db.prepare("UPDATE pictures SET job = job || 'x' WHERE id = ?").run(id);
    });
    const studio = await open(root), lately = (await studio.blobs.add(await encodePng(noise(16, 16, 99), []))).hash;
    const { nobody: _, ...named } = hashes;
    expect(await studio.cleanUp.run()).toMatchObject({ blobs: 1 });
    expect(here(root, hashes)).toEqual(Object.keys(named).sort());
    expect(existsSync(fileOf(root, lately))).toBe(true);

    // Whoever names it after all has it again.
    expect((await studio.blobs.open(hashes.nobody!)).path).toBe(fileOf(root, hashes.nobody!));
    expect(await studio.cleanUp.run(), 'it is in use again').toMatchObject({ blobs: 0 });
  });

  it('that lies in the trash comes back when a row names it, and goes for good after thirty days', async () => {
    const root = await folderOf(), [named, nobody] = [await upload(root, 1), await upload(root, 2)], blobs = blobsOf(root);
    const run = async (hashes: string[], days = 0) => { for await (const _ of blobCleaner(blobs, { hashes: () => [hashes], root, pictures: root, foreign: async () => [] }, () => Date.now() + days * DAY)()); };
    await run([]);
    expect(blobs.list()).toEqual({ here: [], trashed: [named, nobody].sort() });
    await run([named]);
    expect(blobs.list()).toEqual({ here: [named], trashed: [nobody] });
    await run([named], 29);
    expect(blobs.list().trashed).toEqual([nobody]);
    await run([named], 31);
    expect(blobs.list()).toEqual({ here: [named], trashed: [] });
  });

  it.each([
    ["a newer Atelier's rows wait for it", (root: string) => writeFile(join(root, 'atelier.version-99.db'), 'x')],
    ['a picture of ours could not be taken up', async (root: string) => writeFile(join(root, 'pictures/newer.png'), await encodePng(noise(), [{ keyword: 'atelier', text: JSON.stringify({ version: 77 }) }]))],
    ['somebody else uses the folder', async (root: string) => { const other = signIn(join(root, 'sessions')); onTestFinished(() => other.signOut()); }],
  ])('stays while %s', async (_, happen) => {
    const root = await folderOf(), hash = await upload(root, 1);
    await mkdir(join(root, 'pictures'));
    await writeFile(join(root, 'pictures/of somebody.png'), await encodePng(noise(), []));
    await happen(root);
    const studio = await open(root);
    await studio.cleanUp.run();
    expect(existsSync(fileOf(root, hash))).toBe(true);
  });

  it('that is uploaded again, looked at, or asked for with a job at any moment of the cleaning is there for it', async () => {
    const root = await folderOf(), hashes = await Promise.all(Array.from({ length: 60 }, (_, seed) => upload(root, seed))), studio = await open(root);
    const model = (await studio.models.list())[0]!.id;
    const ask = (init: string) => studio.queue.enqueue(JobRequest.parse({ prompt: 'slow', steps: 200, sampler: 'euler', schedule: 'normal', cfg: 4, width: 64, height: 64, files: { model }, init }));
    const uses = [ask, (hash: string) => studio.blobs.open(hash), async (_: string, seed: number) => studio.blobs.add(await encodePng(noise(16, 16, seed), []))];
    const cleaning = (async () => { let removed = 0; for (let i = 0; i < 8; i++) removed += (await studio.cleanUp.run()).blobs!; return removed; })();
    const used = hashes.filter((_, i) => i % 2 === 0);
    for (const [i, hash] of used.entries()) {
      await uses[i % 3]!(hash, hashes.indexOf(hash));
      await new Promise((resolve) => { setTimeout(resolve, i % 4); });
    }
    expect(await cleaning).toBeGreaterThan(0);
    await studio.cleanUp.run();
    for (const hash of used) expect((await studio.blobs.open(hash)).path).toBe(fileOf(root, hash));
    expect(blobsOf(root).list().here.length).toBeLessThan(hashes.length);
  });
});

describe('jobs that have ended', () => {
  it('go but for the newest, and those that failed lately; those that have not stay, however old', async () => {
    const root = await folderOf(), database = openDatabase(join(root, 'atelier.db')), long = job({ prompt: 'x'.repeat(1000) });
    const many = (state: StoredJob['state'], count: number, endedAt: number | null) => Array.from({ length: count }, (_, i) => stored(`${state} ${endedAt} ${i}`, { state, endedAt, spec: long }));
    database.jobs.insertMany([...many('queued', 2, null), ...many('failed', 5, 1000), ...many('failed', 7, Date.now()), ...many('done', 300, 1000), ...many('cancelled', 300, 1000)]);
    database.close();
    rawly(root, (db) => db.exec("UPDATE jobs SET state = 'dreaming', spec = '{' WHERE id = 'queued null 1'"));
    const studio = await open(root);
    await expect.poll(() => studio.queue.list().map(({ state }) => state)).toEqual(['failed']);      // its model is not here
    expect(await studio.cleanUp.run()).toMatchObject({ jobs: 405 });
    await studio.close();
    const left = rawly(root, (db) => db.prepare('SELECT state, count(*) AS count FROM jobs GROUP BY state ORDER BY state').raw().all());
    expect(left.map((row) => (row as unknown[]).slice(0, 2))).toEqual([['cancelled', 200], ['dreaming', 1], ['failed', 8]]);
    expect(rawly(root, (db) => (db.prepare('SELECT count(*) AS count FROM job_texts WHERE id NOT IN (SELECT id FROM jobs)').get() as { count: number }).count)).toBe(0);
    expect(rawly(root, (db) => (db.prepare('SELECT count(*) AS count FROM job_texts').get() as { count: number }).count)).toBe(209);
  });
});

describe('files of ours that belong to nothing', () => {
  it('go: thumbnails without a picture, steps without a job, what has lain in the trash', async () => {
    const root = await folderOf(), { library, folder } = await openLibrary(root);
    const kept = await library.save(noise(), job({ seed: 1 }), 1), gone = await library.save(noise(), job({ seed: 2 }), 1);
    await library.remove(gone.id);
    const thumbnail = await library.thumbnail(kept.id), orphan = join(folder.thumbnails, 'ab', `${'ab'.repeat(32)}.webp`);
    await mkdir(join(folder.thumbnails, 'ab'), { recursive: true });
    await writeFile(orphan, 'x');
    const studio = await open(root);
    await writeFile(join(folder.steps, 'nobody.safetensors'), 'x');
    expect(await studio.cleanUp.run()).toMatchObject({ thumbnails: 1, trash: 0 });
    expect([thumbnail, orphan, kept.path].map(existsSync)).toEqual([true, false, true]);
    expect(await readdir(folder.steps)).toEqual([]);
    expect((await readdir(folder.trash)).filter((name) => name.endsWith('.png'))).toHaveLength(1);
    expect(await readdir(root), 'room for a full disk').toContain('reserve');
  });

  it('and a studio that closes meanwhile waits for no more than a piece of it', async () => {
    const root = await folderOf(), database = openDatabase(join(root, 'atelier.db'));
    database.jobs.insertMany(Array.from({ length: 1000 }, (_, i) => stored(String(i), { state: 'done', endedAt: 1 })));
    database.close();
    const studio = await createStudio({ dataDir: root, workerEntry: fakeWorker, resume: true, cleanUpTimes: { restMs: 3_600_000 } });
    const cleaning = studio.cleanUp.run();
    await studio.close();
    await cleaning;
    expect(studio.log.tail(100).filter((line) => line.includes('cleanUp'))).toEqual([]);
  });
});
