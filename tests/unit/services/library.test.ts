// The library keeps pictures as files that people can find, and an index that can be made again from them.
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, it, vi } from 'vitest';
import { fileName } from '../../../main/services/library/files';
import { readPicture } from '../../../main/services/pictures/metadata';
import type { PictureRecord } from '../../../preload/contract/picture';
import { expectSound, job, noise, openLibrary, tempFolder } from '../../support/pictures';

describe('a saved picture', () => {
  it('is a file with a name to read, its texts, a thumbnail and a record', async () => {
    const open = await openLibrary(await tempFolder()), { library, folder } = open;
    const spec = job({ prompt: 'a red house', negative: 'blurry' });
    const record = await library.save(noise(), spec, 12.5);
    expect(relative(folder.pictures, record.path).replaceAll('\\', '/')).toMatch(/^\d{4}\/\d\d\/\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_42_a-red-house\.png$/);
    const png = await readFile(record.path);
    expect(readPicture(png)).toMatchObject({ job: spec, parameters: { text: record.parameters, prompt: 'a red house', negative: 'blurry' } });
    expect(record).toMatchObject({ width: 64, height: 64, sizeBytes: png.length, seconds: 12.5, job: spec });
    expect(await library.get(record.id)).toEqual(record);
    expect(existsSync(await library.thumbnail(record.id))).toBe(true);
    expect(await expectSound(open)).toEqual([record.id]);
  });

  it('is one of two when a job runs twice: both show, and their bytes are the same', async () => {
    const open = await openLibrary(await tempFolder());
    vi.spyOn(Date, 'now').mockReturnValue(1.8e12);
    const [one, two] = await Promise.all([open.library.save(noise(), job(), 1), open.library.save(noise(), job(), 1)]);
    vi.restoreAllMocks();
    expect(one.id).not.toBe(two.id);
    expect(await readFile(one.path)).toEqual(await readFile(two.path));
    expect([one, two].map(({ path }) => basename(path, '.png').split('_').at(-1)).sort()).toEqual(['2', 'a-red-house-on-grass']);
    expect((await expectSound(open)).sort()).toEqual([one.id, two.id].sort());
  });

  it('is found page by page, newest first', async () => {
    const { library } = await openLibrary(await tempFolder());
    const ids: string[] = [];
    for (let seed = 0; seed < 7; seed++) ids.push((await library.save(noise(8, 8), job({ seed }), 1)).id);
    const seen: PictureRecord[] = [];
    for (let before: number | null = null; ;) {
      const { pictures, next, total } = await library.page({ before, limit: 3 });
      expect(total).toBe(7);
      seen.push(...pictures);
      if (next === null) break;
      before = next;
    }
    expect(seen.map(({ id }) => id).sort()).toEqual(ids.sort());
    const times = seen.map(({ createdAt }) => createdAt);
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  it('goes to the trash, beside others of its name', async () => {
    const open = await openLibrary(await tempFolder()), { library, folder } = open;
    const record = await library.save(noise(), job(), 1), png = await readFile(record.path), thumbnail = await library.thumbnail(record.id);
    await writeFile(join(folder.trash, basename(record.path)), 'earlier');
    await library.remove(record.id);
    expect((await readdir(folder.trash)).length).toBe(2);
    expect(await readFile(join(folder.trash, basename(record.path).replace('.png', '_2.png')))).toEqual(png);
    expect([record.path, thumbnail].filter(existsSync)).toEqual([]);
    for (const gone of [library.get(record.id), library.remove(record.id), library.thumbnail(record.id)]) await expect(gone).rejects.toMatchObject({ code: 'picture.notFound' });
    expect(await expectSound(open)).toEqual([]);
  });

  it('can be removed when somebody has deleted its file already', async () => {
    const open = await openLibrary(await tempFolder());
    const record = await open.library.save(noise(), job(), 1);
    await rm(record.path);
    await open.library.remove(record.id);
    expect(await expectSound(open)).toEqual([]);
  });
});

describe('the name of a file', () => {
  const time = new Date(2026, 10, 1, 7, 8, 9);
  const named = (prompt: string) => fileName(job({ prompt }), time, 1).replace('2026/11/2026-11-01_07-08-09_42', '').replace('.png', '');
  it('is safe on every system, whatever the prompt', () => {
    expect(named('../../etc/passwd')).toBe('_etc-passwd');
    expect(named('Café <lora:x:1> (Über:1.2)')).toBe('_cafe-uber-1-2');
    expect(named('日本語 🎨')).toBe('');
    expect(named('one two three four five six seven eight nine ten')).toBe('_one-two-three-four-five-six-seven-eight');
    expect(named('x'.repeat(10_000)).length).toBe(41);
    expect(fileName(job(), time, 3)).toBe('2026/11/2026-11-01_07-08-09_42_a-red-house-on-grass_3.png');
  });
});

describe('the index', () => {
  it('is made again from the pictures when the database is lost, with the same ids and thumbnails', async () => {
    const root = await tempFolder(), before = await openLibrary(root);
    const saved = [await before.library.save(noise(64, 64, 1), job({ seed: 1 }), 3), await before.library.save(noise(64, 64, 2), job({ seed: 2 }), 3)];
    const thumbnails = await readdir(before.folder.thumbnails, { recursive: true });
    before.database.close();
    for (const name of await readdir(root)) if (name.startsWith('atelier.db')) await rm(join(root, name));

    const after = await openLibrary(root);
    expect(await after.library.recover()).toEqual({ adopted: 2, dropped: 0, foreign: [] });
    for (const record of saved) {
      const { createdAt, ...found } = await after.library.get(record.id);
      expect({ ...record, seconds: 0, createdAt: 0 }).toEqual({ ...found, createdAt: 0 });
      expect(Math.abs(createdAt - record.createdAt)).toBeLessThan(5000);
    }
    expect(await readdir(after.folder.thumbnails, { recursive: true })).toEqual(thumbnails);
    expect(await after.library.recover()).toEqual({ adopted: 0, dropped: 0, foreign: [] });
  });

  it('follows the whole data folder to another place', async () => {
    const root = await tempFolder(), moved = join(await tempFolder(), 'moved'), before = await openLibrary(root);
    const record = await before.library.save(noise(), job(), 3);
    before.database.close();
    await cp(root, moved, { recursive: true });
    const after = await openLibrary(moved);
    expect(await expectSound(after)).toEqual([record.id]);
    expect((await after.library.get(record.id)).path.startsWith(moved)).toBe(true);
  });

  it('takes up pictures that were moved by hand, and leaves other files alone', async () => {
    const open = await openLibrary(await tempFolder()), { library, folder } = open;
    const record = await library.save(noise(), job(), 3);
    await mkdir(join(folder.pictures, 'best of'));
    await rename(record.path, join(folder.pictures, 'best of/house.png'));
    await writeFile(join(folder.pictures, 'best of/notes.png'), 'no picture');
    await writeFile(join(folder.pictures, 'best of/cut.png'), (await readFile(join(folder.pictures, 'best of/house.png'))).subarray(0, 900));
    const { foreign, ...rest } = await library.recover();
    expect(rest).toEqual({ adopted: 1, dropped: 1 });
    expect(foreign.sort()).toEqual(['best of/cut.png', 'best of/notes.png']);
    expect(existsSync(join(folder.pictures, 'best of/notes.png'))).toBe(true);
    expect((await library.page({ before: null, limit: 9 })).pictures.map(({ path }) => basename(path))).toEqual(['house.png']);
  });

  it('can be brought up to date while pictures are saved', async () => {
    const open = await openLibrary(await tempFolder()), { library } = open;
    const saves = Array.from({ length: 12 }, (_, seed) => library.save(noise(8, 8, seed), job({ seed }), 7));
    await Promise.all([...saves, ...Array.from({ length: 6 }, () => library.recover())]);
    const { pictures, total } = await library.page({ before: null, limit: 50 });
    expect(total).toBe(12);
    expect(pictures.every(({ seconds }) => seconds === 7)).toBe(true);
    await expectSound(open);
  });

  it('stays quick with 100,000 pictures', async () => {
    const { folder, library } = await openLibrary(await tempFolder()), start = Date.UTC(2020, 0);
    await library.save(noise(), job({ prompt: 'a long prompt '.repeat(20) }), 1);
    const raw = new Libsql(folder.database);
    raw.exec(`INSERT INTO pictures WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
      SELECT 'id-' || i, '2026/11/' || i || '.png', width, height, size_bytes, ${start} + i * 1000, seconds, parameters, job FROM pictures, n`);
    raw.close();
    const took = async (work: () => Promise<unknown>) => { const from = performance.now(); await work(); return performance.now() - from; };
    const times = {
      first: await took(() => library.page({ before: null, limit: 50 })),
      middle: await took(() => library.page({ before: start + 50_000_000, limit: 50 })),
      get: await took(() => library.get('id-50000')),
    };
    console.log('100,000 pictures, ms:', times);
    expect(Math.max(...Object.values(times))).toBeLessThan(100);
    expect((await library.page({ before: start + 50_000_000, limit: 2 })).pictures.map(({ id }) => id)).toEqual(['id-49999', 'id-49998']);
  });
});
