// Pictures carry their texts: written as other tools read them, read whatever form they have, and the same job gives the same bytes.
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeRgb } from '../../../main/files/decode-picture';
import { encodePng, encodeThumbnail } from '../../../main/services/pictures/encode';
import { pictureTexts, readPicture } from '../../../main/services/pictures/metadata';
import { headerEnd, readChunks, wholePngSize, writeChunk } from '../../../main/files/png-chunks';
import { addPngTexts, readPngTexts } from '../../../main/files/png-text';
import type { JobSpec } from '../../../preload/contract/job';
import { fuzzRuns } from '../../support/fuzz';
import { anyJob, job, noise } from '../../support/pictures';
import { refusalOf } from '../../support/words';

const plain = await encodePng(noise(), []);
const withChunk = (type: string, data: Buffer) => Buffer.concat([plain.subarray(0, headerEnd), writeChunk(type, data), plain.subarray(headerEnd)]);
const latin1 = (text: string) => Buffer.from(text, 'latin1');

describe('a picture', () => {
  it('gives back any job as it was', () => {
    fc.assert(fc.property(anyJob, (original) => {
      const picture = addPngTexts(plain, pictureTexts(original, { version: '1' }));
      expect(readPicture(picture).job).toEqual(original);
      expect(wholePngSize(picture)).toEqual({ width: 64, height: 64 });
    }), { numRuns: fuzzRuns(500) });
  });

  it('has the same bytes for the same job, in whatever order its fields come', async () => {
    const one = job({ negative: 'blurry' });
    const other = Object.fromEntries(Object.entries(one).reverse()) as JobSpec;
    const bytes = await Promise.all([one, other].map(async (spec) => encodePng(noise(), pictureTexts(spec, { version: '1' }))));
    expect(bytes[0]).toEqual(bytes[1]);
    expect(await encodePng(noise(), pictureTexts(job({ negative: 'blur' }), { version: '1' }))).not.toEqual(bytes[0]);
  });

  it('keeps every pixel, with texts before the pixels and an independent decoder content', async () => {
    const pixels = noise(72, 64, 5);
    const png = await encodePng(pixels, pictureTexts(job(), { version: '1' }));
    expect(new Uint8Array(await sharp(png).raw().toBuffer())).toEqual(pixels.rgb);
    const types = [...readChunks(png)].map(({ type }) => type);
    expect(types.lastIndexOf('tEXt')).toBeLessThan(types.indexOf('IDAT'));
    expect(new Set(types)).toEqual(new Set(['IHDR', 'tEXt', 'pHYs', 'IDAT', 'IEND']));
    expect((await sharp(png).metadata()).comments).toEqual([
      { keyword: 'parameters', text: expect.stringContaining('Steps: 20') }, { keyword: 'atelier', text: JSON.stringify(job()) }]);
  });

  it('writes Latin-1 as tEXt and the rest as iTXt, as Pillow does', () => {
    const types = (text: string) => [...readChunks(addPngTexts(plain, [{ keyword: 'parameters', text }]))].map(({ type }) => type)[1];
    expect(types('café ÿ\n')).toBe('tEXt');
    expect(types('café 日本')).toBe('iTXt');
    expect(types('“')).toBe('iTXt');
  });

  it.each([
    ['tEXt', latin1('parameters\0café')],
    ['zTXt', Buffer.concat([latin1('parameters\0\0'), deflateSync(latin1('café'))])],
    ['iTXt', Buffer.concat([latin1('parameters\0\0\0\0\0'), Buffer.from('café')])],
    ['iTXt', Buffer.concat([latin1('parameters\0\0\0en\0Name\0'), Buffer.from('café')])],
    ['iTXt', Buffer.concat([latin1('parameters\0\x01\0\0\0'), deflateSync(Buffer.from('café'))])],
  ])('is read from %s %#', (type, data) => {
    expect(readPngTexts(withChunk(type, data))).toEqual([{ keyword: 'parameters', text: 'café' }]);
  });

  it('leaves out a text that is damaged, has no end or inflates to gigabytes', () => {
    const damaged = Buffer.from(withChunk('tEXt', latin1('parameters\0Steps')));
    damaged[headerEnd + 20]! ^= 1;
    expect(readPngTexts(damaged)).toEqual([]);
    expect(wholePngSize(damaged)).toBeNull();
    expect(readPngTexts(withChunk('iTXt', latin1('parameters\0\0\0')))).toEqual([]);
    expect(readPngTexts(withChunk('zTXt', Buffer.concat([latin1('parameters\0\0'), deflateSync(Buffer.alloc(64 << 20))])))).toEqual([]);
    expect(readPicture(withChunk('tEXt', latin1('atelier\0{"kind":"txt2img"}'))).job).toBeNull();
    expect(readPicture(withChunk('tEXt', latin1('atelier\0{not json'))).job).toBeNull();
  });

  it('is never misread: cut or changed anywhere, it throws nothing and is not taken for whole', () => {
    const picture = Buffer.from(addPngTexts(plain, pictureTexts(job(), { version: '1' })));
    fc.assert(fc.property(fc.nat(picture.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, cut) => {
      const broken = cut ? picture.subarray(0, at) : Buffer.from(picture);
      if (!cut) broken[at]! ^= flip;
      const { job: read } = readPicture(broken);
      expect(wholePngSize(broken)).toBeNull();
      if (read) expect(read).toEqual(job());
    }), { numRuns: fuzzRuns(500) });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => { expect(readPicture(bytes)).toEqual({ own: null, job: null, parameters: null }); }));
  });

  it('has a thumbnail of at most 384 a side', async () => {
    const size = async (width: number, height: number) => {
      const { format, width: w, height: h } = await sharp(await encodeThumbnail(await encodePng(noise(width, height), []))).metadata();
      return [format, w, h];
    };
    expect(await size(512, 768)).toEqual(['webp', 256, 384]);
    expect(await size(128, 64)).toEqual(['webp', 128, 64]);
  });
});

