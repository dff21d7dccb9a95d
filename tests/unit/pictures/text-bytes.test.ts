// Texts in files as other programs write them: in another encoding than the place says, behind NULs, in comments and in XMP.
import fc from 'fast-check';
import sharp from 'sharp';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { headerEnd, writeChunk } from '../../../main/files/png-chunks';
import { addPngTexts, readPngTexts } from '../../../main/files/png-text';
import { readExif } from '../../../main/services/pictures/exif';
import { readJpegComments } from '../../../main/services/pictures/jpeg-comment';
import { reportOnBytes } from '../../../main/services/pictures/report';
import { readXmp } from '../../../main/services/pictures/xmp';
import { fuzzRuns } from '../../support/fuzz';
import { expectLinear } from '../../support/growth';
import { jpeg, png, tiff, unicodeBe, unicodeLe, webp } from './make-pictures';

const plain = Buffer.from(await png({}));
const chunk = (type: string, data: Buffer) => Buffer.concat([plain.subarray(0, headerEnd), writeChunk(type, data), plain.subarray(headerEnd)]);
const pairs = '\nSteps: 20, Sampler: Euler a, Seed: 9, Size: 512x512';
const promptOf = async (picture: Uint8Array) => (await reportOnBytes(picture)).job?.prompt;

describe('a text in PNG', () => {
  it.each<[string, string, BufferEncoding]>([['UTF-8', '夜の灯台, café', 'utf8'], ['UTF-8 of Latin letters', 'café crème, façade', 'utf8'], ['Latin-1', 'café crème, façade', 'latin1'], ['Latin-1 with one letter', 'naïve', 'latin1']])('may be %s', async (_, prompt, encoding) => {
    const text = Buffer.from(prompt + pairs, encoding);
    expect(await promptOf(chunk('tEXt', Buffer.concat([Buffer.from('parameters\0'), text])))).toBe(prompt);
    expect(await promptOf(chunk('zTXt', Buffer.concat([Buffer.from('parameters\0\0'), deflateSync(text)])))).toBe(prompt);
  });

  it('of ours is read as it was written, whatever it could be taken for', () => {
    fc.assert(fc.property(fc.constantFrom('parameters', 'atelier'), fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('latin1')), fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text).toString('latin1'))), (keyword, text) => {
      expect(readPngTexts(addPngTexts(plain, [{ keyword, text }]))).toEqual([{ keyword, text: Buffer.from(text.replaceAll('\0', '')).toString() }]);
    }), { numRuns: fuzzRuns(1000) });
    const old = 'Ã©';      // valid UTF-8 as well, in a picture of an earlier version
    expect(readPngTexts(chunk('tEXt', Buffer.from(`atelier\0${old}`, 'latin1')))).toEqual([{ keyword: 'atelier', text: old }]);
  });

  it('may be UTF-8 or not where PNG says UTF-8, and EXIF in digits', async () => {
    for (const encoding of ['utf8', 'latin1'] as const) expect(await promptOf(chunk('iTXt', Buffer.concat([Buffer.from('parameters\0\0\0\0\0'), Buffer.from(`café${pairs}`, encoding)])))).toBe('café');
    const exif = tiff('MM', {}, { UserComment: unicodeBe(`夜${pairs}`) }), digits = `\nexif\n${String(exif.length).padStart(8)}\n${exif.toString('hex').replace(/.{72}/g, '$&\n')}\n`;
    for (const name of ['exif', 'APP1']) expect(await promptOf(chunk('zTXt', Buffer.concat([Buffer.from(`Raw profile type ${name}\0\0`), deflateSync(Buffer.from(digits))])))).toBe('夜');
  });
  it('may have its keyword in other letters, and NULs around it', async () => {
    expect(await promptOf(chunk('tEXt', Buffer.from(`Parameters\0a cat${pairs}`)))).toBe('a cat');
    expect(await promptOf(chunk('tEXt', Buffer.from(`parameters\0\0\0a cat${pairs}\0`)))).toBe('a cat');
  });
});

