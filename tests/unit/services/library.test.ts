// The library keeps pictures as files that people can find, and an index that can be made again from them.
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import Libsql from 'libsql';
import { describe, expect, it, vi } from 'vitest';
import { fileName } from '../../../main/services/library/files';
import { encodePng } from '../../../main/services/pictures/encode';
import { pictureTexts, readPicture } from '../../../main/services/pictures/metadata';
import type { PictureRecord } from '../../../preload/contract/picture';
import { expectSound, job, noise, openLibrary, tempFolder, withoutOwn } from '../../support/pictures';
import { processorMs } from '../../support/growth';

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

  it('is one of two when a job runs twice: both show, and are the same but for what is their own', async () => {
    const open = await openLibrary(await tempFolder());
    vi.spyOn(Date, 'now').mockReturnValue(1.8e12);
    const [one, two] = await Promise.all([open.library.save(noise(), job(), 1), open.library.save(noise(), job(), 1)]);
    vi.restoreAllMocks();
    expect(one.id).not.toBe(two.id);
    const [first, second] = [await readFile(one.path), await readFile(two.path)];
    expect(first.equals(second)).toBe(false);
    expect(withoutOwn(first)).toEqual(withoutOwn(second));
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
  it('is made again from the pictures when the database is lost, as it was, with the same thumbnails', async () => {
    const root = await tempFolder(), before = await openLibrary(root);
    const saved = [await before.library.save(noise(64, 64, 1), job({ seed: 1 }), 3), await before.library.save(noise(64, 64, 2), job({ seed: 2 }), 3)];
    const thumbnails = await readdir(before.folder.thumbnails, { recursive: true });
    before.database.close();
    for (const name of await readdir(root)) if (name.startsWith('atelier.db')) await rm(join(root, name));

    const after = await openLibrary(root);
    expect(await after.library.recover()).toEqual({ adopted: 2, moved: 0, dropped: 0, foreign: [], away: null });
    for (const record of saved) {
      expect(await after.library.get(record.id)).toEqual(record);
    }
    expect(await readdir(after.folder.thumbnails, { recursive: true })).toEqual(thumbnails);
    expect(await after.library.recover()).toEqual({ adopted: 0, moved: 0, dropped: 0, foreign: [], away: null });
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

  it('finds pictures that were moved by hand, with their records, and leaves other files alone', async () => {
    const open = await openLibrary(await tempFolder()), { library, folder } = open;
    const record = await library.save(noise(), job(), 3);
    await mkdir(join(folder.pictures, 'best of'));
    await rename(record.path, join(folder.pictures, 'best of/house.png'));
    await writeFile(join(folder.pictures, 'best of/notes.png'), 'no picture');
    await writeFile(join(folder.pictures, 'best of/cut.png'), (await readFile(join(folder.pictures, 'best of/house.png'))).subarray(0, 900));
    const { foreign, away: _, ...rest } = await library.recover();
    expect(rest).toEqual({ adopted: 0, moved: 1, dropped: 0 });
    expect(foreign.sort()).toEqual(['best of/cut.png', 'best of/notes.png']);
    expect(existsSync(join(folder.pictures, 'best of/notes.png'))).toBe(true);
    expect((await library.page({ before: null, limit: 9 })).pictures).toEqual([{ ...record, path: join(folder.pictures, 'best of/house.png') }]);
  });

  it('gives a copy beside its original a record of its own, and each keeps its id through starts and the loss of the database', async () => {
    const root = await tempFolder(), open = await openLibrary(root), { library, folder } = open;
    const record = await library.save(noise(), job(), 3);
    await copyFile(record.path, join(folder.pictures, '0.png'));
    expect(await library.recover()).toMatchObject({ adopted: 1, moved: 0, dropped: 0, foreign: [], away: null });
    const ids = await expectSound(open), copy = ids.find((id) => id !== record.id)!;
    expect(ids.length).toBe(2);
    expect((await library.get(record.id)).path).toBe(record.path);
    expect(await library.recover()).toEqual({ adopted: 0, moved: 0, dropped: 0, foreign: [], away: null });
    open.database.close();
    for (const name of await readdir(root)) if (name.startsWith('atelier.db')) await rm(join(root, name));
    const after = await openLibrary(root);
    expect((await expectSound(after)).toSorted()).toEqual(ids.toSorted());
    expect((await after.library.get(copy)).path).toBe(join(folder.pictures, '0.png'));
  });

  it('keeps a copy, and its record, when the original is deleted', async () => {
    const open = await openLibrary(await tempFolder()), { library, folder } = open;
    const record = await library.save(noise(), job(), 3), copy = join(folder.pictures, 'copy.png');
    await copyFile(record.path, copy);
    await library.recover();
    await rm(record.path);
    await library.recover();
    expect(await expectSound(open)).toHaveLength(1);
    expect((await library.page({ before: null, limit: 9 })).pictures[0]!.path).toBe(copy);
  });

  it('knows a picture that is put back from the trash by its id', async () => {
    const open = await openLibrary(await tempFolder()), { library, folder } = open;
    const record = await library.save(noise(), job(), 3);
    await library.remove(record.id);
    await rename(join(folder.trash, basename(record.path)), record.path);
    await library.recover();
    expect(await library.get(record.id)).toEqual(record);
  });

  it('trusts no id in a file that is none', async () => {
    const open = await openLibrary(await tempFolder()), { library, folder } = open;
    await library.save(noise(), job(), 3);
    const evil = { keyword: 'atelier-picture', text: '{"id":"../../evil","createdAt":1,"seconds":1}' };
    await writeFile(join(folder.pictures, 'evil.png'), await encodePng(noise(8, 8), [...pictureTexts(job(), { version: '1' }), evil]));
    await library.recover();
    for (const id of await expectSound(open)) expect(id).toMatch(/^[0-9a-f-]{36,64}$/);
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
    const few = (await openLibrary(await tempFolder())).library;
    for (let seed = 0; seed < 50; seed++) await few.save(noise(8, 8), job({ seed, prompt: 'a long prompt '.repeat(20) }), 1);
    const [{ id }] = (await few.page({ before: null, limit: 1 })).pictures as [PictureRecord];
    const cost = (of: typeof library, before: number | null, one: string) => processorMs(async () => {
      for (let i = 0; i < 10; i++) await Promise.all([of.page({ before, limit: 50 }), of.get(one)]);
    });
    const usual = await cost(few, null, id);
    for (const before of [null, start + 50_000_000]) expect(await cost(library, before, 'id-50000')).toBeLessThan(20 * usual);       // of 2,000 times as many
    expect((await library.page({ before: start + 50_000_000, limit: 2 })).pictures.map(({ id }) => id)).toEqual(['id-49999', 'id-49998']);
  });
});
