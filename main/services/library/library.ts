// The library: finished pictures on disk, and an index of them. The files are the truth. A picture is written whole or not at all, then
// recorded, then given a thumbnail; whatever cuts this short, `recover` brings files and records together again.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobSpec } from '../../../preload/contract/job';
import type { PicturePage, PictureRecord } from '../../../preload/contract/picture';
import { AppError, toAppError } from '../../engine/errors';
import type { Pixels } from '../../worker/protocol';
import { writeAtomic, writeNew } from '../data/disk';
import type { DataFolder } from '../data/data-folder';
import type { PictureStore, StoredPicture } from '../database/pictures';
import { fileName, moveToTrash } from './files';
import { reconcile, type Recovery } from './recovery';
import { encodePng, encodeThumbnail } from '../pictures/encode';
import { pictureTexts } from '../pictures/metadata';
import type { PictureReader } from '../pictures/reader/reader';

/**
 * Of the file's bytes and its place: two runs of one job make the same bytes and are two pictures, as people expect; and a picture that is
 * found again without its record has the id that it had.
 */
const pictureId = (file: string, png: Uint8Array): string =>
  createHash('sha256').update(createHash('sha256').update(png).digest()).update(file).digest('hex');

interface Written { readonly picture: StoredPicture; readonly png: Uint8Array }

export class Library {
  private readonly folder: DataFolder;
  private readonly store: PictureStore;
  private readonly reader: Pick<PictureReader, 'thumbnail'>;
  private readonly version: string;
  /** By their pixels: files that are on disk, but found no room for a record yet. */
  private readonly unrecorded = new WeakMap<Pixels, Written>();

  /** `reader`: of files, which anybody may have put there. `version` of Atelier, written into the pictures. */
  constructor(folder: DataFolder, store: PictureStore, reader: Pick<PictureReader, 'thumbnail'>, version: string) {
    this.folder = folder;
    this.store = store;
    this.reader = reader;
    this.version = version;
  }

  /** Once at each start, alone or beside everything else. */
  recover(): Promise<Recovery> { return reconcile(this.folder.pictures, this.store, pictureId); }

  /** `seconds` from the job's start to its pixels. Throws disk.full, disk.failed; with the same pixels it then goes on from where it was. */
  async save(pixels: Pixels, job: JobSpec, seconds: number): Promise<PictureRecord> {
    const written = this.unrecorded.get(pixels) ?? await this.write(pixels, job, seconds), { picture, png } = written;
    this.unrecorded.set(pixels, written);
    this.record(picture);
    this.unrecorded.delete(pixels);
    await encodeThumbnail(png).then((webp) => writeAtomic(this.thumbnailPath(picture.id), webp)).catch(() => {});      // the picture is safe; `thumbnail` makes it when it is asked for
    return this.toRecord(picture);
  }

  /** Newest first. A page may exceed `limit` by pictures of the same millisecond as its last. */
  async page({ before, limit }: { before: number | null; limit: number }): Promise<PicturePage> {
    const pictures = this.store.page(before ?? Number.MAX_SAFE_INTEGER, limit);
    const last = pictures.at(-1);
    return { pictures: pictures.map((picture) => this.toRecord(picture)), next: last && pictures.length >= limit ? last.createdAt : null, total: this.store.count() };
  }

  async get(id: string): Promise<PictureRecord> { return this.toRecord(this.find(id)); }

  /** Path of the WebP, which is made when it is missing. Throws picture.notFound. */
  async thumbnail(id: string): Promise<string> {
    const picture = this.find(id), path = this.thumbnailPath(id);
    if (!existsSync(path)) await writeAtomic(path, await this.reader.thumbnail(this.existing(picture)));
    return path;
  }

  /** Moves the file into the trash and forgets the record. */
  async remove(id: string): Promise<void> {
    const { file } = this.find(id);
    this.store.remove(id, () => { moveToTrash(join(this.folder.pictures, file), this.folder.trash); });
    await rm(this.thumbnailPath(id), { force: true });
  }

  describe(): { pictures: number; folder: string } { return { pictures: this.store.count(), folder: this.folder.pictures }; }

  private async write(pixels: Pixels, job: JobSpec, seconds: number): Promise<Written> {
    const texts = pictureTexts(job, { version: this.version });
    const png = await encodePng(pixels, texts);
    const createdAt = Date.now();
    const file = await this.place(png, job, createdAt);
    const { width, height } = pixels;
    return { png, picture: { id: pictureId(file, png), file, width, height, sizeBytes: png.length, createdAt, seconds, parameters: texts[0]!.text, job } };
  }

  private async place(png: Uint8Array, job: JobSpec, createdAt: number): Promise<string> {
    for (let n = 1; ; n++) {
      const file = fileName(job, new Date(createdAt), n);
      if (await writeNew(join(this.folder.pictures, file), png)) return file;
    }
  }

  private record(picture: StoredPicture): void {
    try {
      this.store.put(picture);
    } catch (cause) {
      const { code, message, hint, data } = toAppError(cause);
      throw new AppError(code, { message, hint: `${hint ?? ''} The picture itself is kept, and shows when Atelier starts again.`.trim(), data, cause });
    }
  }

  private find(id: string): StoredPicture {
    const picture = this.store.get(id);
    if (!picture) throw new AppError('picture.notFound', { message: `There is no picture ${id.slice(0, 12)} in the library`, hint: 'It may have been removed.', data: { id } });
    return picture;
  }

  private existing({ file }: StoredPicture): string {
    const path = join(this.folder.pictures, file);
    if (existsSync(path)) return path;
    throw new AppError('picture.notFound', { message: `${file} is not there`, hint: 'Put the file back, or remove the picture from the library.', data: { file } });
  }

  private thumbnailPath(id: string): string { return join(this.folder.thumbnails, id.slice(0, 2), `${id}.webp`); }

  private toRecord({ file, ...picture }: StoredPicture): PictureRecord { return { ...picture, path: join(this.folder.pictures, file) }; }
}
