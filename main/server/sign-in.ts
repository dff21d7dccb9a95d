// The two doors that are open to everybody: a code becomes a session, and whoever has none may knock.
import type { FastifyInstance } from 'fastify';
import type { ErrorInfo } from '../../preload/contract/errors';
import { sessionCookie, type Access } from './access';
import { send } from './refusals';
import { isSameUser } from './same-user';

const KNOCK_MS = 10_000;
const BODY_LIMIT = 1_000;
const used: ErrorInfo = { code: 'auth.code', data: { why: 'used' } };
const otherUser: ErrorInfo = { code: 'auth.code', data: { why: 'otherUser' } };

/**
 * POST /sign-in: { code } → the session's cookie, and its keys as the answer. POST /knock: asks that a new address be shown where its owner looks;
 * `onKnock` is called once in a while, however often anybody knocks.
 */
export function addSignIn(server: FastifyInstance, access: Access, onKnock: () => void): void {
  server.post('/sign-in', { bodyLimit: BODY_LIMIT }, async (request, reply) => {
    const { code } = (request.body ?? {}) as { code?: unknown };
    // No count of wrong tries: nobody guesses 256 bits, and a count would let anybody lock the owner out. Each costs a connection.
    if (typeof code !== 'string' || !access.sessions.isGood(code)) {
      return send(reply.header('connection', 'close'), used);
    }
    if (!await isSameUser(request.raw.socket)) return send(reply.header('connection', 'close'), otherUser);
    const session = access.sessions.begin(code);
    if (!session) return send(reply, used);
    return reply.header('set-cookie', sessionCookie(session.cookie, access.port)).header('cache-control', 'no-store').send(session.keys);
  });

  let knockedAt = -Infinity;
  server.post('/knock', { bodyLimit: BODY_LIMIT }, async (_request, reply) => {
    const now = performance.now();
    if (now - knockedAt > KNOCK_MS) {
      knockedAt = now;
      onKnock();
    }
    return reply.code(204).send();
  });
}
