// A finished picture in the library.
import { z } from 'zod';
import { JobSpec } from './job';

export const PictureRecord = z.object({
  /** SHA-256 of the PNG file's bytes and its place in the library: two runs of one job are two pictures of the same bytes. */
  id: z.string(),
  /** /media/<id>.png and /media/<id>.webp (thumbnail) under the server host. */
  width: z.int(), height: z.int(), sizeBytes: z.int(),
  createdAt: z.number(),
  /** Seconds from start to saved. */
  seconds: z.number(),
  /** A1111 `parameters` text, as embedded in the file. */
  parameters: z.string(),
  job: JobSpec,
  /** Absolute path of the PNG. */
  path: z.string(),
});
export type PictureRecord = z.infer<typeof PictureRecord>;

export const PicturePage = z.object({ pictures: z.array(PictureRecord), /** Pass as `before` for the next page. */ next: z.number().nullable(), total: z.int() });
export type PicturePage = z.infer<typeof PicturePage>;
