// What `inspect` says of a picture: whatever the file is, a report or an error, soon, and in little memory.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync, gzipSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodePng } from '../../../main/services/pictures/encode';
import { readExif } from '../../../main/services/pictures/exif';
import { readGifComment } from '../../../main/services/pictures/gif-comment';
import { pictureTexts } from '../../../main/services/pictures/metadata';
import { parsePairs } from '../../../main/services/pictures/parameter-pairs';
import { parametersText } from '../../../main/services/pictures/parameters';
import { headerEnd, writeChunk } from '../../../main/files/png-chunks';
import { addPngTexts } from '../../../main/files/png-text';
import { readTexts } from '../../../main/services/pictures/read';
import { parseCivitaiHashes, parseCivitaiResources, parseHashes } from '../../../main/services/pictures/read/a1111-hashes';
import { readDream, splitNegative } from '../../../main/services/pictures/read/dream';
import { parseJson } from '../../../main/services/pictures/read/json';
import { readSampler, readSchedule } from '../../../main/services/pictures/read/names';
import { parsePython } from '../../../main/services/pictures/read/python';
import { asTitle } from '../../../main/services/pictures/read/resources';
import { reportOnBytes, reportOnPicture } from '../../../main/services/pictures/report';
import { reportOnText } from '../../../main/services/pictures/report-text';
import { PictureReport } from '../../../preload/contract/picture-report';
import { anyJob, job, noise, tempFolder } from '../../support/pictures';
import { jpeg, png, stealthPng, tiff, unicodeBe, webp } from './make-pictures';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear, processorMs } from '../../support/growth';
import { refusalOf } from '../../support/words';

const plain = await encodePng(noise(), []);
const withChunks = (...chunks: Buffer[]) => Buffer.concat([plain.subarray(0, headerEnd), ...chunks, plain.subarray(headerEnd)]);