describe('a picture to start from', () => {
  const solid = (width: number, height: number, color: string) => sharp({ create: { width, height, channels: 4, background: color } });
  const pixel = (rgb: Uint8Array, width: number, x: number, y: number) => [...rgb.subarray((y * width + x) * 3, (y * width + x) * 3 + 3)];

  it('comes through untouched when it has the size already', async () => {
    const pixels = noise(64, 96);
    expect(new Uint8Array(await decodeRgb(await encodePng(pixels, []), 64, 96))).toEqual(pixels.rgb);
  });

  it('covers the size, cut off evenly', async () => {
    const left = await solid(100, 100, 'red').png().toBuffer();
    const wide = await solid(300, 100, 'blue').composite([{ input: left, left: 0, top: 0 }]).png().toBuffer();
    const rgb = await decodeRgb(wide, 64, 64);
    expect(rgb.length).toBe(64 * 64 * 3);
    expect(pixel(rgb, 64, 3, 32)).toEqual([0, 0, 255]);       // the red third is cut off
  });

  it('shows white where it is transparent, and is RGB whatever it was', async () => {
    const half = await solid(64, 64, 'rgba(255, 0, 0, 0.5)').png().toBuffer();
    expect(pixel(await decodeRgb(half, 64, 64), 64, 9, 9)[1]).toBeCloseTo(127, -1);
    const grey = await sharp(noise().rgb, { raw: { width: 64, height: 64, channels: 3 } }).greyscale().png().toBuffer();
    const [r, g, b] = pixel(await decodeRgb(grey, 64, 64), 64, 5, 5);
    expect(r === g && g === b).toBe(true);
    const deep = await solid(64, 64, 'rgb(200, 100, 50)').removeAlpha().toColourspace('rgb16').png().toBuffer();
    expect(pixel(await decodeRgb(deep, 64, 64), 64, 5, 5)).toEqual([200, 100, 50]);
    const cmyk = await solid(64, 64, 'white').removeAlpha().toColourspace('cmyk').jpeg().toBuffer();
    expect((await decodeRgb(cmyk, 64, 64)).length).toBe(64 * 64 * 3);
  });

  it('is upright when the camera says how it was held', async () => {
    const red = await solid(64, 32, 'red').png().toBuffer();
    const camera = await solid(64, 64, 'blue').composite([{ input: red, left: 0, top: 0 }]).removeAlpha().jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
    const rgb = await decodeRgb(camera, 64, 64);              // 6: the top of the sensor is at the right
    expect(pixel(rgb, 64, 60, 32)[0]).toBeGreaterThan(200);
    expect(pixel(rgb, 64, 3, 32)[2]).toBeGreaterThan(200);
  });

  it.each([
    ['text', Buffer.from('this is no picture')], ['nothing', Buffer.alloc(0)], ['a drawing program', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
    ['half a picture', Buffer.from(plain.subarray(0, plain.length / 2))],
  ])('is refused when it is %s, and the error says what to do', async (_, bytes) => {
    expect(await refusalOf(decodeRgb(bytes, 64, 64))).toMatchObject({ code: 'picture.unreadable', hint: expect.stringContaining('PNG') });
  });

  it('is refused by its name when it is a file that claims more pixels than any camera has', async () => {
    const header = Buffer.from(plain.subarray(8, headerEnd));
    header.writeUInt32BE(40_000, 8);
    header.writeUInt32BE(40_000, 12);
    const bomb = Buffer.concat([plain.subarray(0, 8), writeChunk('IHDR', header.subarray(8, 21)), plain.subarray(headerEnd)]);
    expect(await refusalOf(decodeRgb(bomb, 64, 64))).toMatchObject({ code: 'picture.unreadable', message: expect.stringContaining('pixel') });
    expect(await refusalOf(decodeRgb('/nowhere/cat.png', 64, 64))).toMatchObject({ code: 'picture.unreadable', message: expect.stringContaining('cat.png') });
  });
});
