// No space left, at each thing that writing does: the error says where and how much, and what was there before is as it was.
import { existsSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { writeAtomic, writeNew } from '../../main/services/data/disk';
import { Blobs } from '../../main/services/data/blobs';
import { encodePng } from '../../main/services/pictures/encode';
import { SettingsStore } from '../../main/services/data/settings';
import { expectSound, job, noise, openLibrary, readHere, tempFolder } from '../support/pictures';
import { refusalOf } from '../support/words';

afterEach(() => { vi.restoreAllMocks(); });

const noSpace = () => Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
const full = { code: 'disk.full' };

/** The disk fills up in the middle of a file's bytes. */
function fillWhileWriting(): void {
  const open = fs.open.bind(fs);
  vi.spyOn(fs, 'open').mockImplementation(async (...args) => {
    const handle = await open(...args), writeFile = handle.writeFile.bind(handle);
    handle.writeFile = async (bytes) => { await writeFile((bytes as Uint8Array).subarray(0, 100)); throw noSpace(); };
    return handle;
  });
}
const faults: [string, () => void][] = [
  ['making the folder', () => { vi.spyOn(fs, 'mkdir').mockRejectedValue(noSpace()); }],
  ['opening', () => { vi.spyOn(fs, 'open').mockRejectedValue(noSpace()); }],
  ['writing', fillWhileWriting],
  ['naming', () => { vi.spyOn(fs, 'link').mockRejectedValue(noSpace()); vi.spyOn(fs, 'rename').mockRejectedValue(noSpace()); }],
];

describe.each(faults)('a disk that is full when %s', (_, fill) => {
  it('leaves the old file as it was and nothing beside it', async () => {
    const folder = await tempFolder(), path = join(folder, 'a.txt');
    await writeAtomic(path, Buffer.from('old'));
    fill();
    await expect(writeAtomic(path, Buffer.alloc(5_000_000))).rejects.toMatchObject({
      ...full, data: { folder, what: 'a.txt', neededBytes: 5_000_000, freeBytes: expect.any(Number) } });
    await expect(writeNew(join(folder, 'b.txt'), Buffer.alloc(10))).rejects.toMatchObject(full);
    vi.restoreAllMocks();
    expect(await fs.readFile(path, 'utf8')).toBe('old');
    expect(await fs.readdir(folder)).toEqual(['a.txt']);
  });

  it('fails a save with nothing half and nothing lost, and the next one works', async () => {
    const open = await openLibrary(await tempFolder());
    const before = await open.library.save(noise(), job({ seed: 1 }), 1);
    fill();
    await expect(open.library.save(noise(), job({ seed: 2 }), 1)).rejects.toMatchObject(full);
    await expect(new Blobs(open.folder.blobs, readHere).putPicture(await encodePng(noise(), []))).rejects.toMatchObject(full);
    vi.restoreAllMocks();
    expect(await expectSound(open)).toEqual([before.id]);
    const after = await open.library.save(noise(), job({ seed: 2 }), 1);
    expect((await expectSound(open)).sort()).toEqual([before.id, after.id].sort());
  });
});

describe('a full disk', () => {
  it.skipIf(!existsSync('/dev/full'))('is told by the system itself as we tell it (needs /dev/full)', async () => {
    const folder = await tempFolder(), open = fs.open.bind(fs);
    vi.spyOn(fs, 'open').mockImplementation((path, flags, ...rest) => (flags === 'wx' ? open('/dev/full', 'w') : open(path, flags, ...rest)));
    await expect(writeAtomic(join(folder, 'a.txt'), Buffer.from('x'))).rejects.toMatchObject(full);
  });

  it('keeps a picture whose record found no room: it shows after the next start', async () => {
    const root = await tempFolder(), pragma = vi.spyOn(Libsql.prototype, 'pragma');
    const open = await openLibrary(root), connection = pragma.mock.contexts[0] as Libsql.Database;
    const { page_count: pages } = connection.prepare('PRAGMA page_count').get() as { page_count: number };
    connection.pragma(`max_page_count = ${pages}`);
    const long = job({ prompt: 'a long prompt '.repeat(5000) });
    expect(await refusalOf(open.library.save(noise(), long, 1))).toMatchObject({ code: 'picture.unrecorded', message: expect.stringContaining(root), hint: expect.stringContaining('picture itself is kept') });
    const waiting = { id: 'a', batch: { id: 'b', index: 0, size: 1 }, spec: long, fileIds: { model: 'm' }, state: 'queued' as const, attempt: 0, error: null, pictureId: null, createdAt: 1, startedAt: null, endedAt: null };
    expect(() => open.database.jobs.insertMany([waiting])).toThrow(expect.objectContaining({ code: 'disk.full' }));
    open.database.close();
    const again = await openLibrary(root);
    expect((await expectSound(again)).length).toBe(1);
    expect((await again.library.page({ before: null, limit: 1 })).pictures[0]!.job).toEqual(long);
  });

  it('does not fail a picture that is safe, when only its thumbnail has no room', async () => {
    const open = await openLibrary(await tempFolder()), { rename } = fs;
    vi.spyOn(fs, 'rename').mockImplementation((from, to) => (String(to).endsWith('.webp') ? Promise.reject(noSpace()) : rename(from, to)));
    const { id } = await open.library.save(noise(), job(), 1);
    await expect(open.library.thumbnail(id)).rejects.toMatchObject(full);
    vi.restoreAllMocks();
    expect(await expectSound(open)).toEqual([id]);
  });

  it('leaves the settings as they were', async () => {
    const folder = await tempFolder(), settings = new SettingsStore(folder);
    await settings.change(() => ({ theme: 'dark' }));
    fillWhileWriting();
    await expect(settings.change(() => ({ theme: 'light' }))).rejects.toMatchObject({ ...full, data: { what: 'settings.json' } });
    vi.restoreAllMocks();
    expect((await new SettingsStore(folder).get()).theme).toBe('dark');
  });
});
