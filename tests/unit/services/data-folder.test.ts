// Where data lives, and files that are whole or not there.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeAtomic, writeNew } from '../../../main/services/data/disk';
import { sweepTemps } from '../../../main/services/data/temps';
import { findDataDir, openDataFolder } from '../../../main/services/data/data-folder';
import { tempFolder } from '../../support/pictures';
import { refusalOf } from '../../support/words';

const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid;

describe('the data folder', () => {
  it('is the one that was given, else that of the environment, else where the system keeps such things', () => {
    expect(findDataDir('/given', { ATELIER_DATA: '/env' }, 'linux')).toBe('/given');
    expect(findDataDir('here', {}, 'linux')).toBe(join(process.cwd(), 'here'));
    expect(findDataDir(undefined, { ATELIER_DATA: '/env' }, 'win32')).toBe('/env');
    expect(findDataDir(undefined, {}, 'linux')).toBe(join(homedir(), '.local/share/atelier'));
    expect(findDataDir(undefined, { XDG_DATA_HOME: '/xdg' }, 'linux')).toBe('/xdg/atelier');
    expect(findDataDir(undefined, {}, 'darwin')).toBe(join(homedir(), 'Library/Application Support/Atelier'));
    expect(findDataDir(undefined, { LOCALAPPDATA: '/local' }, 'win32')).toBe(join('/local', 'Atelier'));
  });

  it('is made with all its folders, and says how much room there is', async () => {
    const root = join(await tempFolder(), 'deep/down');
    const folder = await openDataFolder(root);
    expect((await readdir(root)).sort()).toEqual(['blobs', 'logs', 'models', 'pictures', 'sessions', 'steps', 'thumbnails', 'trash']);
    const { freeBytes, totalBytes } = await folder.describe();
    expect(freeBytes).toBeGreaterThan(0);
    expect(totalBytes).toBeGreaterThanOrEqual(freeBytes);
  });

  it('is refused with its name when it is a file', async () => {
    const root = join(await tempFolder(), 'file');
    await writeFile(root, '');
    expect(await refusalOf(openDataFolder(root))).toMatchObject({ code: 'data.folder', message: expect.stringContaining(root), hint: expect.stringContaining('--data-dir') });
  });

  it('is swept of what crashed writes left, but not of what is being written', async () => {
    const root = await tempFolder(), month = join(root, 'pictures/2026/11');
    await mkdir(month, { recursive: true });
    const dead = [join(month, `.atelier-${deadPid()}-0123abcd-1.tmp`), join(month, `.atelier-${process.pid}-0123abcd-7.tmp`)];      // the second: an earlier process of our number
    const alive = [join(month, `.atelier-${process.ppid}-0123abcd-1.tmp`), join(month, 'mine.tmp'), join(month, 'a.png')];
    for (const file of [...dead, ...alive]) await writeFile(file, 'x');
    await openDataFolder(root);
    expect(dead.filter(existsSync)).toEqual([]);
    expect(alive.filter(existsSync)).toEqual(alive);
  });
});

describe('a file written atomically', () => {
  const bytes = (text: string) => Buffer.from(text);

  it('replaces what was there, or leaves it alone, and leaves nothing else behind', async () => {
    const folder = join(await tempFolder(), 'new'), path = join(folder, 'a.txt');
    await writeAtomic(path, bytes('one'));
    await writeAtomic(path, bytes('two'));
    expect(await writeNew(path, bytes('three'))).toBe(false);
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(folder)).toEqual(['a.txt']);
    expect(await sweepTemps(folder)).toBe(0);
  });

  it('is won by exactly one of many who want its name', async () => {
    const folder = await tempFolder(), path = join(folder, 'a.txt');
    const won = await Promise.all(Array.from({ length: 20 }, (_, i) => writeNew(path, bytes(String(i)))));
    expect(won.filter(Boolean).length).toBe(1);
    expect(await readFile(path, 'utf8')).toBe(String(won.indexOf(true)));
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  it('says which folder it could not be written to', async () => {
    const blocked = join(await tempFolder(), 'file');
    await writeFile(blocked, '');
    expect(await refusalOf(writeAtomic(join(blocked, 'a.txt'), bytes('x')))).toMatchObject({ code: 'disk.failed', message: expect.stringContaining(blocked) });
  });
});
