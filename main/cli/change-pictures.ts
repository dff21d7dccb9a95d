// Commands that make a picture of a picture: one file, or each picture in a folder.
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, extname, join, parse, resolve } from 'node:path';
import type { ErrorInfo } from '../../preload/contract/errors';
import { AppError, toAppError } from '../engine/errors';
import { unreadable } from '../files/weight-file';
import { errorText, wordsOf } from '../words';
import { isPicture } from './inspect-picture';
import { diskError, writeWhole } from './save-copy';

interface Made { readonly width: number; readonly height: number; readonly png: Uint8Array }
export interface Changed {
  readonly made: readonly { readonly from: string; readonly to: string; readonly width: number; readonly height: number }[];
  readonly failed: readonly { readonly from: string; readonly error: ErrorInfo }[];
}

/**
 * `out`: the new .png, or a folder for pictures of the same names, which is made. In a folder, what cannot be read is told and left out. `command`: for errors.
 * Throws usage, tool.overSource, disk.out, and for a single picture what `change` throws.
 */
export async function changePictures(command: string, path: string | undefined, out: string | undefined, change: (source: string, to: string) => Promise<Made>): Promise<Changed> {
  if (path === undefined) throw new AppError('usage', { why: 'positional', command, positional: 'PICTURE|FOLDER' });
  if (out === undefined) throw new AppError('usage', { why: 'missing', flag: '--out', example: 'edges.png' });
  const from = resolve(path), isFolder = await stat(from).then((found) => found.isDirectory(), (cause: unknown) => { throw unreadable(from, cause); });
  const sources = isFolder ? await picturesIn(from) : [from], made: Changed['made'][number][] = [], failed: Changed['failed'][number][] = [];
  const nameFor = await targets(sources, out, isFolder);
  for (const source of sources) {
    const to = nameFor(source);
    if (sources.includes(to)) throw new AppError('tool.overSource', { file: to });
    try {
      const { png, width, height } = await change(source, to);
      await writeWhole(to, (temp) => writeFile(temp, png));
      made.push({ from: source, to, width, height });
    } catch (thrown) {
      const error = toAppError(thrown);
      // What is wrong with the drive or the settings is so for all of them.
      if (!isFolder || !/^(?:picture|file)\./.test(error.code)) throw error;
      failed.push({ from: source, error: error.info });
    }
  }
  return { made, failed };
}

/** On stdout the new files, on stderr what could not be read. The exit code: 1 where something could not. */
export function reportChanged({ made, failed }: Changed, json: boolean): number {
  for (const { error } of failed) process.stderr.write(errorText(error));
  if (json) process.stdout.write(`${JSON.stringify({ made, failed: failed.map(({ from, error }) => ({ from, error: { ...error, ...wordsOf(error) } })) })}\n`);
  else for (const { to, width, height } of made) process.stdout.write(`${to} (${width}×${height})\n`);
  return failed.length > 0 ? 1 : 0;
}

/** A picture, or those of a folder by name, numbers in their order. Throws file.*, and usage for a folder without any. */
export async function picturesAt(path: string): Promise<string[]> {
  const from = resolve(path), isFolder = await stat(from).then((found) => found.isDirectory(), (cause: unknown) => { throw unreadable(from, cause); });
  return isFolder ? picturesIn(from) : [from];
}

async function picturesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch((cause: unknown) => { throw unreadable(folder, cause); })).sort((a, b) => a.localeCompare(b, 'en', { numeric: true })), pictures: string[] = [];
  for (const name of names) if (!name.startsWith('.') && await isPicture(join(folder, name))) pictures.push(join(folder, name));
  if (pictures.length === 0) throw new AppError('usage', { why: 'noPictures', folder });
  return pictures;
}

/** Makes the folder, so that a wrong --out shows before the work. Where two pictures have one name but for their endings, these stay in the new ones. */
async function targets(sources: readonly string[], out: string, isFolder: boolean): Promise<(source: string) => string> {
  const target = resolve(out), extension = extname(target);
  const toFolder = await stat(target).then((found) => found.isDirectory(), () => extension === '' || /[\\/]$/.test(out));
  if (!toFolder && isFolder) throw new AppError('usage', { why: 'outFolder', value: out });
  if (!toFolder && extension.toLowerCase() !== '.png') throw new AppError('usage', { why: 'out', value: out });
  await mkdir(toFolder ? target : dirname(target), { recursive: true }).catch((cause: unknown) => { throw diskError(target, cause); });
  if (!toFolder) return () => target;
  const stems = sources.map((source) => parse(source).name.toLowerCase());
  return (source) => {
    const { name, base } = parse(source);
    return join(target, `${stems.filter((stem) => stem === name.toLowerCase()).length > 1 ? base : name}.png`);
  };
}
