// The stores of the database: what goes in comes out, in order, also when two processes share the file.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../../main/services/database';
import type { StoredPicture } from '../../../main/services/database/pictures';
import type { Timing } from '../../../main/services/estimates';
import type { StoredJob } from '../../../main/services/queue/queue';
import { job, tempFolder } from '../../support/pictures';

const pathIn = async () => join(await tempFolder(), 'atelier.db');
function open(path: string) {
  const database = openDatabase(path);
  onTestFinished(() => database.close());
  return database;
}
const queued = (id: string, patch: Partial<StoredJob> = {}): StoredJob => ({
  id, batch: { id: 'b', index: 0, size: 2 }, spec: job(), modelId: 'm', state: 'queued', attempt: 0, error: null, pictureId: null,
  createdAt: 1, startedAt: null, endedAt: null, ...patch,
});
const picture = (n: number, createdAt = n): StoredPicture =>
  ({ id: `id${n}`, file: `2026/11/${n}.png`, width: 64, height: 64, sizeBytes: 1, createdAt, seconds: 1.5, parameters: 'p', job: job({ seed: n }) });

describe('jobs', () => {
  it('come back as they were, those that are not finished, oldest first', async () => {
    const path = await pathIn(), { jobs } = open(path);
    jobs.insertMany([queued('z'), queued('a', { spec: job({ prompt: "Robert'); DROP TABLE jobs; --" }) }), queued('k')]);
    jobs.update('z', { state: 'done', pictureId: 'p', endedAt: 3.5 });
    jobs.update('k', { state: 'running', startedAt: 2, attempt: 1, error: { code: 'worker.died', message: 'm', hint: 'h' } });
    jobs.update('nobody', { state: 'done' });
    const again = open(path).jobs;
    expect(again.listUnfinished()).toEqual([
      queued('a', { spec: job({ prompt: "Robert'); DROP TABLE jobs; --" }) }),
      queued('k', { state: 'running', startedAt: 2, attempt: 1, error: { code: 'worker.died', message: 'm', hint: 'h' } }),
    ]);
    expect(again.recent(2).map(({ id }) => id)).toEqual(['k', 'a']);
    expect(again.recent(9)[2]).toEqual(queued('z', { state: 'done', pictureId: 'p', endedAt: 3.5 }));
  });

  it('of one batch are stored all or none', async () => {
    const { jobs } = open(await pathIn());
    expect(() => jobs.insertMany([queued('a'), queued('b'), queued('a')])).toThrow(/UNIQUE/);
    expect(jobs.listUnfinished()).toEqual([]);
  });
});

describe('pictures', () => {
  it('are paged without a gap or a repeat, also where several came in one millisecond', async () => {
    const { pictures } = open(await pathIn());
    for (let n = 0; n < 50; n++) pictures.put(picture(n, 1000 + Math.floor(n / 3)));
    const seen: string[] = [];
    for (let page = pictures.page(Infinity, 4); page.length > 0; page = pictures.page(page.at(-1)!.createdAt, 4)) seen.push(...page.map(({ id }) => id));
    expect(seen.length).toBe(50);
    expect(new Set(seen).size).toBe(50);
    expect(pictures.page(Infinity, 1)[0]).toEqual(pictures.get('id49'));
  });

  it('stay as they are when they are adopted again', async () => {
    const { pictures } = open(await pathIn());
    pictures.put(picture(1));
    pictures.adopt({ ...picture(1), seconds: 0 });
    expect(pictures.get('id1')).toEqual(picture(1));
    expect(pictures.count()).toBe(1);
  });

  it('are kept when what goes with their removal fails', async () => {
    const { pictures } = open(await pathIn());
    pictures.put(picture(1));
    expect(() => pictures.remove('id1', () => { throw new Error('no'); })).toThrow('no');
    expect(pictures.count()).toBe(1);
    pictures.remove('id1', () => {});
    expect(pictures.count()).toBe(0);
  });
});

describe('hashes and timings', () => {
  it('belong to a file of one size and time', async () => {
    const { hashes } = open(await pathIn());
    const found = { sha256: 'a', autov1: 'b', autov2: 'c', autov3: 'd' };
    hashes.set('/m.safetensors', 5_000_000_000, 1234.5678, found);
    expect(hashes.get('/m.safetensors', 5_000_000_000, 1234.5678)).toEqual(found);
    expect(hashes.get('/m.safetensors', 5_000_000_000, 1234.5679)).toBeNull();
    expect(hashes.get('/m.safetensors', 5_000_000_001, 1234.5678)).toBeNull();
  });

  it('move with each run, but opening time only where the model was opened', async () => {
    const { timings } = open(await pathIn());
    const run: Timing = { modelHash: 'a', parameters: 1e9, width: 512, height: 512, evaluations: 2, openSeconds: 2, stepSeconds: 10, decodeSeconds: 1, peakBytes: 1e9 };
    timings.add(run);
    timings.add({ ...run, openSeconds: 0.001, stepSeconds: 20 });
    timings.add({ ...run, width: 256 });
    expect(timings.list().find(({ width }) => width === 512)).toEqual({ ...run, stepSeconds: 13 });
    expect(timings.list().length).toBe(2);
  });
});

describe('the file', () => {
  it('is put aside when it is no database any more, and a new one begins', async () => {
    const path = await pathIn();
    await writeFile(path, 'not a database at all, but long enough to be taken for one. '.repeat(100));
    await writeFile(`${path}-wal`, 'old');
    const { notice, jobs } = open(path);
    expect(notice).toMatchObject({ code: 'file.unreadable', message: expect.stringContaining('atelier.db'), hint: expect.stringContaining('atelier.damaged-') });
    expect(jobs.listUnfinished()).toEqual([]);
    const kept = (await readdir(join(path, '..'))).filter((name) => name.includes('damaged')).map((name) => name.replace(/\.damaged-[\dT-]+/, ''));
    expect(kept).toEqual(expect.arrayContaining(['atelier.db', 'atelier.db-wal']));      // a log that stayed would be taken for the new one's
  });

  it('is refused when a newer version made it, and stays as it is', async () => {
    const path = await pathIn();
    const newer = new Libsql(path);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    expect(() => openDatabase(path)).toThrow(expect.objectContaining({ code: 'file.unreadable', hint: expect.stringContaining('Update') }));
  });

  it('is shared by the terminal and the studio', async () => {
    const path = await pathIn(), studio = open(path), terminal = open(path);
    for (let n = 0; n < 40; n++) (n % 2 ? studio : terminal).pictures.put(picture(n));
    expect(studio.pictures.count()).toBe(40);
  });

  it('says which folder cannot be used', async () => {
    const path = join(await tempFolder(), 'missing/atelier.db');
    expect(() => openDatabase(path)).toThrow(expect.objectContaining({ code: 'disk.failed', message: expect.stringContaining('missing') }));
  });
});