describe('a text in EXIF', () => {
  const text = `夜の灯台, café${pairs}`, field = (prefix: string, ...data: Buffer[]) => Buffer.concat([Buffer.from(prefix, 'latin1'), ...data]), utf16be = unicodeBe(text).subarray(8), utf16le = unicodeLe(text).subarray(8);
  it.each<[string, 'MM' | 'II', Buffer]>([
    ['UTF-16 in the other order', 'MM', field('UNICODE\0', utf16le)], ['UTF-16 in the other order, in little-endian', 'II', field('UNICODE\0', utf16be)], ['UTF-16 behind ASCII', 'MM', field('ASCII\0\0\0', utf16be)],
    ['UTF-16 without a prefix', 'II', field('', utf16le)], ['UTF-16 with a mark', 'MM', field('UNICODE\0', Buffer.from([0xff, 0xfe]), utf16le)], ['UTF-8 behind ASCII', 'MM', field('ASCII\0\0\0', Buffer.from(text))], ['UTF-8 behind UNICODE', 'MM', field('UNICODE\0', Buffer.from(text))],
    ['UTF-8 behind NULs', 'II', field('\0'.repeat(8), Buffer.from(text))], ['UTF-8 behind JIS', 'MM', field('JIS\0\0\0\0\0', Buffer.from(text))], ['UTF-16 behind a prefix with spaces', 'MM', field('UNICODE ', utf16be)],
    ['UTF-8 behind a prefix in words', 'MM', field('charset=Unicode ', Buffer.from(text))], ['UTF-8 with NULs around it', 'MM', field('ASCII\0\0\0', Buffer.from(`\0\0${text}\0`))],
  ])('may be %s', async (_, order, comment) => {
    for (const write of [jpeg, webp]) expect(await promptOf(await write(tiff(order, {}, { UserComment: comment })))).toBe('夜の灯台, café');
  });
  it('may be a comment of Windows, or of an AVIF', async () => {
    for (const name of ['XPComment', 'XPTitle'] as const) expect([...readExif(tiff('MM', { [name]: Buffer.from(`${text}\0`, 'utf16le') }))]).toEqual([[name, text]]);
    expect(await reportOnBytes(await jpeg(tiff('MM', { XPComment: Buffer.from(`${text}\0`, 'utf16le') })))).toMatchObject({ source: 'a1111', job: { prompt: '夜の灯台, café', steps: 20 } });
    expect(await promptOf(await sharp(plain).avif().withExif({ IFD0: { ImageDescription: `a cat${pairs}` } }).toBuffer())).toBe('a cat');
  });
});

const comment = (text: Buffer) => { const head = Buffer.from([0xff, 0xfe, 0, 0]); head.writeUInt16BE(text.length + 2, 2); return Buffer.concat([head, text]); };
const jpegPlain = await sharp(plain).jpeg().toBuffer(), withComment = (...texts: Buffer[]) => Buffer.concat([jpegPlain.subarray(0, 2), ...texts.map(comment), jpegPlain.subarray(2)]);

describe("a JPEG's comment", () => {
  it('is read with its keyword, or without', async () => {
    expect(readJpegComments(withComment(Buffer.from('parameters\0a café'), Buffer.from('holiday'), Buffer.from([0xe9])))).toEqual([{ keyword: 'parameters', text: 'a café' }, { keyword: '', text: 'holiday' }, { keyword: '', text: 'é' }]);
    expect(await promptOf(withComment(Buffer.from(`parameters\0夜${pairs}`)))).toBe('夜');
    expect(await promptOf(withComment(Buffer.from(`夜${pairs}`)))).toBe('夜');
    expect((await reportOnBytes(withComment(Buffer.from('parameters\0')))).source).toBe('none');
  });
  it('may be anything', () => {
    const good = withComment(Buffer.from(`parameters\0a${pairs}`)).subarray(0, 300);
    fc.assert(fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), fc.uint8Array({ maxLength: 20 }), (at, value, keep, extra) => {
      const bytes = Buffer.from(good);
      bytes[at] = value;
      readJpegComments(Buffer.concat([bytes.subarray(0, keep), extra]));
    }), { numRuns: fuzzRuns(2000) });
  });
});

const packet = (body: string, attributes = '') => `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description${attributes}>${body}</rdf:Description></rdf:RDF></x:xmpmeta>`;

describe('XMP', () => {
  it.each<[string, string]>([
    ['an element', packet('<sdcpp:parameters>a &lt;lora:b:1&gt; &amp; c</sdcpp:parameters>')], ['an element with an attribute', packet('<sdcpp:parameters xml:lang="x-default">a &lt;lora:b:1&gt; &amp; c</sdcpp:parameters>')],
    ['an attribute', packet('', ' xmlns:x="y" sdcpp:parameters="a &lt;lora:b:1&gt; &amp; c"')], ['a list of languages', packet('<s:parameters><rdf:Alt><rdf:li xml:lang="x-default">a &lt;lora:b:1&gt; &amp; c</rdf:li></rdf:Alt></s:parameters>')],
    ['a section', packet('<s:parameters><![CDATA[a <lora:b:1> & c]]></s:parameters>')],
  ])('has %s', (_, xmp) => { expect([...readXmp(xmp)]).toEqual([['parameters', 'a <lora:b:1> & c']]); });

  it("is stable-diffusion.cpp's in WebP, and anybody's description", async () => {
    for (const name of ['sdcpp:parameters', 'dc:description']) {
      const picture = await sharp(plain).webp().withXmp(packet(`<${name}>a cat${pairs}</${name}>`)).toBuffer();
      expect(await reportOnBytes(picture), name).toMatchObject({ source: 'a1111', job: { prompt: 'a cat', steps: 20 } });
    }
  });
  it('may be anything, of any length', async () => {
    const part = fc.constantFrom('<', '>', '/', ' ', '"', "'", '=', ':', 'sdcpp:parameters', '</sdcpp:parameters>', 'exif:UserComment', '<![CDATA[', ']]>', '&amp;', '&#x0;', 'a');
    fc.assert(fc.property(fc.array(part, { maxLength: 30 }), (parts) => { readXmp(parts.join('')); }), { numRuns: fuzzRuns(2000) });
    for (const piece of ['<![CDATA[', ' a:prompt', '<a:parameters>', ']]>', '<', "a:description='"]) await expectLinear((n) => readXmp(packet(`<a:parameters>${piece.repeat(n / piece.length)}</a:parameters>`)), 20_000, piece);
  });
});
