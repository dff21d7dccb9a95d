// What a picture says of itself: PNG, JPEG, WebP and AVIF of any program, read into a job of ours.
import { basename } from 'node:path';
import { stat } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import type { AnyJob } from '../../../preload/contract/job';
import type { PictureReport } from '../../../preload/contract/picture-report';
import { AppError, detailOf } from '../../engine/errors';
import { readExif } from './exif';
import { readGifComment } from './gif-comment';
import { readJpegComments } from './jpeg-comment';
import { readPlain } from '../../files/plain-file';
import { withoutTexts } from '../../files/png-chunks';
import { readPngTexts } from '../../files/png-text';
import { readTexts } from './read';
import { readingOfJob } from './read/atelier';
import type { LocalModel } from '../models/which-model';
import { missingResources } from './read/resources';
import type { Texts } from './read/reading';
import { readStealth } from './stealth';
import { readXmp } from './xmp';

/** AVIF is told as 'heif'. The others have no text that we know, but are pictures all the same. */
const formats = ['png', 'jpeg', 'webp', 'heif', 'gif', 'tiff'];
const MAX_FILE_BYTES = 1 << 29, MAX_PIXELS = 200e6;
/** Of characters. Workflows have a few hundred thousand. */
const MAX_TEXT_LENGTH = 8 << 20;

/** What a picture of this job would say. */
export function reportOnJob(own: AnyJob, locals: readonly LocalModel[]): PictureReport {
  const { source, job, resources } = readingOfJob(own);
  return { kind: 'picture', source, job, missing: missingResources(resources, locals) };
}

/** Reads the file, never its pixels where a text says enough. Throws file.notFound, picture.unreadable. */
export async function reportOnPicture(path: string, locals: readonly LocalModel[] = []): Promise<PictureReport> {
  await stat(path).catch((cause: unknown) => { throw notThere(path, cause); });
  try {
    return await reportOnBytes(await readPlain(path, { mostBytes: MAX_FILE_BYTES }), locals);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The same for bytes. Rejects with the decoder's error when they are no picture. */
export async function reportOnBytes(bytes: Uint8Array, locals: readonly LocalModel[] = []): Promise<PictureReport> {
  // ignoreIcc: the lowest bits of the pixels must come through as they are.
  const picture = sharp(withoutTexts(bytes), { limitInputPixels: MAX_PIXELS, failOn: 'none', ignoreIcc: true });
  const { format, width, height, exif, xmpAsString, depth } = await picture.metadata();
  if (!formats.includes(format)) throw new Error(`it is of the form ${format}`);
  const texts = textsOf(bytes, exif, xmpAsString);
  const reading = readTexts({ texts, width, height })
    ?? ((format === 'png' || format === 'webp') && depth === 'uchar' ? readTexts(await withHidden(picture, { texts, width, height })) : null);
  if (!reading) return { kind: 'picture', source: 'none', job: null, missing: [] };
  return { kind: 'picture', source: reading.source, job: reading.job, missing: missingResources(reading.resources, locals) };
}

function textsOf(bytes: Uint8Array, exif: Uint8Array | undefined, xmp: string | undefined): Map<string, string> {
  const texts = new Map(readPngTexts(bytes).map(({ keyword, text }) => [keyword, text]));
  for (const { keyword, text } of readJpegComments(bytes)) texts.set(keyword || 'comment', text);
  const comment = readGifComment(bytes);
  if (comment !== null) texts.set('comment', comment);
  const packed = takeProfiles(texts), block = exif ?? packed.exif;
  for (const [name, text] of block ? readExif(block) : []) texts.set(`exif.${name}`, text);
  const packet = texts.get('XML:com.adobe.xmp') ?? xmp ?? packed.xmp?.toString();
  texts.delete('XML:com.adobe.xmp');
  for (const [name, text] of packet === undefined || packet.length > MAX_TEXT_LENGTH ? [] : readXmp(packet)) texts.set(`xmp.${name}`, text);
  return new Map([...texts].filter(([, text]) => text.length <= MAX_TEXT_LENGTH));
}

/** ImageMagick's older versions put EXIF and XMP into PNG as digits: a name, a length, and lines of them. They are no texts then. */
function takeProfiles(texts: Map<string, string>): { exif?: Buffer; xmp?: Buffer } {
  const take = (...names: string[]): Buffer | undefined => {
    const name = names.map((each) => `Raw profile type ${each}`).find((each) => texts.has(each)), [, digits] = /^\s{0,9}\w{1,20}\s{1,9}\d{1,10}\s([0-9a-f\s]*)$/i.exec((name && texts.get(name)) ?? '') ?? [];
    if (digits === undefined) return undefined;
    texts.delete(name!);
    return Buffer.from(digits.replace(/\s/g, ''), 'hex');
  };
  const exif = take('exif', 'EXIF', 'APP1'), xmp = take('xmp');
  return { ...(exif && { exif }), ...(xmp && { xmp }) };
}

/** Pixels that cannot be decoded hide nothing; that is no reason to refuse a file whose header is right. */
async function withHidden(picture: Sharp, { texts, width, height }: Texts): Promise<Texts> {
  const stealth = await readStealth(picture, width, height).catch(() => null);
  return { texts: stealth === null ? texts : new Map([...texts, ['stealth', stealth]]), width, height };
}

const notThere = (path: string, cause: unknown): AppError => new AppError('file.notFound', { why: 'gone', file: path }, { cause });

export const unreadable = (path: string, cause: unknown): AppError => new AppError('picture.unreadable', { why: 'format', name: basename(path), detail: detailOf(cause) }, { cause });
