// Input pictures by the hash of their bytes.
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { Blobs } from '../../../main/services/data/blobs';
import { encodePng } from '../../../main/services/pictures/encode';
import { noise, readHere, tempFolder } from '../../support/pictures';
import { refusalOf } from '../../support/words';

const filesIn = async (folder: string) => (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).length;

describe('blobs', () => {
  it('keep a picture once, as it is, under its SHA-256', async () => {
    const folder = await tempFolder(), blobs = new Blobs(folder, readHere);
    const png = await encodePng(noise(64, 96), []), file = join(await tempFolder(), 'cat.png');
    await writeFile(file, png);
    const hash = createHash('sha256').update(png).digest('hex');
    const all = await Promise.all([blobs.putPicture(png), blobs.putPicture(png), blobs.putPicture(file)]);
    for (const kept of all) expect(kept).toEqual({ hash, width: 64, height: 96 });
    expect(new Uint8Array(await readFile(await blobs.path(hash)))).toEqual(new Uint8Array(png));
    expect(await filesIn(folder)).toBe(1);
  });

  it("tell a camera picture's size as it is seen", async () => {
    const sideways = await sharp(noise(64, 96).rgb, { raw: { width: 64, height: 96, channels: 3 } }).jpeg().withMetadata({ orientation: 6 }).toBuffer();
    expect(await new Blobs(await tempFolder(), readHere).putPicture(sideways)).toMatchObject({ width: 96, height: 64 });
  });

  it('refuse what is no picture, by its name, and keep nothing of it', async () => {
    const folder = await tempFolder(), blobs = new Blobs(folder, readHere), file = join(await tempFolder(), 'notes.png');
    await writeFile(file, 'dear diary');
    expect(await refusalOf(blobs.putPicture(file))).toMatchObject({ code: 'picture.unreadable', message: expect.stringContaining('notes.png'), hint: expect.stringContaining('PNG') });
    const jpeg = await sharp(noise(640, 640).rgb, { raw: { width: 640, height: 640, channels: 3 } }).jpeg().toBuffer();
    await expect(blobs.putPicture(jpeg.subarray(0, jpeg.length / 2))).rejects.toMatchObject({ code: 'picture.unreadable' });
    expect(await filesIn(folder)).toBe(0);
  });

  it('say so when there is none, also of names that lead elsewhere', async () => {
    const blobs = new Blobs(await tempFolder(), readHere);
    for (const hash of ['ab'.repeat(32), '../../etc/passwd', '']) await expect(blobs.path(hash)).rejects.toMatchObject({ code: 'picture.notFound' });
  });
});
