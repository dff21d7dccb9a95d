// The library: finished pictures on disk, and an index of them. The files are the truth. A picture is written whole or not at all, then
// recorded, then given a thumbnail; whatever cuts this short, `recover` brings files and records together again.
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { statusOf } from '../../../preload/contract/errors';
import type { AnyJob } from '../../../preload/contract/job';
import type { PicturePage, PictureRecord, Removal } from '../../../preload/contract/picture';
import { AppError, toAppError } from '../../engine/errors';
import type { Pixels } from '../../worker/protocol';
import { isFull, writeAtomic, writeNew } from '../data/disk';
import { Reserve } from '../data/reserve';
import type { DataFolder } from '../data/data-folder';
import type { PictureStore, StoredPicture } from '../database/pictures';
import { fileName } from './files';
import { reconcile, type Recovery } from './recovery';
import { Trash } from './trash';
import { encodePng, encodeThumbnail } from '../pictures/encode';
import { isPlain } from '../../files/plain-file';
import { pngDamage } from '../../files/png-damage';
import { ownText, pictureTexts, type Own } from '../pictures/metadata';
import type { PictureReader } from '../pictures/reader/reader';

/** For all files of a page together. */
const LOOK_MS = 1_000;

interface Written { readonly picture: StoredPicture; readonly png: Uint8Array }

export class Library {
  private readonly folder: DataFolder;
  private readonly store: PictureStore;
  private readonly reader: Pick<PictureReader, 'thumbnail'>;
  private readonly version: string;
  readonly trash: Trash;
  readonly reserve: Reserve;
  private recovering: Promise<Recovery> | null = null;
  /** By their pixels: files that are on disk, but found no room for a record yet. */
  private readonly unrecorded = new WeakMap<Pixels, Written>();

  /** `reader`: of files, which anybody may have put there. `version` of Atelier, written into the pictures. */
  constructor(folder: DataFolder, store: PictureStore, reader: Pick<PictureReader, 'thumbnail'>, version: string) {
    this.folder = folder;
    this.store = store;
    this.reader = reader;
    this.version = version;
    this.trash = new Trash(folder.trash);
    this.reserve = new Reserve(folder.reserve);
  }

  /** Once at each start, alone or beside everything else; and when pictures of another process may have come. */
  recover(): Promise<Recovery> {
    const recovery = Promise.resolve(this.recovering).catch(() => {}).then(() => reconcile(this.folder.pictures, this.store, join(this.folder.root, 'pictures-seen')));
    this.recovering = recovery;
    return recovery;
  }

  /**
   * Whether an unfinished job of another session has its picture all the same. Throws machine.exhausted where that cannot be known just now; a file or a
   * drive that may never answer again is not waited for.
   */
  async isMade(jobId: string): Promise<boolean> {
    await this.recovering?.catch(() => {});
    if (this.has(jobId) || !isExhausted(await this.recovering)) return this.has(jobId);
    const { away } = await this.recover();
    if (away?.code === 'machine.exhausted' && !this.has(jobId)) throw away;
    return this.has(jobId);
  }

  has(id: string): boolean { return this.store.file(id) !== null; }

  /**
   * `seconds` from the job's start to its pixels; `id`: that of the job, which ends with it. Throws disk.full, disk.failed; with the same pixels it
   * then goes on from where it was.
   */
  async save(pixels: Pixels, job: AnyJob, seconds: number, id: string = randomUUID()): Promise<PictureRecord> {
    const written = this.unrecorded.get(pixels) ?? await this.write(pixels, job, { id, createdAt: Date.now(), seconds: Math.max(0, seconds) }), { picture, png } = written;
    this.unrecorded.set(pixels, written);
    this.record(picture);
    this.unrecorded.delete(pixels);
    await encodeThumbnail(png).then((webp) => writeAtomic(this.thumbnailPath(picture.id), webp)).catch(() => {});      // the picture is safe; `thumbnail` makes it when it is asked for
    return this.withPath(picture);
  }

  /** Newest first. A page may exceed `limit` by pictures of the same millisecond as its last. */
  async page({ before, limit }: { before: number | null; limit: number }): Promise<PicturePage> {
    const { pictures, unreadable, next } = this.store.page(before ?? Infinity, limit);
    const looked = Promise.all(pictures.map((picture) => this.withDamage(picture, 'size')));
    // A drive that does not answer keeps no page waiting.
    const shown = await Promise.race([looked, sleep(LOOK_MS, null, { ref: false })]) ?? pictures.map((picture) => this.withPath(picture));
    return { pictures: shown, unreadable: unreadable.map((record) => this.withPath(record)), next, total: this.store.count() };
  }