describe('a picture of ours', () => {
  it('gives back any job, and the report is what the contract says', async () => {
    await fc.assert(fc.asyncProperty(anyJob, async (original) => {
      const { source, job: found } = PictureReport.parse(await reportOnBytes(addPngTexts(plain, pictureTexts(original, { version: '1' }))));
      expect(source).toBe('atelier');
      const { files: { vae, model, textEncoders, refiner: second }, refiner, ...said } = original;
      expect(found).toMatchObject(JSON.parse(JSON.stringify({ ...said, model, textEncoders, ...(vae && { vae: vae.name, vaeHash: vae.hash }), ...(refiner && { refiner: { model: second, ...refiner } }) })) as object);
      expect(found!.extra).toEqual({});
    }), { numRuns: fuzzRuns(100) });
  });

  it('gives back what its text says from JPEG, WebP and AVIF', async () => {
    const clean = (part: string) => part.trim() === part && !/[\r\n\0\u2028\u2029\ufeff]|negative prompt:/i.test(part) && Buffer.from(part).toString() === part;
    const jobs = anyJob.filter(({ prompt, negative, files: { model } }) => [prompt, negative, model.name].every(clean) && !/^"|^Model$|\.(?:safetensors|sft|ckpt|pt|pth|bin|gguf)$/i.test(model.name) && model.name !== '');
    await fc.assert(fc.asyncProperty(jobs, fc.constantFrom(jpeg, webp), async (original, write) => {
      const { source, job: found } = await reportOnBytes(await write(tiff('MM', {}, { UserComment: unicodeBe(parametersText(original, { version: '1' })) })));
      const { prompt, negative, seed, steps, sampler, schedule, cfg, width, height, clipSkip, strength } = original;
      expect(source).toBe('atelier');
      expect(found).toMatchObject({ prompt, negative, seed, steps, sampler, schedule, cfg, width, height, clipSkip, ...(strength !== undefined && { strength }), model: { name: original.files.model.name, hash: original.files.model.hash?.slice(0, 10) ?? null } });
      expect([found!.rng, found!.compat]).toEqual([original.rng === 'nv' ? 'nv' : 'cpu', 'a1111']);
    }), { numRuns: fuzzRuns(60) });
    const avif = await sharp(plain).avif().withExif({ IFD2: { UserComment: parametersText(job(), { version: '1' }) } }).toBuffer();
    expect(await reportOnBytes(avif)).toMatchObject({ source: 'atelier', job: { prompt: 'a red house on grass', schedule: 'karras' } });
  });

  it('names what is not here, by any of its hashes', async () => {
    const picture = addPngTexts(plain, [{ keyword: 'parameters', text: 'x <lora:ink:1>\nSteps: 1, Seed: 1, Size: 8x8, Model: dream, Model hash: ABCDEF0123, VAE: ft.pt, Lora hashes: "ink: 001122334455", TI hashes: "glow: 998877665544"' }]);
    const hashes = (sha256: string, autov3 = 'f'.repeat(12)) => ({ sha256: sha256.padEnd(64, '0'), autov1: '12345678', autov2: sha256.slice(0, 10), autov3 });
    const missing = async (...locals: Parameters<typeof reportOnBytes>[1] & object) => (await reportOnBytes(picture, locals)).missing.map(({ name }) => name);
    expect(await missing()).toEqual(['dream', 'ft.pt', 'ink', 'glow']);
    expect(await missing({ name: 'renamed', hashes: hashes('abcdef0123') }, { name: 'other', hashes: hashes('77', '001122334455') })).toEqual(['ft.pt', 'glow']);
    expect(await missing({ name: 'dream', hashes: hashes('99') }), 'another file of the same name').toContain('dream');
    expect(await missing({ name: 'sub/Dream.safetensors', hashes: null }, { name: 'FT', hashes: hashes('88') }, { name: 'glow', hashes: hashes('998877665544') })).toEqual(['ink']);
  });
});

describe('a file', () => {
  it('without a text says nothing', async () => {
    for (const picture of [plain, await jpeg(tiff('II', { Make: Buffer.from('Camera\0') })), await sharp(plain).webp().toBuffer(), await sharp(plain).gif().toBuffer()]) {
      expect(await reportOnBytes(picture)).toEqual({ kind: 'picture', source: 'none', job: null, missing: [] });
    }
  });

  it('that is no picture is refused by its name', async () => {
    const folder = await tempFolder();
    for (const [name, bytes] of [['a.png', Buffer.from('no picture')], ['b.png', plain.subarray(0, 20)], ['c.jpg', Buffer.alloc(0)], ['d.webp', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')]] as const) {
      await writeFile(join(folder, name), bytes);
      expect(await refusalOf(reportOnPicture(join(folder, name)))).toMatchObject({ code: 'picture.unreadable', message: expect.stringContaining(name), hint: expect.stringContaining('PNG') });
    }
    await expect(reportOnPicture(join(folder, 'gone.png'))).rejects.toMatchObject({ code: 'file.notFound' });
  });

  it('cut off after its texts still says them', async () => {
    const picture = addPngTexts(await encodePng(noise(256, 256), []), pictureTexts(job(), { version: '1' }));
    expect((await reportOnBytes(picture.subarray(0, picture.length - 5000))).source).toBe('atelier');
  });

  it('that inflates to gigabytes takes little memory and time', async () => {
    const zeros = deflateSync(Buffer.alloc(64 << 20)), bomb = writeChunk('zTXt', Buffer.concat([Buffer.from('parameters\0\0'), zeros]));
    const bombs = (n: number): Buffer => withChunks(...Array.from({ length: n }, () => bomb));
    const before = process.memoryUsage().rss;
    expect((await reportOnBytes(bombs(200))).source).toBe('none');
    const unfoldOne = await processorMs(() => inflateSync(zeros));
    expect(await processorMs(() => reportOnBytes(bombs(200))) / unfoldOne, 'how many of the 200 could be unfolded in that time').toBeLessThan(20);
    const hidden = await stealthPng('stealth_pngcomp', 'x'), packed = gzipSync(Buffer.alloc(64 << 20));
    expect(packed.length).toBeLessThan(128 * 1024);
    expect((await reportOnBytes(hidden)).source).toBe('none');
    expect((await reportOnBytes(await stealthPng('stealth_pngcomp', 'Steps: 1, Seed: 2, Size: 8x8, x: '.padEnd(9 << 20, 'y'), 512, 512))).source).toBe('none');
    expect(process.memoryUsage().rss - before).toBeLessThan(500 << 20);
  });

  it('with a text of eight megabytes is read', async () => {
    const text = `${'word, '.repeat((8 << 20) / 6 - 100)}\nSteps: 1, Seed: 2, Size: 8x8`;
    expect((await reportOnBytes(await png({ parameters: text }))).job).toMatchObject({ steps: 1, seed: 2 });
  });
  it.each(['<lora:', '<a', '"', '\\', '[', '(', 'ab:', 'ab: "', '{"a":', '\n', ' ', '/'])('with a text of any number of %j is read in linear time', (part) => expectLinear((n) => {
    for (const key of ['parameters', 'prompt', 'workflow', 'invokeai_metadata', 'Dream', 'Comment', 'xmp', 'exif.UserComment']) {
      for (const start of ['', '"', '{"a":"', '[']) readTexts({ texts: new Map([[key, start + part.repeat(n / part.length)], ['Software', 'NovelAI'], ['fooocus_scheme', 'a1111']]), width: 8, height: 8 });
    }
  }, 32_000));
});

const places = ['parameters', 'prompt', 'workflow', 'invokeai_metadata', 'sd-metadata', 'Dream', 'fooocus_scheme', 'Comment', 'Description', 'Software', 'atelier', 'seed', 'num_inference_steps', 'lora_alpha',
  'exif.UserComment', 'exif.MakerNote', 'exif.Model', 'xmp', 'stealth'];
const keys = ['prompt', 'seed', 'steps', 'sampler', 'image', 'loras', 'model', 'c', 'uc', 'size', 'lora', 'Comment', 'v4_prompt', 'caption', 'nodes', 'links', 'id', 'type', 'inputs', 'class_type', 'widgets_values', 'link', 'mode',
  'latent_image', 'positive', 'negative', 'clip', 'text', 'conditioning', 'sigmas', 'guider', 'samples', 'ckpt_name', 'lora_name', 'lora_1', 'lora_stack', 'metadata_scheme', 'resolution', 'num_inference_steps', 'positive_prompt', 'scheduler', '__proto__', '1', '2', '3'];
const words = ['KSampler', 'SamplerCustomAdvanced', 'CLIPTextEncode', 'ConditioningCombine', 'Reroute', 'SaveImage', 'NovelAI', 'fooocus', 'a1111', 'karras', 'euler', 'None', 'True', "['a', 'b']", '512x512', '(8, 9)', '"a" -s 5'];
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, fc.constantFrom<unknown>(...words, 0, 1, 2, 4, -2, 0.5, 1e300, null, true, ['1', 0], ['2', 1], ['3', 0], [2, 0]), fc.string({ maxLength: 8 }),
    fc.array(tie('tree'), { maxLength: 6 }), fc.dictionary(fc.constantFrom(...keys), tie('tree'), { maxKeys: 10 })),
}));
const graph = fc.dictionary(fc.constantFrom('1', '2', '3', '4'), fc.record({ class_type: fc.constantFrom('KSampler', 'SamplerCustomAdvanced', 'CLIPTextEncode', 'ConditioningConcat', 'LoraLoader', 'LatentUpscale', 'SaveImage', 'KSamplerAdvanced'),
  inputs: fc.dictionary(fc.constantFrom(...keys, 'images', 'noise', 'vae', 'start_at_step'), fc.oneof({ weight: 3, arbitrary: fc.tuple(fc.constantFrom('1', '2', '3', '4'), fc.constantFrom(0, 1)) }, { weight: 1, arbitrary: tree })) }));

