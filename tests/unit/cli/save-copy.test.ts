// `--out`: a file, a folder, numbered names, and no half-written picture.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { prepareOut } from '../../../main/cli/save-copy';
import { refusalOf } from '../../support/words';

let folder: string;
let picture: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'atelier-out-'));
  picture = join(folder, 'library.png');
  writeFileSync(picture, 'pixels');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("without --out the library's own file is the result", async () => expect(await (await prepareOut(undefined, 1))(picture, 0)).toBe(picture));

test('one picture gets the name that was asked for, in folders that are made', async () => {
  const out = join(folder, 'new/deep/cat.png');
  expect(await (await prepareOut(out, 1))(picture, 0)).toBe(out);
  expect(readFileSync(out, 'utf8')).toBe('pixels');
});

test('several pictures are numbered from 1', async () => {
  const save = await prepareOut(join(folder, 'cat.png'), 2);
  expect([await save(picture, 0), await save(picture, 1)]).toEqual([join(folder, 'cat-1.png'), join(folder, 'cat-2.png')]);
});

test('a folder keeps the names of the library: with or without a slash, existing or new, even when it is called .png', async () => {
  mkdirSync(join(folder, 'odd.png'));
  for (const name of ['fresh', 'slash.d/', 'odd.png']) {
    expect(await (await prepareOut(join(folder, name), 1))(picture, 0)).toBe(join(folder, name, 'library.png'));
  }
});

test('other formats are refused before any work', async () => {
  expect(await refusalOf(prepareOut(join(folder, 'cat.jpg'), 1))).toMatchObject({ code: 'usage', message: expect.stringContaining('.jpg') });
});

test('a place that cannot be written is named before any work', async () => {
  writeFileSync(join(folder, 'file'), '');
  expect(await refusalOf(prepareOut(join(folder, 'file/cat.png'), 1))).toMatchObject({ code: 'disk.out', message: expect.stringContaining(join(folder, 'file')) });
});

test('a copy that fails leaves the old file, and nothing half-written', async () => {
  const out = join(folder, 'out/cat.png');
  const save = await prepareOut(out, 1);
  writeFileSync(out, 'old');
  await expect(save(join(folder, 'gone.png'), 0)).rejects.toMatchObject({ code: 'disk.out', data: { why: 'failed' } });
  expect(readFileSync(out, 'utf8')).toBe('old');
  expect(readdirSync(join(folder, 'out'))).toEqual(['cat.png']);
  expect(existsSync(picture)).toBe(true);
});
