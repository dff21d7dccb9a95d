// The stores of the database: what goes in comes out, in order, also when two processes share the file.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openDatabase } from '../../../main/services/database/database';
import { rememberedHashes } from '../../../main/services/database/hashes';
import type { StoredPicture } from '../../../main/services/database/pictures';
import type { Timing } from '../../../main/services/machine/estimates';
import { briefOf } from '../../../main/services/queue/brief';
import type { BriefJob, StoredJob } from '../../../main/services/queue/job-list';
import { job, tempFolder } from '../../support/pictures';

const pathIn = async () => join(await tempFolder(), 'atelier.db');
function open(path: string) {
  const database = openDatabase(path);
  onTestFinished(() => database.close());
  return database;
}
const queued = (id: string, patch: Partial<StoredJob> = {}): StoredJob => ({
  id, batch: { id: 'b', index: 0, size: 2 }, spec: job(), fileIds: { model: 'm', refiner: null, vae: null, textEncoders: [] }, state: 'queued', attempt: 0, error: null, pictureId: null,
  createdAt: 1, startedAt: null, endedAt: null, ...patch,
});
const briefly = ({ spec, ...rest }: StoredJob): BriefJob => ({ ...rest, ...briefOf(spec) });
const picture = (n: number, createdAt = n): StoredPicture =>
  ({ id: `id${n}`, file: `2026/11/${n}.png`, width: 64, height: 64, sizeBytes: 1, createdAt, seconds: 1.5, parameters: 'p', job: job({ seed: n }) });

/** As the first Atelier made it. */
const version1 = `
  CREATE TABLE pictures (
    id TEXT PRIMARY KEY, file TEXT NOT NULL UNIQUE, width INTEGER NOT NULL, height INTEGER NOT NULL, size_bytes INTEGER NOT NULL,
    created_at INTEGER NOT NULL, seconds REAL NOT NULL, parameters TEXT NOT NULL, job TEXT NOT NULL) STRICT;
  CREATE INDEX pictures_by_time ON pictures (created_at);
  CREATE TABLE model_files (
    path TEXT PRIMARY KEY, size_bytes INTEGER NOT NULL, mtime_ms REAL NOT NULL,
    sha256 TEXT NOT NULL, autov1 TEXT NOT NULL, autov2 TEXT NOT NULL, autov3 TEXT NOT NULL) STRICT;
  CREATE TABLE jobs (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, batch_id TEXT NOT NULL, batch_index INTEGER NOT NULL, batch_size INTEGER NOT NULL,
    spec TEXT NOT NULL, model_id TEXT NOT NULL, state TEXT NOT NULL, attempt INTEGER NOT NULL, error TEXT, picture_id TEXT,
    created_at REAL NOT NULL, started_at REAL, ended_at REAL) STRICT;
  CREATE INDEX jobs_by_state ON jobs (state);
  CREATE TABLE timings (
    model_hash TEXT NOT NULL, parameters REAL NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, evaluations REAL NOT NULL,
    open_seconds REAL NOT NULL, step_seconds REAL NOT NULL, decode_seconds REAL NOT NULL, peak_bytes REAL NOT NULL, updated_at REAL NOT NULL,
    PRIMARY KEY (model_hash, width, height, evaluations)) STRICT;
  PRAGMA user_version = 1`;

describe('jobs', () => {
  it('come back as they were, those that are not finished, oldest first', async () => {
    const path = await pathIn(), { jobs } = open(path);
    jobs.insertMany([queued('z'), queued('a', { fileIds: { model: 'm', refiner: 'r', vae: 'v', textEncoders: ['t', 'u'] }, spec: job({ prompt: "Robert'); DROP TABLE jobs; --" }) }), queued('k')]);
    jobs.update('z', { state: 'done', pictureId: 'p', endedAt: 3.5 });
    jobs.update('k', { state: 'running', startedAt: 2, attempt: 1, error: { code: 'worker.died', data: { why: 'signal', signal: 'SIGKILL', stderr: '' } } });
    jobs.update('nobody', { state: 'done' });
    jobs.update('k', { fileIds: { model: 'm', refiner: 'r2' } });
    const again = open(path).jobs;
    expect(again.listUnfinished().jobs).toEqual([
      queued('a', { fileIds: { model: 'm', refiner: 'r', vae: 'v', textEncoders: ['t', 'u'] }, spec: job({ prompt: "Robert'); DROP TABLE jobs; --" }) }),
      queued('k', { state: 'running', startedAt: 2, attempt: 1, error: { code: 'worker.died', data: { why: 'signal', signal: 'SIGKILL', stderr: '' } }, fileIds: { model: 'm', refiner: 'r2' } }),
    ].map(briefly));
    expect(again.recent(2).map(({ id }) => id)).toEqual(['k', 'a']);
    expect(again.recent(9)[2]).toEqual(queued('z', { state: 'done', pictureId: 'p', endedAt: 3.5 }));
  });

  it('of one batch are stored all or none', async () => {
    const { jobs } = open(await pathIn());
    expect(() => jobs.insertMany([queued('a'), queued('b'), queued('a')])).toThrow(/UNIQUE/);
    expect(jobs.listUnfinished().jobs).toEqual([]);
  });
});

