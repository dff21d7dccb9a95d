// On a drive that is full to the last byte, removing pictures still works, and makes room: a real small drive, where the system lets us make one.
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../main/engine/errors';
import { bundleProgram } from '../support/bundle-program';
import { expectSound, job, noise, openLibrary, tempFolder } from '../support/pictures';

/** A program for which we are root, and whose mounts nobody else sees. */
const ALONE = 'unshare -Urm';
const canMount = process.platform === 'linux' && spawnSync('sh', ['-c', `${ALONE} mount -t tmpfs none /mnt`]).status === 0;

describe.skipIf(!canMount)('a picture on a full drive (needs to mount one)', () => {
  let program = '', folder = '';
  beforeAll(async () => { ({ program, folder } = await bundleProgram('tests/support/full-drive-child.ts')); });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function removed(kind: string) {
    const root = await tempFolder();
    await mkdir(join(root, 'trash'));
    const mount = 'mount -t tmpfs -o size=96m none "$2" && { [ "$3" != otherTrash ] || { mkdir "$2/trash" && mount -t tmpfs -o size=64k none "$2/trash"; }; } && exec "$0" "$1" "$2" "$3"';
    const { stdout } = await promisify(execFile)('sh', ['-c', `exec ${ALONE} sh -c '${mount}' "$0" "$@"`, process.execPath, program, root, kind]);
    return JSON.parse(stdout) as { said: unknown[]; left: number; waiting: number; freed: number; trash: number; reserve: boolean };
  }

  it('goes, by the room that is kept for it; those that were removed before make way', async () => {
    expect(await removed('reserve')).toMatchObject({ said: Array(4).fill({ trashed: false }), left: 2, trash: 0, reserve: false });
  });

  it('is let alone while jobs are cancelled, which stay cancelled', async () => {
    expect(await removed('cancel')).toMatchObject({ waiting: 0, left: 6, reserve: false });
  });

  it('goes for good where nothing else makes room', async () => {
    const { said, left, freed } = await removed('bare');
    expect(said[0]).toEqual({ trashed: false });
    expect([said.length, left]).toEqual([4, 2]);
    expect(freed).toBeGreaterThan(0);
  });

  it('goes for good where the trash is on another drive, and that is full', async () => {
    expect(await removed('otherTrash')).toMatchObject({ said: Array(4).fill({ trashed: false }), left: 2, trash: 0 });
  });
});

describe('the trash', () => {
  it('gives its room to a picture that finds none, the oldest first', async () => {
    const { library, folder } = await openLibrary(await tempFolder());
    const { id } = await library.save(noise(), job(), 1);
    await library.remove(id);
    const work = vi.fn(async () => 'written').mockRejectedValueOnce(new AppError('disk.full', { why: 'unknown', folder: folder.root, what: 'x.png', neededBytes: 1 }));
    expect(await library.trash.withRoom(work)).toBe('written');
    expect(library.trash.makeRoom(), 'nothing is left in it').toBe(0);
  });

  it('keeps all when something else went wrong, or when it has nothing to give', async () => {
    const { library, folder } = await openLibrary(await tempFolder());
    const full = new AppError('disk.full', { why: 'unknown', folder: folder.root, what: 'x.png', neededBytes: 1 });
    await expect(library.trash.withRoom(async () => { throw full; })).rejects.toBe(full);
    await library.remove((await library.save(noise(), job(), 1)).id);
    await expect(library.trash.withRoom(async () => { throw new Error('other'); })).rejects.toThrow('other');
    expect(library.trash.makeRoom()).toBeGreaterThan(0);
  });

  it('lets go what has lain there for thirty days', async () => {
    const open = await openLibrary(await tempFolder()), { library } = open;
    const { id, path } = await library.save(noise(), job(), 1), day = 86_400_000;
    await utimes(path, 1, 1);
    await library.remove(id);
    expect(library.trash.dropOld(Date.now() + 29 * day)).toBe(0);
    expect(library.trash.dropOld(Date.now() + 31 * day)).toBe(1);
    expect(await expectSound(open)).toEqual([]);
  });
});
