// Embeddings inside pictures: what A1111 writes is read, what anybody else might write does no harm.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it, test } from 'vitest';
import { identify } from '../../../main/engine/identify/identify';
import { readEmbedding } from '../../../main/worker/embeddings/file';
import { openPictureEmbedding } from '../../../main/worker/embeddings/picture';
import { hiddenBytes } from '../../../main/worker/embeddings/pixels';
import { scratchFolder } from '../../support/checkpoints';
import { asPng, asWebp, hideInPixels, maskSequence, noisePicture, pngWithText, trainedJson } from '../../support/embedding-pictures';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear, processorMs } from '../../support/growth';
import { randomValues } from '../../support/weights';
import { refusalOf } from '../../support/words';

const folder = scratchFolder();
const write = (name: string, bytes: Uint8Array): string => { const path = join(folder, name); writeFileSync(path, bytes); return path; };
const rows = Array.from({ length: 3 }, (_, i) => randomValues(768, i));
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const carrier = (json: string): Promise<Buffer> => pngWithText('sd-ti-embedding', base64(json));

describe('is read from', () => {
  it.each<[string, () => Promise<Uint8Array>]>([
    ['text.png', () => carrier(trainedJson(rows))],
    ['pixels.png', () => asPng(hideInPixels(trainedJson(rows)))],
    ['pixels.webp', () => asWebp(hideInPixels(trainedJson(rows)))],
    ['border.png', () => asPng(withBorder(hideInPixels(trainedJson(rows)), 5))],
    ['alpha.png', async () => sharp(await asPng(hideInPixels(trainedJson(rows)))).ensureAlpha(0.5).png().toBuffer()],
    ['wide.png', () => asPng(hideInPixels(trainedJson(rows), noisePicture(512, 300)))],
  ])('%s', async (name, make) => {
    const path = write(name, await make());
    const { vectors, count } = await readEmbedding(path);
    expect([count, [...vectors.keys()], [...vectors.get(768)!.data]]).toEqual([3, [768], rows.flat()]);
    const { file } = (await openPictureEmbedding(path))!;
    expect(file.metadata).toEqual({ name: 'inky', step: '500', sd_checkpoint: '4bdfc29c', sd_checkpoint_name: 'v1-5' });
    expect(identify(file)).toMatchObject({ kind: 'embedding', family: 'sd1', precision: 'fp32', parameters: 3 * 768, tensors: 1 });
  });
  it('as large as any: 75 vectors of 1024', async () => {
    const large = Array.from({ length: 75 }, (_, i) => randomValues(1024, i));
    const path = write('large.png', await asPng(hideInPixels(trainedJson(large), noisePicture(512, 512))));
    expect([...(await readEmbedding(path)).vectors.get(1024)!.data]).toEqual(large.flat());
  });
  it('a text before the pixels, and a concept of diffusers', async () => {
    const both = write('both.png', await pngWithText('sd-ti-embedding', base64(JSON.stringify({ '<cat>': { TORCHTENSOR: [1, 2, 3] } })), hideInPixels(trainedJson(rows))));
    expect([...(await readEmbedding(both)).vectors.get(3)!.data]).toEqual([1, 2, 3]);
  });
});

test('the sequence that masks the pixels is A1111\'s', () => {
  const sequence = maskSequence(), first = Array.from({ length: 100 }, () => sequence.next().value!);
  expect(first.slice(0, 13)).toEqual([253, 242, 127, 44, 157, 27, 239, 133, 38, 79, 167, 4, 177]);
  expect(Array.from({ length: 100_000 }, () => sequence.next().value!).reduce((sum, value) => sum + value, 0)).toBe(12_731_374);
});

describe('carries none:', () => {
  it.each<[string, () => Promise<Uint8Array>]>([
    ['a picture', () => asPng(noisePicture(64, 48))],
    ['a picture with a black frame', () => asPng(withBorder(noisePicture(64, 48), 4))],
    ['a black picture', () => asPng({ data: new Uint8Array(64 * 48 * 3), width: 64, height: 48 })],
    ['two black columns', () => asPng(divided())],
    ['one pixel', () => asPng(noisePicture(1, 1))],
    ['grey', async () => sharp(await asPng(noisePicture(32, 32))).greyscale().toColourspace('b-w').png().toBuffer()],
    ['16 bits', async () => sharp(await asPng(hideInPixels(trainedJson(rows)))).toColourspace('rgb16').png().toBuffer()],
    ['pixels that a lossy format changed', () => asWebp(hideInPixels(trainedJson(rows)), false)],
    ['pixels that are cut off', async () => (await asPng(hideInPixels(trainedJson(rows)))).subarray(0, 20_000)],
    ['a JPEG by another name', async () => sharp(await asPng(noisePicture(32, 32))).jpeg().toBuffer()],
    ['no picture', () => Promise.resolve(Buffer.from('not a picture'))],
    ['nothing', () => Promise.resolve(new Uint8Array())],
  ])('%s', async (_, make) => expect(await openPictureEmbedding(write('none.png', await make()))).toBeNull());
  it('and calling it up says so', async () => {
    expect(await refusalOf(readEmbedding(write('plain.png', await asPng(noisePicture(8, 8)))))).toMatchObject({ code: 'weights.unsupportedLayout', message: expect.stringContaining('plain.png') });
    await expect(openPictureEmbedding(join(folder, 'nowhere.png'))).rejects.toMatchObject({ code: 'file.notFound' });
  });
});

