// Whatever became of the data folder: the studio starts, names what it put aside, has all pictures again, and works.
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import Libsql from 'libsql';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { openDataFolder } from '../../main/services/data/data-folder';
import { openDatabase } from '../../main/services/database/database';
import { Library } from '../../main/services/library/library';
import { createStudio, type LocalStudio } from '../../main/services/studio';
import { job, noise, openLibrary, readHere, tempFolder } from '../support/pictures';
import { fakeWorker } from '../support/queue';
import type { ErrorData, ErrorInfo } from '../../preload/contract/errors';
import { painted } from '../support/painted';

const keptIn = (root: string, notice: ErrorInfo | undefined): string => join(root, (notice!.data as ErrorData['data.damaged']).kept);

const PICTURES = 60;
let sound = '';
beforeAll(async () => {
  sound = await mkdtemp(join(tmpdir(), 'atelier-sound-'));
  const folder = await openDataFolder(sound), database = openDatabase(folder.database), library = new Library(folder, database.pictures, readHere, '1.2.3');
  for (let seed = 0; seed < PICTURES; seed++) await library.save(noise(8, 8, seed), job({ seed, prompt: `picture ${seed} `.repeat(40) }), 7);
  database.jobs.insertMany(['first', 'second'].map((prompt, i) => ({ id: `job${i}`, batch: { id: 'b', index: i, size: 2 }, spec: job({ prompt }), fileIds: { model: 'm' }, state: 'queued', attempt: 0, error: null, pictureId: null, createdAt: i, startedAt: null, endedAt: null })));
  database.close();
  for (const name of readdirSync(sound)) if (/-(?:wal|shm)$/.test(name)) rmSync(join(sound, name));
});
afterAll(() => rm(sound, { recursive: true }));

/** Of a folder of its own, after something was done to it. */
async function folderAfter(damage: (root: string, database: string) => void): Promise<string> {
  const root = await tempFolder();
  cpSync(sound, root, { recursive: true });
  damage(root, join(root, 'atelier.db'));
  return root;
}

async function start(root: string, resume = true): Promise<LocalStudio> {
  const studio = await createStudio({ dataDir: root, workerEntry: fakeWorker, resume });
  let closed = false;
  const close = studio.close.bind(studio);
  studio.close = async () => { if (!closed) { closed = true; await close(); } };
  onTestFinished(studio.close);
  return studio;
}
const seedsIn = async (studio: LocalStudio) => (await studio.library.page({ before: null, limit: 200 })).pictures.map((picture) => painted(picture.job).seed).sort((a, b) => Number(a) - Number(b));
const told = async (studio: LocalStudio) => (await studio.machine()).notices.map(({ about }) => about);

/** All pictures, and a change that lasts; `studio` is closed by it. */
async function expectWhole(root: string, studio: LocalStudio): Promise<void> {
  await vi.waitFor(async () => { expect(await seedsIn(studio)).toEqual(Array.from({ length: PICTURES }, (_, seed) => seed)); }, { timeout: 20_000 });
  const { pictures } = await studio.library.page({ before: null, limit: 200 });
  for (const { id } of pictures.slice(0, 3)) expect((await studio.library.get(id)).id).toBe(id);
  await studio.library.remove(pictures.find((picture) => painted(picture.job).seed === 0)!.id);
  await studio.settings.set({ theme: 'dark' });
  await studio.close();
  const again = await start(root);
  expect(await seedsIn(again)).toEqual(Array.from({ length: PICTURES - 1 }, (_, seed) => seed + 1));
  expect((await again.settings.get()).theme).toBe('dark');
  expect(await told(again)).toEqual([]);
  await again.close();
}

function overwrite(path: string, at: number, bytes: Uint8Array): void {
  const all = readFileSync(path);
  all.set(bytes.subarray(0, Math.max(0, all.length - at)), at);
  writeFileSync(path, all);
}
/** In a process of its own: libsql keeps a closed file open for some time, and with it what it knows of its log. */
const edit = (sql: string) => (_root: string, database: string) => {
  execFileSync(process.execPath, ['-e', `const db = new (require('libsql'))(${JSON.stringify(database)}); db.exec(${JSON.stringify(sql)}); db.pragma('wal_checkpoint(TRUNCATE)')`], { cwd: import.meta.dirname });
};
const replace = (path: string, put: (path: string) => void) => { rmSync(path, { recursive: true, force: true }); put(path); };
const pipe = (path: string) => { execFileSync('mkfifo', [path]); };

