// One record that cannot be read (damaged, or of a newer Atelier) takes no other with it: the studio starts, pages show the rest, and the record
// is told of, stays as it is, and can be put away by the person.
import { existsSync } from 'node:fs';
import fs, { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { QueueEvent } from '../../preload/contract/job';
import { openDatabase } from '../../main/services/database/database';
import { createStudio, type LocalStudio } from '../../main/services/studio';
import type { StoredJob } from '../../main/services/queue/job-list';
import { expectSound, job, noise, openLibrary, tempFolder, type OpenLibrary } from '../support/pictures';
import { fakeWorker } from '../support/queue';

function rawly<T>(root: string, use: (db: Libsql.Database) => T): T {
  const db = new Libsql(join(root, 'atelier.db'));
  try { return use(db); } finally { db.close(); }
}

const damages: [column: string, value: unknown, why: object][] = [
  ['spec', '{"prompt": "cut o', { kind: 'damaged', field: 'spec' }],
  ['spec', JSON.stringify({ ...job(), sampler: 'of_the_future' }), { kind: 'damaged', field: 'spec.sampler' }],
  ['spec', JSON.stringify({ ...job(), version: 77 }), { kind: 'newer', version: 77 }],
  ['file_ids', '[]', { kind: 'damaged', field: 'file_ids' }],
  ['error', '"what"', { kind: 'damaged', field: 'error' }],
  ['state', 'dreaming', { kind: 'damaged', field: 'state' }],
  ['batch_size', -1, { kind: 'damaged', field: 'batch_size' }],
];

const waiting = (id: string): StoredJob => ({
  id, batch: { id: 'b', index: 0, size: 1 }, spec: job({ prompt: id }), fileIds: { model: 'gone' }, state: 'queued', attempt: 0, error: null, pictureId: null,
  createdAt: 1_700_000_000_000, startedAt: null, endedAt: null,
});

/** A data folder with a job before, a bad one, and a job behind. */
async function folderWithJobs(damage: (db: Libsql.Database) => void): Promise<string> {
  const root = await tempFolder(), database = openDatabase(join(root, 'atelier.db'));
  database.jobs.insertMany(['before', 'bad', 'behind'].map(waiting));
  database.close();
  rawly(root, damage);
  return root;
}

async function start(root: string): Promise<LocalStudio> {
  const studio = await createStudio({ dataDir: root, workerEntry: fakeWorker, resume: true });
  onTestFinished(() => studio.close().catch(() => {}));      // it may be closed already
  return studio;
}
async function snapshot(studio: LocalStudio): Promise<Extract<QueueEvent, { type: 'snapshot' }>> {
  const stop = new AbortController();
  for await (const event of studio.queue.events(stop.signal)) {
    stop.abort();
    if (event.type === 'snapshot') return event;
  }
  throw new Error('no snapshot came');
}
function rowOf(root: string, table: string, id: string): object | undefined {
  const row = rawly(root, (db) => db.prepare(`SELECT * FROM ${table} WHERE id = ?`).get(id)) as { _metadata?: unknown } | undefined;
  if (row) delete row._metadata;      // how long the query took
  return row;
}

describe.each(damages)('a waiting job whose %s is %j', (column, value, why) => {
  it('is told of and kept, and the others run', async () => {
    const root = await folderWithJobs((db) => { db.prepare(`UPDATE jobs SET ${column} = ? WHERE id = 'bad'`).run(value); });
    const before = rowOf(root, 'jobs', 'bad'), studio = await start(root);
    const { jobs, unreadable } = await snapshot(studio);
    expect(jobs.map(({ id }) => id)).toEqual(['before', 'behind']);
    expect(unreadable).toEqual([{ id: 'bad', createdAt: 1_700_000_000_000, why }]);
    await expect.poll(() => studio.queue.list().map(({ state }) => state), { timeout: 30_000 }).toEqual(['failed', 'failed']);      // their model is not here
    await studio.close();
    expect(rowOf(root, 'jobs', 'bad')).toEqual(before);
    const again = await start(root);
    expect((await snapshot(again)).unreadable.map(({ id }) => id)).toEqual(['bad']);

    await again.queue.cancel(['bad']);
    expect((await snapshot(again)).unreadable).toEqual([]);
    expect(rowOf(root, 'jobs', 'bad')).toEqual({ ...before, state: 'cancelled', ended_at: expect.any(Number) });
  });
});

/** Three pictures, the middle one with a record of a job of the future. */
async function libraryWithBadRecord(): Promise<OpenLibrary & { ids: string[]; bad: string }> {
  const open = await openLibrary(await tempFolder()), ids: string[] = [];
  for (let seed = 0; seed < 3; seed++) ids.push((await open.library.save(noise(8, 8, seed), job({ seed }), 1)).id);
  rawly(open.folder.root, (db) => {
    ids.forEach((id, i) => { db.prepare('UPDATE pictures SET created_at = ? WHERE id = ?').run(1000 + i, id); });
    db.prepare('UPDATE pictures SET job = ? WHERE id = ?').run(JSON.stringify({ ...job(), version: 77 }), ids[1]);
  });
  return { ...open, ids, bad: ids[1]! };
}

describe('a picture whose record cannot be read', () => {
  it('is on its page as what it is, with its file and thumbnail, beside the others', async () => {
    const { library, folder, ids, bad } = await libraryWithBadRecord();
    const { pictures, unreadable, total, next } = await library.page({ before: null, limit: 10 });
    expect(pictures.map(({ id }) => id)).toEqual([ids[2], ids[0]]);
    const file = await library.path(bad);
    expect(unreadable).toEqual([{ id: bad, path: file, createdAt: 1001, why: { kind: 'newer', version: 77 } }]);
    expect([total, next]).toEqual([3, null]);
    expect(file.startsWith(folder.pictures) && existsSync(file)).toBe(true);
    expect(existsSync(await library.thumbnail(bad))).toBe(true);
    await expect(library.get(bad)).rejects.toMatchObject({ code: 'record.unreadable' });
  });

  it('takes up a page and lets the next one follow, also where all of a page are of its kind', async () => {
    const { library, folder, ids } = await libraryWithBadRecord();
    rawly(folder.root, (db) => db.prepare("UPDATE pictures SET job = '' WHERE id IN (?, ?)").run(ids[1], ids[2]));
    const first = await library.page({ before: null, limit: 2 });
    expect([first.pictures.length, first.unreadable.length]).toEqual([0, 2]);
    expect(first.unreadable[0]!.why).toEqual({ kind: 'damaged', field: 'job' });
    expect((await library.page({ before: first.next, limit: 2 })).pictures.map(({ id }) => id)).toEqual([ids[0]]);
  });

  it('stays as it is through starts, also without its file, until it is removed', async () => {
    const { library, folder, bad } = await libraryWithBadRecord(), before = rowOf(folder.root, 'pictures', bad);
    await library.recover();
    expect(rowOf(folder.root, 'pictures', bad)).toEqual(before);
    const file = await library.path(bad);
    await rename(file, join(folder.root, 'elsewhere.png'));
    await library.recover();
    expect(rowOf(folder.root, 'pictures', bad)).toEqual(before);
    await rename(join(folder.root, 'elsewhere.png'), file);
    await library.remove(bad);
    expect(rowOf(folder.root, 'pictures', bad)).toBeUndefined();
    expect(existsSync(join(folder.trash, basename(file)))).toBe(true);
  });
});

describe('a picture whose file is out of reach for a while', () => {
  it.each(['missing', 'an empty mount point'])('keeps its record when its whole drive is away and its folder is %s', async (left) => {
    const open = await openLibrary(await tempFolder()), { library, folder } = open, away = join(folder.root, 'away');
    const { id, path } = await library.save(noise(), job(), 7);
    await rename(folder.pictures, away);
    if (left !== 'missing') await mkdir(folder.pictures);
    await library.recover();
    await rm(folder.pictures, { recursive: true, force: true });
    await rename(away, folder.pictures);
    await library.recover();
    expect(await library.get(id)).toMatchObject({ id, path, seconds: 7 });
  });

  it('keeps its record when it may not be looked at', async () => {
    const open = await openLibrary(await tempFolder()), { library } = open;
    const { id, path } = await library.save(noise(8, 8, 1), job(), 7);
    await library.save(noise(8, 8, 2), job(), 7);
    await rm(path);      // so that the walk does not see it, as in a folder that may not be read
    vi.spyOn(fs, 'stat').mockRejectedValue(Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }));
    await library.recover();
    vi.restoreAllMocks();
    expect((await library.get(id)).seconds).toBe(7);
  });

  it('loses it when it was deleted from among others', async () => {
    const open = await openLibrary(await tempFolder()), { library } = open;
    const gone = await library.save(noise(8, 8, 1), job({ seed: 1 }), 1), kept = await library.save(noise(8, 8, 2), job({ seed: 2 }), 1);
    await rm(gone.path);
    expect(await library.recover()).toMatchObject({ dropped: 1 });
    expect(await expectSound(open)).toEqual([kept.id]);
  });
});
