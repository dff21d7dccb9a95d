// One picture or a folder of them on the command line.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { picturesAt } from '../../../main/cli/change-pictures';
import { initsAt } from '../../../main/cli/generate-inputs';
import { scratchFolder } from '../../support/checkpoints';

const folderOf = (...names: string[]): string => {
  const folder = scratchFolder();
  for (const name of names) writeFileSync(join(folder, name), name.endsWith('.txt') ? 'notes' : '\x89PNG\r\n', 'latin1');
  return folder;
};

test('a folder is its pictures, by name, numbers in their order; the rest is left out', async () => {
  const folder = folderOf('scene 10.png', 'scene 9.png', 'Alps.jpg', 'unnamed', '.hidden.png', 'notes.txt');
  mkdirSync(join(folder, 'below.png'));
  expect((await picturesAt(folder)).map((path) => basename(path))).toEqual(['Alps.jpg', 'scene 9.png', 'scene 10.png', 'unnamed']);
  expect(await initsAt(folder)).toEqual(await picturesAt(folder));
});

test('a folder without any is refused by its name, and a file that is not there left to whoever reads it', async () => {
  const folder = folderOf('notes.txt');
  for (const open of [picturesAt, initsAt]) await expect(open(folder)).rejects.toMatchObject({ code: 'usage', data: { why: 'noPictures', folder } });
  await expect(picturesAt(join(folder, 'gone.png'))).rejects.toMatchObject({ code: 'file.notFound' });
  expect(await initsAt(join(folder, 'gone.png'))).toEqual([join(folder, 'gone.png')]);
  expect(await initsAt(undefined)).toEqual([undefined]);
});