describe('a database', () => {
  it.each<[string, (root: string, database: string) => void]>([
    ['a folder', (_, database) => replace(database, mkdirSync)],
    ['a pipe', (_, database) => replace(database, pipe)],
    ['empty', (_, database) => truncateSync(database)],
    ['without its table of jobs', edit('DROP TABLE jobs')],
    ['without a column', edit('ALTER TABLE pictures DROP COLUMN parameters')],
    ['of no version, with its tables there', edit('PRAGMA user_version = 0')],
    ['of a version that will never be', edit('PRAGMA user_version = 123456789')],
    ['that asks for another SQLite', (_, database) => overwrite(database, 18, Uint8Array.of(9, 9))],
    ['with zeroes for its header', (_, database) => overwrite(database, 0, new Uint8Array(100))],
    ['of zeroes', (_, database) => overwrite(database, 0, new Uint8Array(statSync(database).size))],
  ])('that is %s is put aside and named, and made again', async (_, damage) => {
    const root = await folderAfter(damage), studio = await start(root), [notice] = await told(studio);
    expect(notice).toMatchObject({ code: 'data.damaged', data: { file: join(root, 'atelier.db') } });
    expect(existsSync(keptIn(root, notice))).toBe(true);
    await expectWhole(root, studio);
  });

  it.each<[string, (root: string, database: string) => void]>([
    ['a log of something else', (_, database) => writeFileSync(`${database}-wal`, 'nothing of ours '.repeat(5000))],
    ['a wrong index of its log', (_, database) => writeFileSync(`${database}-shm`, Buffer.alloc(32768, 7))],
    ['a folder as its log', (_, database) => mkdirSync(`${database}-wal`)],
    ['a pipe as its log\'s index', (_, database) => pipe(`${database}-shm`)],
  ])('with %s beside it keeps all that it has', async (_, damage) => {
    const root = await folderAfter(damage), studio = await start(root);
    expect(studio.queue.list().map(({ id }) => id)).toEqual(['job0', 'job1']);
    expect((await studio.library.page({ before: null, limit: 1 })).pictures[0]!.seconds).toBe(7);
    await expectWhole(root, studio);
  });

  it('cut, zeroed or changed anywhere gives all pictures again', { timeout: 300_000 }, async () => {
    let state = 20261127, putAside = 0;
    const random = (below: number) => { state = (state * 1103515245 + 12345) & 0x7fffffff; return Math.floor(state / 0x80000000 * below); };
    for (let round = 0; round < 40; round++) {
      const how = ['cut', 'zeroed', 'changed', 'zeroed page'][round % 4]!;
      const root = await folderAfter((_, database) => {
        const { size } = statSync(database), at = random(size);
        if (how === 'cut') truncateSync(database, at);
        else if (how === 'zeroed') overwrite(database, at, new Uint8Array(1 + random(20_000)));
        else if (how === 'zeroed page') overwrite(database, Math.floor(at / 4096) * 4096, new Uint8Array(4096));
        else for (let i = 0; i < 20; i++) overwrite(database, random(size), Uint8Array.of(0x80 + random(128)));
      });
      const studio = await start(root);
      putAside += (await told(studio)).length;
      await expectWhole(root, studio).catch((cause: unknown) => { throw new Error(`round ${round}: ${how}`, { cause }); });
    }
    expect(putAside).toBeGreaterThan(20);
  });

  it('cut in its middle gives back the jobs that can still be read', async () => {
    const root = await folderAfter((_, database) => truncateSync(database, Math.floor(statSync(database).size * 0.7 / 4096) * 4096));
    const before = new Libsql(join(sound, 'atelier.db'));
    const { page } = before.prepare("SELECT rootpage AS page FROM sqlite_schema WHERE name = 'jobs'").get() as { page: number };
    before.close();
    expect(page * 4096).toBeLessThan(statSync(join(root, 'atelier.db')).size);
    expect((await start(root)).queue.list().map(({ title }) => title)).toEqual(['first', 'second']);
  });

  it('of a newer Atelier waits under a name that says so, and comes back with what came meanwhile', async () => {
    const root = await folderAfter(edit('ALTER TABLE jobs ADD COLUMN of_tomorrow TEXT; PRAGMA user_version = 99')), studio = await start(root), [notice] = await told(studio);
    expect(notice).toMatchObject({ code: 'data.newer', data: { version: 99, kept: 'atelier.version-99.db' } });
    expect(studio.queue.list()).toEqual([]);
    await expectWhole(root, studio);
    edit('INSERT INTO timings VALUES (\'a\', 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)')(root, join(root, 'atelier.db'));

    // As a version would find it that knows this one's tables and the number.
    const current = new Libsql(join(root, 'atelier.db')), { user_version: ours } = current.prepare('PRAGMA user_version').get() as { user_version: number };
    current.close();
    copyFileSync(join(root, 'atelier.version-99.db'), join(root, `atelier.version-${ours}.db`));
    rmSync(join(root, 'atelier.version-99.db'));
    edit(`PRAGMA user_version = ${ours}`)(root, join(root, `atelier.version-${ours}.db`));
    const later = await start(root);
    expect(later.queue.list().map(({ id }) => id)).toEqual(['job0', 'job1']);
    await vi.waitFor(async () => { expect(await seedsIn(later)).toEqual(Array.from({ length: PICTURES - 1 }, (_, seed) => seed + 1)); });
    expect((await later.library.page({ before: null, limit: 1 })).pictures[0]!.seconds).toBe(7);
    await later.close();
    const timings = new Libsql(join(root, 'atelier.db'));
    expect(timings.prepare('SELECT count(*) AS n FROM timings').get()).toMatchObject({ n: 1 });
    timings.close();
    expect(readdirSync(root).filter((name) => /^atelier\.version-\d+\.db$/.test(name))).toEqual([]);
  });

  it('that is found damaged while it is used is called so, and mended by the next start', async () => {
    const root = await folderAfter(() => {}), pragma = vi.spyOn(Libsql.prototype, 'pragma'), studio = await start(root), path = join(root, 'atelier.db');
    const connection = pragma.mock.contexts[0] as Libsql.Database, { page } = connection.prepare("SELECT rootpage AS page FROM sqlite_schema WHERE name = 'pictures'").get() as { page: number };
    vi.restoreAllMocks();
    await vi.waitFor(async () => { expect(await seedsIn(studio)).toHaveLength(PICTURES); });
    connection.pragma('wal_checkpoint(TRUNCATE)');
    connection.pragma('shrink_memory');
    overwrite(path, (page - 1) * 4096, Buffer.alloc(4096, 0xee));
    await expect(studio.library.page({ before: null, limit: 200 })).rejects.toMatchObject({ code: 'database.damaged' });
    expect(await told(studio)).toMatchObject([{ code: 'database.damaged' }]);
    await studio.close();
    await expectWhole(root, await start(root));
  });

  it('is not put aside under the feet of another process that uses it', async () => {
    const root = await folderAfter(() => {}), studio = await start(root);
    await expect(start(root, false)).resolves.toBeDefined();
    expect(await seedsIn(studio)).toHaveLength(PICTURES);
  });
});