describe('any texts', () => {
  it('are read without a fault, and what is read fits the contract', () => {
    const text = fc.oneof(fc.constantFrom(...words), fc.string({ unit: 'binary' }), tree.map((value) => JSON.stringify(value)), graph.map((value) => JSON.stringify(value)), fc.tuple(tree, fc.nat(60)).map(([value, at]) => JSON.stringify(value).slice(at)));
    fc.assert(fc.property(fc.dictionary(fc.constantFrom(...places), text, { maxKeys: 6 }), (texts) => {
      const reading = readTexts({ texts: new Map(Object.entries(texts)), width: 64, height: 64 });
      if (reading) PictureReport.parse({ kind: 'picture', source: reading.source, job: reading.job, missing: reading.resources });
      JSON.stringify(reading);
    }), { numRuns: fuzzRuns(10_000) });
  });

  it('may be nested as deeply as they like', () => {
    for (const deep of ['['.repeat(1e6), `${'{"a":'.repeat(1e5)}1${'}'.repeat(1e5)}`, `${'{"prompt":['.repeat(1e5)}1${']}'.repeat(1e5)}`]) {
      for (const place of places) JSON.stringify(readTexts({ texts: new Map([[place, deep]]), width: 8, height: 8 }));
    }
  });

  it('may be a graph of thousands of nodes that all lead to each other', () => expectLinear((n) => {
    const all = Array.from({ length: n }, (_, i) => [String(i), { class_type: i % 3 ? 'ConditioningCombine' : 'KSampler', inputs: Object.fromEntries(['model', 'clip', 'positive', 'negative', 'latent_image', 'conditioning_1', 'conditioning_2', 'text', 'seed', 'lora_stack'].map((name, j) => [name, [String((i * 7 + j * 13) % n), 0]])) }]);
    readTexts({ texts: new Map([['prompt', JSON.stringify(Object.fromEntries(all))]]), width: 8, height: 8 });
  }, 400));

  it('may have long runs of spaces wherever a value stands', async () => {
    const cases = (run: string): Record<string, string>[] => [
      { parameters: `a\nSteps: 1, Seed: 1, Size: 8x8, Model: x${run}y, Lora hashes: "x${run}y", TI hashes: "x${run}"` }, { 'sd-metadata': JSON.stringify({ image: { prompt: `a${run}b`, sampler: `k${run}` }, model_weights: `m${run}n` }) },
      { prompt: 'a', seed: '1', num_inference_steps: '5', use_lora_model: `[${run.slice(0, 19_000)}[ ]` },
    ];
    for (const i of [0, 1, 2]) {
      const read = (length: number) => readTexts({ texts: new Map(Object.entries(cases(' '.repeat(length))[i]!)), width: 8, height: 8 });
      expect(read(300_000)).not.toBeNull();
      await expectLinear(read, 40_000, Object.keys(cases('')[i]!)[0]);
    }
  });

  it('are read by each of the small readers', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.constantFrom(...words, ' ', ',', ':', '"', "'", '\\', '[', ']', '{', '}', '-', '1', 'abcdef0123', 'NaN', 'DPM++ 2M', '_', '\n', 'lora'), { maxLength: 30 }).map((parts) => parts.join('')));
    const readers = [parsePython, parseJson, parsePairs, parseHashes, parseCivitaiHashes, parseCivitaiResources, readSampler, readSchedule, readDream, splitNegative, asTitle];
    fc.assert(fc.property(text, (some) => {
      for (const read of readers) read(some);
      const report = reportOnText(some);
      if (report) PictureReport.parse(report);
    }), { numRuns: fuzzRuns(1000) });
  });
});

