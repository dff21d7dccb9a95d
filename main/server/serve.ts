// The studio over HTTP, on this machine only: the router (with its events as a stream), pictures, uploads and the window's own files.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { router } from '../api/router';
import { AppError, toAppError } from '../engine/errors';
import type { LocalStudio } from '../services/studio';
import { isToken, refusal, sessionCookie } from './access';
import { lockedPage, securityHeaders } from './pages';

export interface ServeOptions {
  readonly studio: LocalStudio;
  /** 0 for any free one. */
  readonly port: number;
  readonly token: string;
  /** The window's built files. */
  readonly rendererDir: string;
}

/** Of an upload: far above any photograph, far below what would hurt. */
const UPLOAD_LIMIT = 64 * 2 ** 20;
const YEAR_SECONDS = 31_536_000;

/** Listens on 127.0.0.1. `url` lets a browser in. Rejects with the system's EADDRINUSE when the port is taken. */
export async function serve({ studio, port, token, rendererDir }: ServeOptions): Promise<{ url: string; port: number; close(): Promise<void> }> {
  // Calls are batched by joining their names in the path. Open event streams must not hold up closing.
  const server = Fastify({ routerOptions: { maxParamLength: 8_000 }, forceCloseConnections: true });
  const access = { port, token };

  server.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    const query = request.query as { token?: unknown };
    const refused = refusal(request.headers, access);
    // The token's only way in by address: it becomes a cookie, and the address is left without it.
    if (refused?.status !== 403 && request.method === 'GET' && request.url.startsWith('/?') && typeof query.token === 'string' && isToken(query.token, token)) {
      return reply.header('set-cookie', sessionCookie(access)).header('cache-control', 'no-store').redirect('/');
    }
    if (!refused) return;
    if (request.headers.accept?.includes('text/html')) return reply.code(refused.status).type('text/html; charset=utf-8').send(lockedPage);
    return reply.code(refused.status).send(refused.error);
  });
  server.setErrorHandler((error, request, reply) => sendError(reply, error, request.url === '/blobs'));
  server.setNotFoundHandler((_request, reply) => reply.code(404).send({ code: 'internal', message: 'There is nothing at this address' }));

  await server.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: { router, createContext: () => ({ studio }) } });
  await server.register(async (part) => addUploads(part, studio));
  addPictures(server, studio);
  await server.register(fastifyStatic, {
    root: rendererDir, wildcard: true, cacheControl: false,
    // Built files carry their hash in the name; the page that names them does not.
    setHeaders: (reply, path) => { reply.header('cache-control', path.includes(join(rendererDir, 'assets')) ? `max-age=${YEAR_SECONDS}, immutable` : 'no-cache'); },
  });

  await server.listen({ host: '127.0.0.1', port });
  access.port = (server.server.address() as { port: number }).port;
  return { url: `http://127.0.0.1:${access.port}/?token=${token}`, port: access.port, close: () => server.close() };
}

/** POST /blobs: the bytes of a picture → { hash, width, height }. */
function addUploads(part: FastifyInstance, studio: LocalStudio): void {
  part.removeAllContentTypeParsers();
  part.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: UPLOAD_LIMIT }, (_request, body, done) => done(null, body));
  part.post('/blobs', { bodyLimit: UPLOAD_LIMIT }, (request) => studio.blobs.add(request.body instanceof Buffer ? request.body : Buffer.alloc(0)));
}

/** GET /media/<id>.png and .webp, /blobs/<hash>. Named by content, so a browser may keep them for good. */
function addPictures(server: FastifyInstance, studio: LocalStudio): void {
  const send = (find: (id: string) => Promise<{ path: string; type: string }>) => async (request: FastifyRequest, reply: FastifyReply) => {
    const { path, type } = await find((request.params as { id: string }).id);
    const { size } = await stat(path).catch(() => { throw new AppError('picture.notFound', { message: `${path} is gone`, hint: 'It was moved or deleted outside Atelier.' }); });
    return reply.type(type).header('content-length', size).header('cache-control', `private, max-age=${YEAR_SECONDS}, immutable`).send(createReadStream(path));
  };
  server.get('/media/:id(^[0-9a-f]{64}$).png', send(async (id) => ({ path: (await studio.library.get(id)).path, type: 'image/png' })));
  server.get('/media/:id(^[0-9a-f]{64}$).webp', send(async (id) => ({ path: await studio.thumbnailPath(id), type: 'image/webp' })));
  server.get('/blobs/:id(^[0-9a-f]{64}$)', send((hash) => studio.blobs.open(hash)));
}

function sendError(reply: FastifyReply, thrown: unknown, uploading: boolean): FastifyReply {
  const status = thrown instanceof Error && 'statusCode' in thrown ? Number(thrown.statusCode) : null;
  if (status === 413 && uploading) {
    return reply.code(413).send({ code: 'picture.unreadable', message: `The picture is larger than ${UPLOAD_LIMIT / 2 ** 20} MB`, hint: 'Make it smaller and try again.' });
  }
  const info = toAppError(thrown).toInfo();
  const known: Partial<Record<typeof info.code, number>> = { 'picture.unreadable': 422, 'picture.notFound': 404, 'disk.full': 507 };
  return reply.code(known[info.code] ?? status ?? 500).send(info);
}
