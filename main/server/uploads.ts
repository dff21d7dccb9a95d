// POST /blobs: the bytes of a picture → { hash, width, height }. They go to the disk as they come, so that the studio never holds a picture whole.
import type { IncomingMessage } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../engine/errors';
import type { LocalStudio } from '../services/studio';

/** Far above any photograph, far below what would hurt. */
const LIMIT = 64 * 2 ** 20;

export function addUploads(part: FastifyInstance, studio: LocalStudio): void {
  part.removeAllContentTypeParsers();
  part.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  part.post('/blobs', async (request) => {
    const sizeBytes = Number(request.headers['content-length'] ?? 0);
    if (sizeBytes > LIMIT) throw tooLarge();
    return studio.blobs.add(bounded(request.raw), sizeBytes);
  });
}

async function* bounded(upload: IncomingMessage): AsyncGenerator<Uint8Array> {
  let size = 0;
  try {
    for await (const piece of upload.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Uint8Array>) {
      size += piece.length;
      // The rest is read and dropped: many a sender listens only when it has sent all.
      if (size <= LIMIT) yield piece;
    }
    if (size > LIMIT) throw tooLarge();
  } catch (cause) {
    throw cause instanceof AppError ? cause : new AppError('picture.unreadable', { why: 'cutOff' }, { cause });
  } finally {
    // What has not come yet when the disk refuses the picture is read and dropped, too.
    upload.resume();
  }
}

const tooLarge = (): AppError => new AppError('picture.tooLarge', { most: LIMIT });
