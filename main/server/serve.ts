// The studio over HTTP, on this machine only: the router (with its events as a stream), pictures, uploads and the window's own files.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { TRPCError } from '@trpc/server';
import { fastifyTRPCPlugin } from '@trpc/server/adapters/fastify';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { ErrorInfo } from '../../preload/contract/errors';
import { answerStatus, isOurFault, router } from '../api/router';
import { AppError } from '../engine/errors';
import type { LocalStudio } from '../services/studio';
import { isKnown, strangerness } from './access';
import { Connections, usualLimits, type Limits } from './limits';
import { nothingHere, refuseOnSocket, send, sendError } from './refusals';
import { securityHeaders } from './security-headers';
import { Sessions } from './sessions';
import { addSignIn } from './sign-in';
import { addUploads } from './uploads';

export interface ServeOptions {
  readonly studio: LocalStudio;
  /** 0 for any free one. */
  readonly port: number;
  readonly secret: string;
  /** The window's built files. */
  readonly rendererDir: string;
  /** Somebody without a session asks for an address that lets a browser in. It is for the owner's eyes alone. */
  readonly onKnock?: (address: string) => void;
  readonly limits?: Limits;
}

export interface StudioServer {
  readonly port: number;
  /** Lets one browser in, once, within ten minutes. Each call makes another. */
  newAddress(): string;
  close(): Promise<void>;
}

const YEAR_SECONDS = 31_536_000;
/** What needs no session: the window's files, which hold nothing of the user's, and the ways to get one. */
const OPEN: readonly (string | undefined)[] = ['/*', '/sign-in', '/knock'];

/** Listens on 127.0.0.1. Rejects with the system's EADDRINUSE when the port is taken. */
export async function serve({ studio, port, secret, rendererDir, onKnock = () => {}, limits = usualLimits() }: ServeOptions): Promise<StudioServer> {
  // Calls are batched by joining their names in the path. Open event streams must not hold up closing.
  const server = Fastify({
    routerOptions: { maxParamLength: 8_000 }, forceCloseConnections: true,
    frameworkErrors: (error, _request, reply) => { sendError(reply, error); }, clientErrorHandler: refuseOnSocket,
    requestTimeout: limits.requestMs, keepAliveTimeout: limits.idleMs, http: { headersTimeout: limits.headMs, connectionsCheckingInterval: limits.checkMs },
  });
  const connections = new Connections(limits);
  server.server.on('connection', (socket) => connections.add(socket));
  const access = { port, secret, sessions: new Sessions(secret) };

  server.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders);
    const strange = strangerness(request.headers, access.port);
    if (strange) return refuse(reply, strange);
    if (isKnown(request.headers, addressKeyOf(request), access)) return connections.welcome(request.raw.socket);
    if (!OPEN.includes(request.routeOptions.url)) return refuse(reply, { code: 'auth.missing', data: {} });
  });
  server.setErrorHandler((error, _request, reply) => sendError(reply, error, (fault) => studio.log.error('request.failed', { error: fault })));
  server.setNotFoundHandler((_request, reply) => send(reply, nothingHere));

  // The code stands behind a #: browsers send that part to nobody.
  const newAddress = () => `http://127.0.0.1:${access.port}/#code=${access.sessions.newCode()}`;
  addSignIn(server, access, () => onKnock(newAddress()));
  boundListeners(server, limits.listeners);
  const responseMeta = ({ errors, info }: { errors: TRPCError[]; info?: { calls: readonly unknown[] } }) => ({ status: answerStatus(errors, info?.calls.length ?? 1) });
  await server.register(fastifyTRPCPlugin, { prefix: '/trpc', trpcOptions: { router, createContext: () => ({ studio }), responseMeta, onError: ({ error, path }: { error: TRPCError; path: string | undefined }) => studio.log[isOurFault(error) ? 'error' : 'debug']('request.failed', { procedure: path, error: error.cause ?? error }) } });
  await server.register(async (part) => addUploads(part, studio));
  addPictures(server, studio);
  await server.register(fastifyStatic, {
    root: rendererDir, wildcard: true, cacheControl: false,
    // Built files carry their hash in the name; the page that names them does not.
    setHeaders: (reply, path) => { reply.header('cache-control', path.includes(join(rendererDir, 'assets')) ? `max-age=${YEAR_SECONDS}, immutable` : 'no-cache'); },
  });

  await server.listen({ host: '127.0.0.1', port });
  access.port = (server.server.address() as { port: number }).port;
  return { port: access.port, newAddress, close: () => server.close() };
}

/** What is left of a refused request's body is not waited for. */
const refuse = (reply: FastifyReply, error: ErrorInfo): FastifyReply => send(reply.header('connection', 'close'), error);

/** The key in an address counts for what the browser itself asks for: pictures, and the queue's events. */
function addressKeyOf({ method, params, query, routeOptions: { url = '' } }: FastifyRequest): unknown {
  const isByBrowser = url.startsWith('/media/') || url.startsWith('/blobs/') || (params as { path?: string }).path === 'queue.events';
  return isByBrowser && (method === 'GET' || method === 'HEAD') ? (query as { key?: unknown }).key : undefined;
}

/** Each event stream is a connection and a listener of the queue for as long as its page is open. */
function boundListeners(server: FastifyInstance, most: number): void {
  let open = 0;
  server.addHook('preHandler', async (request, reply) => {
    const { path } = request.params as { path?: string };
    if (!path?.split(',').includes('queue.events')) return;
    if (open >= most) return send(reply, { code: 'server.busy', data: { most } });
    open++;
    reply.raw.once('close', () => { open--; });
  });
}

/** GET /media/<id>.png and .webp, /blobs/<hash>. What an id or hash means never changes, so a browser may keep it for good. */
function addPictures(server: FastifyInstance, studio: LocalStudio): void {
  const picture = (find: (id: string) => Promise<{ path: string; type: string }>) => async (request: FastifyRequest, reply: FastifyReply) => {
    const { path, type } = await find((request.params as { id: string }).id);
    const { size } = await stat(path).catch(() => { throw new AppError('picture.notFound', { why: 'file', file: path }); });
    return reply.type(type).header('content-length', size).header('cache-control', `private, max-age=${YEAR_SECONDS}, immutable`).send(createReadStream(path));
  };
  server.get('/media/:id(^[0-9a-f-]{36,64}$).png', picture(async (id) => ({ path: await studio.picturePath(id), type: 'image/png' })));
  server.get('/media/:id(^[0-9a-f-]{36,64}$).webp', picture(async (id) => ({ path: await studio.thumbnailPath(id), type: 'image/webp' })));
  server.get('/blobs/:id(^[0-9a-f]{64}$)', picture((hash) => studio.blobs.open(hash)));
}