describe('hostile:', () => {
  it.each<[string, string]>([
    ['no JSON', 'not JSON'], ['no dictionary', '[1]'], ['no tensor', '{"name":"x"}'], ['rows of two lengths', trainedJson([[1, 2], [1]])], ['words for numbers', '{"a":{"TORCHTENSOR":["x"]}}'],
    ['NaN', '{"string_to_param":{"*":{"TORCHTENSOR":[NaN]}}}'], ['lists without end', '['.repeat(200_000)], ['lists in lists', `{"a":{"TORCHTENSOR":${'['.repeat(1000)}1${']'.repeat(1000)}}}`],
    ['a million lists', `{"a":{"TORCHTENSOR":[${'[],'.repeat(1_000_000)}[]]}}`], ['empty', '{"a":{"TORCHTENSOR":[]}}'], ['a prototype', '{"__proto__":{"TORCHTENSOR":[]}}'],
  ])('%s is called damaged', async (_, json) => {
    await expect(readEmbedding(write('bad.png', await carrier(json)))).rejects.toMatchObject({ code: expect.stringMatching(/^weights\.(?:badHeader|unsupportedLayout)$/) });
  });
  it.each<[string, (n: number) => string]>([
    ['lists without end', (n) => '['.repeat(n)], ['lists in lists', (n) => `{"a":{"TORCHTENSOR":${'['.repeat(n)}1${']'.repeat(n)}}}`], ['many lists', (n) => `{"a":{"TORCHTENSOR":[${'[],'.repeat(n)}[]]}}`], ['spaces', (n) => `{"a":${' '.repeat(n)}`],
  ])('%s are refused in linear time', async (_, json) => expectLinear(async (n) => { await expect(readEmbedding(write('bad.png', await carrier(json(n))))).rejects.toThrow(); }, 25_000));
  it('pixels that inflate to gigabytes hide nothing', async () => {
    const raster = hideInPixels(Buffer.alloc(64 << 20), noisePicture(64, 256));
    expect(await openPictureEmbedding(write('bomb.png', await asPng(raster)))).toBeNull();
  });
  it('a picture of more pixels than any embedding needs is not decoded', async () => {
    const path = write('huge.png', await sharp({ create: { width: 8000, height: 8000, channels: 3, background: '#000' } }).png().toBuffer());
    expect(await openPictureEmbedding(path)).toBeNull();
    const decoding = await processorMs(() => sharp(path).raw().toBuffer());
    expect(await processorMs(() => openPictureEmbedding(path))).toBeLessThan(decoding / 5);
  });
  it('more vectors than a prompt takes are refused', async () => {
    await expect(readEmbedding(write('many.png', await carrier(trainedJson(Array(76).fill([1, 2])))))).rejects.toMatchObject({ code: 'weights.unsupportedLayout' });
  });
  it('any pixels and any text do no harm', () => fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 3, maxLength: 600 }), fc.integer({ min: 1, max: 20 }), fc.string(), async (bytes, width, text) => {
    const height = Math.max(1, Math.floor(bytes.length / 3 / width)), data = new Uint8Array(width * height * 3);
    data.set(bytes.subarray(0, data.length));
    for (const channels of [1, 3]) hiddenBytes({ data, width: channels === 3 ? width : data.length, height: channels === 3 ? height : 1, channels });
    await openPictureEmbedding(write('any.png', await carrier(text))).catch((error: unknown) => expect(error).toMatchObject({ code: 'weights.badHeader' }));
  }), { numRuns: fuzzRuns(60) }));
});

/** A picture with two black columns and nothing that could be inflated. */
function divided(): ReturnType<typeof noisePicture> {
  const picture = noisePicture(41, 40);
  for (let y = 0; y < 40; y++) for (const x of [10, 30]) picture.data.fill(0, (y * 41 + x) * 3, (y * 41 + x) * 3 + 3);
  return picture;
}

function withBorder({ data, width, height }: ReturnType<typeof noisePicture>, border: number): ReturnType<typeof noisePicture> {
  const wide = width + 2 * border, out = new Uint8Array(wide * (height + 2 * border) * 3);
  for (let y = 0; y < height; y++) out.set(data.subarray(y * width * 3, (y + 1) * width * 3), ((y + border) * wide + border) * 3);
  return { data: out, width: wide, height: height + 2 * border };
}
