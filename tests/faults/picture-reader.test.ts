// Pictures that end the process that reads them: it is said of which, the next one is read, and the studio's own process pays nothing.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import sharp from 'sharp';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { PictureReader } from '../../main/services/pictures/reader/reader';
import { reportOnPicture } from '../../main/services/pictures/report';
import { createStudio } from '../../main/services/studio';
import { job, noise, readHere, tempFolder } from '../support/pictures';
import { encodePng } from '../../main/services/pictures/encode';
import { pictureTexts } from '../../main/services/pictures/metadata';
import { memoryLog } from '../support/log';
import { fakeWorker } from '../support/queue';
import { refusalOf } from '../support/words';

const real = join(import.meta.dirname, '../../out/main/pictures.js'), fake = join(import.meta.dirname, '../support/fake-reader.mjs');
const readers: PictureReader[] = [];
const log = memoryLog();
const open = (entry: string, limits?: ConstructorParameters<typeof PictureReader>[2]): PictureReader => {
  const reader = new PictureReader(entry, log, limits);
  readers.push(reader);
  return reader;
};
afterEach(async () => {
  delete process.env.ATELIER_FAKE_LAUNCH;
  log.lines.length = 0;
  await Promise.all(readers.splice(0).map((reader) => reader.close()));
});
const isGone = (pid: number): boolean => { try { return !process.kill(pid, 0); } catch { return true; } };

/** A small file whose decoder keeps 6 bytes for each of its pixels, since its detail comes in several passes. */
let greedy: Buffer;
beforeAll(async () => {
  greedy = await sharp({ create: { width: 6000, height: 6000, channels: 3, background: '#345' } }).jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer();
});

describe('the process that reads pictures', () => {
  it('answers as this one would', async () => {
    const reader = open(real), path = join(await tempFolder(), 'a.png'), none = join(await tempFolder(), 'b.png');
    await writeFile(path, await encodePng(noise(400, 200), pictureTexts(job(), { version: '1' })));
    await writeFile(none, 'dear diary');
    expect(await reader.check(path)).toEqual(await readHere.check(path));
    expect(await reader.report(path, [])).toEqual(JSON.parse(JSON.stringify(await reportOnPicture(path))));
    expect(Buffer.from(await reader.thumbnail(path))).toEqual(Buffer.from(await readHere.thumbnail(path)));
    expect(await refusalOf(reader.check(none, ''))).toMatchObject({ code: 'picture.unreadable', message: expect.stringContaining('The picture cannot be read'), hint: expect.stringContaining('PNG') });
    await expect(reader.report(join(none, 'gone.png'), [])).rejects.toMatchObject({ code: 'file.notFound' });
    expect(await refusalOf(reader.thumbnail(none))).toMatchObject({ code: 'picture.unreadable', message: expect.stringContaining('b.png') });
  });

  it('ends by itself when a picture takes more memory than it may, and another reads the next', async () => {
    const reader = open(real, { mostBytes: 220e6 }), folder = await tempFolder(), small = join(folder, 'small.png'), large = join(folder, 'large.jpg');
    await writeFile(small, await encodePng(noise(), []));
    await writeFile(large, greedy);
    const [first, second, third] = await Promise.allSettled([reader.check(small), reader.check(large), reader.check(small)]);
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'picture.unreadable', data: { why: 'memory', name: 'large.jpg', bytes: expect.any(Number) } } });
    for (const other of [first, third]) expect(other).toMatchObject({ status: 'fulfilled', value: { width: 64, height: 64 } });
    expect(log.lines).toMatchObject([{ level: 'error', event: 'reader.died', kind: 'check', exit: 86 }]);
  });

  it('is ended when it takes too long, which is said of that picture alone', async () => {
    const reader = open(fake, { mostSeconds: 5 });
    const hung = reader.check('/hang.png'), next = reader.check('/x.png');
    expect(await refusalOf(hung)).toMatchObject({ code: 'picture.unreadable', message: expect.stringContaining('hang.png cannot be read as a picture: it took longer than 5 s') });
    expect(await next).toMatchObject({ width: 1 });
    expect(log.lines).toMatchObject([{ event: 'reader.died', why: 'late' }]);
  });

  it('may die over a picture, which is said of that picture alone', async () => {
    const reader = open(fake);
    const all = await Promise.allSettled(['/a.png', '/die.png', '/b.png'].map((path) => reader.check(path)));
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(all[1]).toMatchObject({ reason: { code: 'picture.unreadable', data: { why: 'ended', name: 'die.png' } } });
    expect(log.lines).toMatchObject([{ level: 'error', event: 'reader.died', kind: 'check', signal: 'SIGKILL' }]);
  });

  it('reads one at a time', async () => {
    const reader = open(fake);
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => reader.check(`/crowd-${i}.png`)));
    expect(all.map(({ width }) => width)).toEqual(Array(8).fill(1));
    expect(new Set(all.map(({ height }) => height)).size).toBe(1);
  });

  it('was dead before it heard of the picture: the next one reads it', async () => {
    const reader = open(fake);
    const { height: pid } = await reader.check('/a.png');
    process.kill(pid, 'SIGKILL');
    expect((await reader.check('/b.png')).height).not.toBe(pid);
  });

  it('does not start, or dies of whatever it is asked: that is no fault of the picture', async () => {
    await expect(open(fake).check('/deaf.png')).rejects.toMatchObject({ code: 'reader.notStarting' });
    process.env.ATELIER_FAKE_LAUNCH = 'broken';
    expect(await refusalOf(open(fake).check('/a.png'))).toMatchObject({ code: 'reader.notStarting', message: expect.stringContaining('no such library') });
    expect(log.lines.at(-1)).toMatchObject({ event: 'reader.died', exit: 3, said: { name: 'Error' } });
  });

  it('is not there until it is needed, and let go when it has nothing to do', async () => {
    const reader = open(fake, { idleMs: 20 });
    expect(reader.pid).toBeUndefined();
    const [{ height: pid }] = await Promise.all([reader.check('/a.png'), reader.check('/slow.png')]);
    while (!isGone(pid)) await nextTurn();
    expect((await reader.check('/b.png')).width).toBe(1);
  });

  it('goes with the studio, and whoever waits hears of it', async () => {
    const reader = open(fake);
    const { height: pid } = await reader.check('/a.png');
    const waiting = [reader.check('/hang.png'), reader.check('/b.png')].map((answer) => answer.catch((error: unknown) => error));
    await reader.close();
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'picture.unreadable', data: { why: 'closing' } });
    expect(isGone(pid)).toBe(true);
    expect(await refusalOf(reader.check('/c.png'))).toMatchObject({ message: expect.stringContaining('closes') });
  });
});

it.runIf(process.platform === 'linux')('eight greedy pictures at once cost the studio\'s own process little (resident size in /proc)', async () => {
  const studio = await createStudio({ dataDir: await tempFolder(), workerEntry: fakeWorker });
  try {
    let most = 0;
    const before = process.memoryUsage.rss(), watch = setInterval(() => { most = Math.max(most, process.memoryUsage.rss()); }, 5);
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => studio.blobs.add(Buffer.concat([greedy, Buffer.from([i])]))));
    clearInterval(watch);
    for (const { width } of all) expect(width).toBe(6000);
    expect(most - before).toBeLessThan(200 << 20);
  } finally {
    await studio.close();
  }
});