describe('pictures', () => {
  it('are paged without a gap or a repeat, also where several came in one millisecond', async () => {
    const { pictures } = open(await pathIn());
    for (let n = 0; n < 50; n++) pictures.put(picture(n, 1000 + Math.floor(n / 3)));
    const seen: string[] = [];
    for (let page = pictures.page(Infinity, 4); ; page = pictures.page(page.next, 4)) {
      seen.push(...page.pictures.map(({ id }) => id));
      if (page.next === null) break;
    }
    expect(seen.length).toBe(50);
    expect(new Set(seen).size).toBe(50);
    expect(pictures.page(Infinity, 1).pictures[0]).toEqual(pictures.get('id49'));
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

  it('are read by a look without a studio, which makes no file and minds no damage', async () => {
    const path = await pathIn(), { hashes } = open(path), found = { sha256: 'a', autov1: 'b', autov2: 'c', autov3: 'd' };
    hashes.set('/m.safetensors', 5, 6.5, found);
    expect(rememberedHashes(path)).toEqual([{ path: '/m.safetensors', sizeBytes: 5, mtimeMs: 6.5, hashes: found }]);
    const folder = await tempFolder();
    expect(rememberedHashes(join(folder, 'none.db'))).toEqual([]);
    await writeFile(join(folder, 'damaged.db'), 'not a database at all, but long enough to be taken for one. '.repeat(100));
    expect(rememberedHashes(join(folder, 'damaged.db'))).toEqual([]);
    expect(await readdir(folder)).toEqual(['damaged.db']);
  });

  it('move with each run, but opening time only where the model was opened', async () => {
    const { timings } = open(await pathIn());
    const run: Timing = { modelHash: 'a', parameters: 1e9, width: 512, height: 512, evaluations: 2, openSeconds: 2, stepSeconds: 10, decodeSeconds: 1, peakBytes: 1e9, unetFlops: 8e11, decodeFlops: 2.5e12 };
    timings.add(run);
    timings.add({ ...run, openSeconds: 0.001, stepSeconds: 20 });
    timings.add({ ...run, width: 256, unetFlops: 4e11, decodeFlops: 1.25e12 });
    expect(timings.list().find(({ width }) => width === 512)).toEqual({ ...run, stepSeconds: 13 });
    expect(timings.list().find(({ width }) => width === 256)).toEqual({ ...run, width: 256, unetFlops: 4e11, decodeFlops: 1.25e12 });
    expect(timings.list().length).toBe(2);
    timings.add({ ...run, unetFlops: 9e11 });       // counted, not measured: the newest, no mean
    expect(timings.list().find(({ width }) => width === 512)!.unetFlops).toBe(9e11);
  });
});

describe('the file', () => {
  it('is put aside when it is no database any more, and a new one begins', async () => {
    const path = await pathIn();
    await writeFile(path, 'not a database at all, but long enough to be taken for one. '.repeat(100));
    await writeFile(`${path}-wal`, 'old');
    const { notices: [notice], isNew, jobs } = open(path);
    expect(isNew).toBe(true);
    expect(notice).toMatchObject({ code: 'data.damaged', data: { why: 'database', file: path, kept: expect.stringContaining('atelier.damaged-') } });
    expect(jobs.listUnfinished().jobs).toEqual([]);
    const kept = (await readdir(join(path, '..'))).filter((name) => name.includes('damaged')).map((name) => name.replace(/\.damaged-[\dT-]+/, ''));
    expect(kept).toEqual(expect.arrayContaining(['atelier.db', 'atelier.db-wal']));      // a log that stayed would be taken for the new one's
  });

  it('of version 1 keeps its jobs and pictures; timings without their cost are measured anew', async () => {
    const path = await pathIn();
    const old = new Libsql(path);
    old.exec(version1);
    old.prepare(`INSERT INTO jobs (id, batch_id, batch_index, batch_size, spec, model_id, state, attempt, error, picture_id, created_at, started_at, ended_at)
      VALUES ('a', 'b', 0, 2, ?, 'm', 'queued', 0, NULL, NULL, 1, NULL, NULL)`).run(JSON.stringify(job()));
    const { id, file, width, height, sizeBytes, createdAt, seconds, parameters, job: spec } = picture(1);
    old.prepare('INSERT INTO pictures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)').run(id, file, width, height, sizeBytes, createdAt, seconds, parameters, JSON.stringify(spec));
    old.exec(`INSERT INTO timings VALUES ('a', 1e9, 512, 512, 2, 2, 10, 1, 1e9, 1); INSERT INTO model_files VALUES ('/m', 1, 2, 'a', 'b', 'c', 'd')`);
    old.close();

    const { jobs, pictures, timings, hashes, notices, isNew, describe: said } = open(path);
    expect([notices, isNew]).toEqual([[], false]);
    expect(said().version).toBe(open(await pathIn()).describe().version);
    expect(jobs.listUnfinished().jobs).toEqual([queued('a')].map(briefly));
    expect(pictures.get('id1')).toEqual(picture(1));
    expect(hashes.get('/m', 1, 2)).toEqual({ sha256: 'a', autov1: 'b', autov2: 'c', autov3: 'd' });
    expect(timings.list()).toEqual([]);
    jobs.update('a', { fileIds: { model: 'm', refiner: 'r' } });
    expect(open(path).jobs.listUnfinished().jobs).toEqual([queued('a', { fileIds: { model: 'm', refiner: 'r' } })].map(briefly));      // and is not brought up twice
  });

  it('of version 1 forgets tries that the studio\'s own end cost', async () => {
    const path = await pathIn(), old = new Libsql(path);
    old.exec(version1);
    const insert = old.prepare(`INSERT INTO jobs (id, batch_id, batch_index, batch_size, spec, model_id, state, attempt, created_at) VALUES (?, 'b', 0, 2, ?, 'm', ?, ?, 1)`);
    for (const [id, state, attempt] of [['a', 'queued', 1], ['b', 'running', 2], ['c', 'saving', 2], ['d', 'done', 2]] as const) insert.run(id, JSON.stringify(job()), state, attempt);
    old.close();
    const { jobs } = open(path);
    expect(jobs.recent(9).map(({ id, attempt }) => [id, attempt])).toEqual([['d', 2], ['c', 1], ['b', 1], ['a', 0]]);
  });

  it('of version 3 keeps the files of its jobs, each in its slot', async () => {
    const path = await pathIn(), old = new Libsql(path);
    old.exec(version1);
    old.exec(`ALTER TABLE jobs ADD COLUMN refiner_id TEXT; ALTER TABLE timings ADD COLUMN unet_flops REAL NOT NULL DEFAULT 0; ALTER TABLE timings ADD COLUMN decode_flops REAL NOT NULL DEFAULT 0;
      ALTER TABLE jobs ADD COLUMN vae_id TEXT; ALTER TABLE jobs ADD COLUMN text_encoder_ids TEXT NOT NULL DEFAULT '[]'; PRAGMA user_version = 3`);
    const insert = old.prepare(`INSERT INTO jobs (id, batch_id, batch_index, batch_size, spec, model_id, refiner_id, vae_id, text_encoder_ids, state, attempt, created_at) VALUES (?, 'b', 0, 2, ?, 'm', ?, ?, ?, 'queued', 0, 1)`);
    insert.run('a', JSON.stringify(job()), 'r', 'v', '["t","u"]');
    insert.run('k', JSON.stringify(job()), null, null, '[]');
    old.close();
    expect(open(path).jobs.listUnfinished().jobs).toEqual([queued('a', { fileIds: { model: 'm', refiner: 'r', vae: 'v', textEncoders: ['t', 'u'] } }), queued('k')].map(briefly));
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
