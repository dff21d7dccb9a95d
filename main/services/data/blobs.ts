// Input pictures by the hash of their bytes: a job names what it starts from, and finds the same bytes again for as long as it is kept. The time of a
// blob's file says when somebody used it last.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ContentHash } from '../../../preload/contract/job';
import { AppError } from '../../engine/errors';
import { isPlain, openPlain } from '../../files/plain-file';
import type { PictureReader } from '../pictures/reader/reader';
import { stampNow, thrownAt, writeNewPieces } from './disk';

/** All at once, or as they come. */
export type PictureBytes = Uint8Array | AsyncIterable<Uint8Array>;

export class Blobs {
  private readonly folder: string;
  private readonly trash: string;
  private readonly reader: Pick<PictureReader, 'check'>;

  /** `trash`: where those go that nothing names, and from where one is taken back that somebody names again. */
  constructor(folder: string, reader: Pick<PictureReader, 'check'>, trash = `${folder}-trash`) {
    this.folder = folder;
    this.trash = trash;
    this.reader = reader;
  }

  /**
   * Keeps a picture as it is: its bytes, as they come, or those of its file. It is never whole in memory, and has its name only when it is known to be a picture.
   * Resolves to its hash and upright size. Throws picture.unreadable, disk.*, and what its pieces throw. `sizeBytes`: as far as it is known.
   */
  async putPicture(source: PictureBytes | string, sizeBytes = 0): Promise<{ hash: string; width: number; height: number }> {
    const name = typeof source === 'string' ? basename(source) : '';
    const sha256 = createHash('sha256');
    let hash = '', size = { width: 0, height: 0 };
    const isNew = await writeNewPieces(this.folder, hashing(typeof source === 'string' ? createReadStream(source) : source, sha256), sizeBytes, async (temp) => {
      size = await this.reader.check(temp, name);
      return this.place(hash = sha256.digest('hex'));
    });
    if (!isNew) stampNow(this.place(hash));
    return { hash, ...size };
  }

  /** The blob's file, which somebody uses from now on. Throws picture.notFound. */
  async path(hash: string): Promise<string> {
    if (isHash(hash)) {
      const path = this.place(hash);
      stampNow(path);      // before the look: what is there then is not thrown away between the two
      if (await isPlain(path, this.folder) || await this.takeBack(hash, path)) return path;
    }
    throw new AppError('picture.notFound', { why: 'blob', hash });
  }

  /** Those that lie here, and those in the trash. */
  list(): { here: string[]; trashed: string[] } {
    return { here: namesIn(this.folder).flatMap((start) => (/^[0-9a-f]{2}$/.test(start) ? namesIn(join(this.folder, start)).filter(isHash) : [])), trashed: namesIn(this.trash).filter(isHash) };
  }

  /** Puts it into the trash, unless somebody used it since. At once: nothing of this process comes between the look and the move. */
  throwAway(hash: string, since: number): boolean {
    const path = this.place(hash);
    if ((lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) >= since) return false;
    mkdirSync(this.trash, { recursive: true });
    renameSync(path, join(this.trash, hash));
    stampNow(join(this.trash, hash));
    return true;
  }

  /** Lets one go that has lain in the trash since. */
  dropTrashed(hash: string, since: number): boolean {
    const path = join(this.trash, hash), found = lstatSync(path, { throwIfNoEntry: false });
    if (!found || thrownAt(found) >= since) return false;
    rmSync(path, { force: true });
    return true;
  }

  private async takeBack(hash: string, path: string): Promise<boolean> {
    const trashed = join(this.trash, hash);
    if (!lstatSync(trashed, { throwIfNoEntry: false })?.isFile()) return false;
    mkdirSync(dirname(path), { recursive: true });
    stampNow(trashed);
    await rename(trashed, path).catch(() => {});      // somebody else may have done it just now
    return isPlain(path, this.folder);
  }

  /** The blob's file, and its type as its first bytes tell it. Throws picture.notFound. */
  async open(hash: string): Promise<{ path: string; type: string }> {
    const path = await this.path(hash), file = await openPlain(path);
    try {
      const { buffer } = await file.read(Buffer.alloc(12), 0, 12, 0);
      return { path, type: mediaType(buffer.toString('latin1')) };
    } finally {
      await file.close();
    }
  }

  private place(hash: string): string { return join(this.folder, hash.slice(0, 2), hash); }
}

const isHash = (name: string): boolean => ContentHash.safeParse(name).success;

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function* hashing(pieces: PictureBytes, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces instanceof Uint8Array ? [pieces] : pieces) {
    hash.update(piece);
    yield piece;
  }
}

const signatures: readonly (readonly [type: string, start: RegExp])[] = [
  ['image/png', /^\x89PNG\r\n/], ['image/jpeg', /^\xff\xd8\xff/], ['image/webp', /^RIFF[^]{4}WEBP/], ['image/avif', /^[^]{4}ftypavi[fs]/], ['image/gif', /^GIF8/],
  ['image/tiff', /^(?:II\*\0|MM\0\*)/],
];

/** Never one that a browser would run. */
const mediaType = (start: string): string => signatures.find(([, sign]) => sign.test(start))?.[0] ?? 'application/octet-stream';