describe('any bytes', () => {
  it('are a report or an error, wherever a picture was changed', async () => {
    const text = 'a cat\nSteps: 1, Seed: 2, Size: 8x8';
    const pictures = [await png({ parameters: text }), await jpeg(tiff('II', { Make: Buffer.from('prompt:{}') }, { UserComment: unicodeBe(text) })), await webp(tiff('MM', {}, { UserComment: unicodeBe(text) })), await stealthPng('stealth_rgbcomp', text)];
    await fc.assert(fc.asyncProperty(fc.constantFrom(...pictures), fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), async (picture, place, flip, cut) => {
      const at = place % picture.length, broken = cut ? picture.subarray(0, at) : Uint8Array.from(picture);
      if (!cut) broken[at]! ^= flip;
      const report = await reportOnBytes(broken).catch((error: unknown) => { expect(error).toBeInstanceOf(Error); return null; });
      if (report) PictureReport.parse(report);
    }), { numRuns: fuzzRuns(400) });
  });

  it('are EXIF or not', () => {
    const good = tiff('II', { Make: Buffer.from('Camera\0') }, { UserComment: unicodeBe('text') });
    expect([...readExif(good)]).toEqual([['Make', 'Camera'], ['UserComment', 'text']]);
    expect([...readExif(Buffer.concat([Buffer.from('Exif\0\0'), good]))]).toEqual([['Make', 'Camera'], ['UserComment', 'text']]);
    fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => { const bytes = Uint8Array.from(good); bytes[at] = value; return bytes; })), (bytes) => { readExif(bytes); }), { numRuns: fuzzRuns(5000) });
  });

  it('are a GIF with a comment or not', async () => {
    const gif = await sharp(plain).gif().toBuffer(), good = Buffer.concat([gif.subarray(0, -1), Buffer.from([0x21, 0xfe, 5]), Buffer.from('a cat'), Buffer.from([0, 0x3b])]);
    expect(readGifComment(good)).toBe('a cat');
    fc.assert(fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), fc.uint8Array({ maxLength: 20 }), (at, value, keep, extra) => {
      const bytes = Uint8Array.from(Buffer.concat([good.subarray(0, keep), extra]));
      if (at < bytes.length) bytes[at] = value;
      const comment = readGifComment(bytes);
      expect(comment === null || comment.length <= bytes.length).toBe(true);
    }), { numRuns: fuzzRuns(1000) });
  });
});
