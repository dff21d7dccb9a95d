// Small pictures whose texts unfold to half a gigabyte, each text small enough for the decoder: nothing that reads pictures pays for that.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { checkPicture, decodeRgb } from '../../main/files/decode-picture';
import { headerEnd, withoutTexts, writeChunk } from '../../main/files/png-chunks';
import { readPngTexts } from '../../main/files/png-text';
import { encodePng, encodeThumbnail } from '../../main/services/pictures/encode';
import { reportOnBytes } from '../../main/services/pictures/report';
import { openPictureEmbedding } from '../../main/worker/embeddings/picture';
import { noise, tempFolder } from '../support/pictures';

const plain = Buffer.from(await encodePng(noise(), []));
const folded = deflateSync(Buffer.alloc(4 << 20, 'a'), { level: 9 });
const text = (type: 'zTXt' | 'iTXt', i: number) => writeChunk(type, Buffer.concat([Buffer.from(type === 'zTXt' ? `k${i}\0\0` : `k${i}\0\x01\0\0\0`), folded]));
const bomb = (type: 'zTXt' | 'iTXt') => Buffer.concat([plain.subarray(0, headerEnd), ...Array.from({ length: 120 }, (_, i) => text(type, i)), plain.subarray(headerEnd)]);

const readers: [string, (png: Uint8Array) => Promise<unknown>][] = [
  ['checked', checkPicture],
  ['decoded', (png) => decodeRgb(png, 64, 64)],
  ['reported on', (png) => reportOnBytes(png)],
  ['made a thumbnail of', encodeThumbnail],
  ['searched for an embedding', async (png) => {
    const path = join(await tempFolder(), 'a.png');
    await writeFile(path, png);
    return openPictureEmbedding(path);
  }],
];

describe.each(['zTXt', 'iTXt'] as const)('a picture with many folded texts (%s)', (type) => {
  it.each(readers)('is %s in little memory', async (_, read) => {
    const png = bomb(type);
    await read(plain);
    const before = process.memoryUsage.rss();
    await read(png);
    expect(process.memoryUsage.rss() - before).toBeLessThan(250 << 20);
  });

  it('gives what one budget for all of them allows', () => {
    const read = readPngTexts(bomb(type));
    expect(read.reduce((bytes, { text: { length } }) => bytes + length, 0)).toBeLessThanOrEqual(32 << 20);
    expect(read.length).toBe(8);
  });
});

it('a budget counts bytes: letters that take three are three', () => {
  const three = writeChunk('iTXt', Buffer.concat([Buffer.from('k\0\x01\0\0\0'), deflateSync(Buffer.from('日'.repeat(7 << 20 >> 2)))]));
  const png = Buffer.concat([plain.subarray(0, headerEnd), ...Array.from({ length: 20 }, () => three), plain.subarray(headerEnd)]);
  expect(readPngTexts(png).reduce((bytes, { text }) => bytes + Buffer.byteLength(text), 0)).toBeLessThanOrEqual(32 << 20);
});

describe('a picture without its texts', () => {
  it('has all else as it was, wherever they stood and wherever it breaks off', () => {
    const end = plain.subarray(-12), texts = [text('zTXt', 1), text('iTXt', 2), writeChunk('tEXt', Buffer.from('a\0b'))];
    const full = Buffer.concat([plain.subarray(0, headerEnd), texts[0]!, texts[1]!, plain.subarray(headerEnd, -12), texts[2]!, end]);
    expect(withoutTexts(full)).toEqual(plain);
    expect(withoutTexts(plain)).toBe(plain);
    expect(withoutTexts(full.subarray(0, headerEnd + 20))).toEqual(plain.subarray(0, headerEnd));
    for (let length = 0; length < 60; length++) expect(withoutTexts(plain.subarray(0, length))).toEqual(plain.subarray(0, length));
    const jpeg = Buffer.from([0xff, 0xd8, 0xff, ...plain]);
    expect(withoutTexts(jpeg)).toBe(jpeg);
  });
});