  /** The picture's file, which is a plain one and in the library's folder, also where its record cannot be read. Throws picture.notFound, picture.damaged. */
  async path(id: string): Promise<string> {
    const file = this.place(id), path = join(this.folder.pictures, file);
    if (leadsOut(file)) throw notInside(file);
    if (!await isPlain(path, this.folder.pictures)) throw new AppError('picture.notFound', { why: 'file', file });
    if (await pngDamage(path, this.store.sizeBytes(id) ?? 0) === 'cut') throw new AppError('picture.damaged', { file: path });
    return path;
  }

  /** Throws picture.notFound, record.unreadable. */
  async get(id: string): Promise<PictureRecord> { return this.withDamage(this.store.get(id) ?? notFound(id)); }

  /** Path of the WebP, which is made when it is missing. Throws picture.notFound, picture.damaged. */
  async thumbnail(id: string): Promise<string> {
    const path = this.thumbnailPath(id);
    this.place(id);
    if (!existsSync(path)) await writeAtomic(path, await this.reader.thumbnail(await this.path(id)));
    if (await isPlain(path, this.folder.thumbnails)) return path;
    throw new AppError('picture.notFound', { why: 'notPlain', file: path });
  }

  /**
   * Moves the file into the trash and forgets the record. On a full disk the room for that comes from the reserve, then from the trash, then from the
   * picture itself; and one that has little room left keeps nothing in the trash. Throws picture.notFound, disk.*.
   */
  async remove(id: string): Promise<Removal> {
    const file = this.place(id), path = join(this.folder.pictures, file), ways = [() => this.reserve.letGo(), () => this.trash.makeRoom(), () => rmSync(path, { force: true })];
    if (leadsOut(file)) throw notInside(file);
    const wasThere = existsSync(path);
    let trashed: string | null = null;
    for (let isDone = false; !isDone;) {
      try {
        this.store.remove(id, () => { trashed = this.trash.take(path) ?? trashed; });
        isDone = true;
      } catch (error) {
        const makeRoom = isFull(toAppError(error)) ? ways.shift() : undefined;
        if (!makeRoom) throw error;
        makeRoom();
      }
    }
    await rm(this.thumbnailPath(id), { force: true });
    this.trash.giveWay();
    return { trashed: !wasThere || (trashed !== null && existsSync(trashed)) };
  }

  describe(): { pictures: number; folder: string } { return { pictures: this.store.count(), folder: this.folder.pictures }; }

  private async write(pixels: Pixels, job: AnyJob, own: Own): Promise<Written> {
    const texts = pictureTexts(job, { version: this.version });
    const png = await encodePng(pixels, [...texts, ownText(own)]);
    const file = await this.writePlaced(png, job, own.createdAt);
    const { width, height } = pixels;
    return { png, picture: { ...own, file, width, height, sizeBytes: png.length, parameters: texts[0]!.text, job } };
  }

  private async writePlaced(png: Uint8Array, job: AnyJob, createdAt: number): Promise<string> {
    for (let n = 1; ; n++) {
      const file = fileName(job, new Date(createdAt), n);
      if (await writeNew(join(this.folder.pictures, file), png)) return file;
    }
  }

  private record(picture: StoredPicture): void {
    try {
      this.store.put(picture);
    } catch (cause) {
      const { info } = toAppError(cause);
      throw statusOf(info.code) === 507 ? new AppError('picture.unrecorded', { error: info }, { cause }) : cause;
    }
  }

  /** Below the library's folder. */
  private place(id: string): string { return this.store.file(id) ?? notFound(id); }

  private async withDamage(picture: StoredPicture, look: 'size' | 'ends' = 'ends'): Promise<PictureRecord> {
    const record = this.withPath(picture), damage = leadsOut(picture.file) ? null : await pngDamage(record.path, picture.sizeBytes, look);
    return { ...record, ...(damage && { damage }) };
  }

  private thumbnailPath(id: string): string { return join(this.folder.thumbnails, id.slice(0, 2), `${id}.webp`); }

  private withPath<T extends { file: string }>({ file, ...record }: T): Omit<T, 'file'> & { path: string } { return { ...record, path: join(this.folder.pictures, file) }; }
}

const isExhausted = (recovery: Recovery | null): boolean => recovery?.away?.code === 'machine.exhausted';

function notFound(id: string): never {
  throw new AppError('picture.notFound', { why: 'id', id });
}

/** A record that says so is damaged, or somebody's trap. */
const leadsOut = (file: string): boolean => isAbsolute(file) || normalize(file).startsWith('..');
const notInside = (file: string): AppError => new AppError('picture.notFound', { why: 'outside', file });