describe('a file in the place of a folder', () => {
  it.each(['pictures', 'thumbnails', 'blobs', 'trash', 'models', 'sessions', 'steps'])('%s is put aside and named', async (name) => {
    const root = await folderAfter((at) => {
      if (name === 'pictures') renameSync(join(at, name), join(at, 'kept'));
      replace(join(at, name), (path) => { writeFileSync(path, 'a file'); });
    });
    const studio = await start(root), [notice] = await told(studio);
    expect(notice).toMatchObject({ code: 'data.damaged', data: { why: 'other', file: join(root, name) } });
    expect(readFileSync(keptIn(root, notice), 'utf8')).toBe('a file');
    await studio.dismissNotice((await studio.machine()).notices[0]!.id);
    expect(await told(studio)).toEqual([]);
    if (name === 'pictures') {
      await studio.close();
      rmSync(join(root, 'pictures'), { recursive: true });
      renameSync(join(root, 'kept'), join(root, 'pictures'));
      await expectWhole(root, await start(root));
    } else await expectWhole(root, studio);
  });

  it.each([['thumbnails', 'aa'], ['blobs', '0f'], ['pictures', '2031'], ['pictures', `${new Date().getFullYear()}/${String(new Date().getMonth() + 1).padStart(2, '0')}`]])('below %s (%s) is put aside and named', async (name, inner) => {
    const path = (at: string) => join(at, name, inner);
    const root = await folderAfter((at) => {
      mkdirSync(dirname(path(at)), { recursive: true });
      if (existsSync(path(at))) renameSync(path(at), `${path(at)} kept`);      // the pictures, which lie elsewhere now
      writeFileSync(path(at), 'a file');
    });
    const studio = await start(root), [notice] = await told(studio);
    expect(notice).toMatchObject({ code: 'data.damaged', data: { why: 'other', file: path(root) } });
    expect(readFileSync(join(dirname(path(root)), (notice!.data as ErrorData['data.damaged']).kept), 'utf8')).toBe('a file');
    await studio.dismissNotice((await studio.machine()).notices[0]!.id);
    await expectWhole(root, studio);
    const open = await openLibrary(root), record = await open.library.save(noise(), job(), 1);
    expect((await open.library.get(record.id)).id).toBe(record.id);
  });

  it('a link to a drive that is not there stays, and the records with it', async () => {
    const root = await folderAfter((at) => {
      renameSync(join(at, 'pictures'), join(at, 'drive'));
      symlinkSync(join(at, 'gone'), join(at, 'pictures'));
    });
    await expect(start(root)).rejects.toMatchObject({ code: 'data.folder' });
    renameSync(join(root, 'drive'), join(root, 'gone'));
    const studio = await start(root);
    expect(await seedsIn(studio)).toHaveLength(PICTURES);
  });
});

it('the terminal, too, finds the pictures again when their database was lost', async () => {
  const root = await folderAfter((_, database) => { rmSync(database); }), studio = await start(root, false);
  await vi.waitFor(async () => { expect(await seedsIn(studio)).toHaveLength(PICTURES); }, { timeout: 20_000 });
});
