// A finished picture in the library.
import { z } from 'zod';
import { AnyJob } from './job';
import { UnreadableRecord } from './unreadable';

export const PictureRecord = z.object({
  /** Of the job that made it, and written in its PNG. Of pictures without (those of version 1, and copies that lie beside their original): SHA-256 of the file's bytes and its place in the library. */
  id: z.string(),
  /** /media/<id>.png and /media/<id>.webp (thumbnail) under the server host. */
  width: z.int(), height: z.int(), sizeBytes: z.int(),
  createdAt: z.number(),
  /** Seconds from start to saved. */
  seconds: z.number(),
  /** A1111 `parameters` text, as embedded in the file. */
  parameters: z.string(),
  job: AnyJob,
  /** Absolute path of the PNG. */
  path: z.string(),
  /** What is wrong with that file; left out where nothing is. */
  damage: z.enum(['cut', 'gone']).optional(),
});
export type PictureRecord = z.infer<typeof PictureRecord>;

/** A picture whose record cannot be read. Its file may be there all the same, and is at the same addresses. */
export const UnreadablePicture = UnreadableRecord.extend({ /** Absolute path of the PNG. */ path: z.string() });
export type UnreadablePicture = z.infer<typeof UnreadablePicture>;

/** `trashed`: it lies in the trash; else there was no room for that, and it is gone for good. */
export interface Removal { trashed: boolean }

/** Both lists newest first; `total` of both. */
export const PicturePage = z.object({ pictures: z.array(PictureRecord), unreadable: z.array(UnreadablePicture), /** Pass as `before` for the next page. */ next: z.number().nullable(), total: z.int() });
export type PicturePage = z.infer<typeof PicturePage>;
