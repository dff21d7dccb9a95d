// Files of pictures that somebody, or a drive, cut short: they are told as that, never served as whole, and to know it costs a few bytes.
import fs, { appendFile, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { job, noise, openLibrary, tempFolder } from '../support/pictures';

afterEach(() => { vi.restoreAllMocks(); });

async function saved() {
  const { library } = await openLibrary(await tempFolder()), record = await library.save(noise(), job(), 1);
  const first = async () => (await library.page({ before: null, limit: 1 })).pictures[0]!;
  return { library, record, first, bytes: record.sizeBytes };
}

describe("a picture's file", () => {
  it.each([['nothing', 0], ['its first bytes', 5], ['its head', 60], ['half of it', 0.5], ['all but its last byte', -1], ['all but its end', -12]])('that has %s left is told as cut, and not served', async (_, keep) => {
    const { library, record, first, bytes } = await saved();
    expect(await first()).toEqual(record);
    await truncate(record.path, keep < 0 ? bytes + keep : keep < 1 ? Math.floor(bytes * keep) : keep);
    await expect(library.path(record.id)).rejects.toMatchObject({ code: 'picture.damaged' });
    expect(await first()).toEqual({ ...record, damage: 'cut' });
    expect(await library.get(record.id)).toEqual({ ...record, damage: 'cut' });
    expect(await library.thumbnail(record.id), 'which was made before').toMatch(/\.webp$/);
    await rm(await library.thumbnail(record.id));
    await expect(library.thumbnail(record.id)).rejects.toMatchObject({ code: 'picture.damaged' });
    await library.remove(record.id);
  });

  it('that was cut without losing its length is told when somebody looks at it', async () => {
    const { library, record, bytes } = await saved();
    await truncate(record.path, bytes >> 1);
    await truncate(record.path, bytes);
    await expect(library.path(record.id)).rejects.toMatchObject({ code: 'picture.damaged' });
    expect(await library.get(record.id)).toMatchObject({ damage: 'cut' });
  });

  it('that is gone is told as gone', async () => {
    const { library, record, first } = await saved();
    await rm(record.path);
    expect(await first()).toEqual({ ...record, damage: 'gone' });
    await expect(library.path(record.id)).rejects.toMatchObject({ code: 'picture.notFound' });
  });

  it('that another program made smaller, or put something behind, is served as ever', async () => {
    const { library, record, first } = await saved(), whole = await readFile(record.path);
    await appendFile(record.path, 'written behind it');
    expect([await library.path(record.id), await first()]).toEqual([record.path, record]);
    const other = (await library.save(noise(32, 32), job({ seed: 2 }), 1)).path;
    await writeFile(record.path, await readFile(other));
    expect([await library.path(record.id), (await library.get(record.id)).damage]).toEqual([record.path, undefined]);
    await writeFile(record.path, whole);
  });

  it('costs a few bytes to look at, and on a page none while it has its size', async () => {
    const { library, record, first } = await saved(), open = vi.spyOn(fs, 'open');
    await first();
    expect(open).not.toHaveBeenCalled();
    await library.path(record.id);
    expect(open.mock.calls.length).toBeLessThan(4);
  });
});
