// Input pictures by the hash of their bytes: a job names what it starts from, and finds the same bytes again for as long as it is kept.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ContentHash } from '../../../preload/contract/job';
import { AppError } from '../../engine/errors';
import type { PictureReader } from '../pictures/reader/reader';
import { writeNew } from './disk';

export class Blobs {
  private readonly folder: string;
  private readonly reader: Pick<PictureReader, 'check'>;

  constructor(folder: string, reader: Pick<PictureReader, 'check'>) {
    this.folder = folder;
    this.reader = reader;
  }

  /** Keeps a picture's bytes, or those of its file, as they are. Resolves to their hash and the picture's upright size. Throws picture.unreadable, disk.*. */
  async putPicture(source: Uint8Array | string): Promise<{ hash: string; width: number; height: number }> {
    const { hash, isNew } = await this.put(source);
    try {
      return { hash, ...await this.reader.check(this.place(hash), typeof source === 'string' ? basename(source) : 'The picture') };
    } catch (error) {
      if (isNew) await rm(this.place(hash), { force: true });
      throw error;
    }
  }

  /** Only ever whole, so that being there is enough. */
  private async put(source: Uint8Array | string): Promise<{ hash: string; isNew: boolean }> {
    const bytes = typeof source === 'string' ? await readFile(source) : source;
    const hash = createHash('sha256').update(bytes).digest('hex');
    return { hash, isNew: !existsSync(this.place(hash)) && await writeNew(this.place(hash), bytes) };
  }

  /** The blob's file. Throws picture.notFound. */
  async path(hash: string): Promise<string> {
    const path = ContentHash.safeParse(hash).success ? this.place(hash) : null;
    if (path !== null && existsSync(path)) return path;
    throw new AppError('picture.notFound', { message: `The input picture ${hash.slice(0, 12)} is not there`, hint: 'Add the picture again.', data: { hash } });
  }

  /** The blob's file, and its type as its first bytes tell it. Throws picture.notFound. */
  async open(hash: string): Promise<{ path: string; type: string }> {
    const path = await this.path(hash), file = await open(path);
    try {
      const { buffer } = await file.read(Buffer.alloc(12), 0, 12, 0);
      return { path, type: mediaType(buffer.toString('latin1')) };
    } finally {
      await file.close();
    }
  }

  private place(hash: string): string { return join(this.folder, hash.slice(0, 2), hash); }
}

const signatures: readonly (readonly [type: string, start: RegExp])[] = [
  ['image/png', /^\x89PNG\r\n/], ['image/jpeg', /^\xff\xd8\xff/], ['image/webp', /^RIFF[^]{4}WEBP/], ['image/avif', /^[^]{4}ftypavi[fs]/], ['image/gif', /^GIF8/],
  ['image/tiff', /^(?:II\*\0|MM\0\*)/],
];

/** Never one that a browser would run. */
const mediaType = (start: string): string => signatures.find(([, sign]) => sign.test(start))?.[0] ?? 'application/octet-stream';
