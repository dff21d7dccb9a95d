// Who gets in, and who does not: token, cookie, Host and Origin.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusal } from '../../../main/server/access';
import { openServer, pictureId, token, type ServerBench } from '../../support/server';

let server: ServerBench;
beforeAll(async () => { server = await openServer(); });
afterAll(() => server.close());
const anonymous = { authorization: '' };

describe('access', () => {
  it('is refused without the token, whatever is asked for', async () => {
    for (const path of ['/', '/assets/index-abc.js', '/trpc/queue.list', `/media/${pictureId}.png`, '/nowhere']) {
      const { status, text } = await server.ask(path, { headers: anonymous });
      expect(status, path).toBe(401);
      expect(JSON.parse(text)).toMatchObject({ code: 'auth.refused', hint: expect.any(String) });
    }
    expect((await server.ask('/blobs', { method: 'POST', headers: anonymous, body: 'x' })).status).toBe(401);
  });

  it('is refused with a wrong token, of the same length or another', async () => {
    for (const wrong of ['U'.repeat(43), 'T', '', token + 'T']) {
      expect((await server.ask('/trpc/queue.list', { headers: { authorization: `Bearer ${wrong}` } })).status).toBe(401);
      expect((await server.ask(`/?token=${wrong}`, { headers: anonymous })).status).toBe(401);
    }
  });

  it('is refused with a token that has a letter beyond ASCII, as bearer, cookie and address', async () => {
    const wrong = `${'T'.repeat(42)}é`;
    for (const headers of [{ authorization: `Bearer ${wrong}` }, { ...anonymous, cookie: `atelier-${server.port}=${wrong}` }]) {
      expect((await server.ask('/trpc/queue.list', { headers })).status).toBe(401);
    }
    expect((await server.ask(`/?token=${encodeURIComponent(wrong)}`, { headers: anonymous })).status).toBe(401);
  });

  it('knows itself on port 80, which a browser leaves out of Host and Origin', () => {
    const asked = (host: string, port: number) => refusal({ host, origin: `http://${host}`, authorization: `Bearer ${token}` }, { port, token });
    for (const host of ['127.0.0.1', 'localhost', '[::1]', 'localhost:80']) expect(asked(host, 80), host).toBeNull();
    expect(asked('evil.example', 80)).toMatchObject({ status: 403 });
    expect(asked('localhost', 7870)).toMatchObject({ status: 403 });
  });

  it('shows a person a page that says where the address is', async () => {
    const { status, text, headers } = await server.ask('/', { headers: { ...anonymous, accept: 'text/html,*/*' } });
    expect(status).toBe(401);
    expect(headers['content-type']).toContain('text/html');
    expect(text).toContain('terminal');
    expect(text).not.toContain(token);
  });

  it('turns the printed address into a cookie that scripts and other sites cannot use', async () => {
    const entry = new URL(server.url);
    const { status, headers } = await server.ask(entry.pathname + entry.search, { headers: anonymous });
    expect([status, headers.location]).toEqual([302, '/']);
    const cookie = String(headers['set-cookie']);
    expect(cookie).toContain('HttpOnly');
    expect(cookie).toContain('SameSite=Strict');
    const inside = await server.ask('/', { headers: { ...anonymous, cookie: cookie.split(';')[0]! } });
    expect([inside.status, inside.text]).toEqual([200, '<!doctype html><title>Window</title>']);
  });

  it('is refused under a foreign name that points at this machine (DNS rebinding)', async () => {
    for (const host of ['evil.example', `evil.example:${server.port}`, '127.0.0.1:1', `127.0.0.1.evil.example:${server.port}`]) {
      expect((await server.ask('/trpc/queue.list', { headers: { host } })).status, host).toBe(403);
    }
    expect((await server.ask('/trpc/queue.list', { headers: { host: `localhost:${server.port}` } })).status).toBe(200);
  });

  it('is refused to other origins even with the cookie (CSRF), other ports of this machine included', async () => {
    const cookie = `atelier-${server.port}=${token}`;
    for (const origin of ['https://evil.example', 'http://127.0.0.1:1', 'null', `https://127.0.0.1:${server.port}`]) {
      const { status } = await server.ask('/trpc/queue.cancel', { method: 'POST', headers: { ...anonymous, cookie, origin, 'content-type': 'application/json' }, body: '{"ids":[]}' });
      expect(status, origin).toBe(403);
    }
    expect((await server.ask(`/media/${pictureId}.png`, { headers: { ...anonymous, cookie, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' } })).status).toBe(403);
    const own = await server.ask('/trpc/queue.cancel', { method: 'POST', headers: { ...anonymous, cookie, origin: `http://127.0.0.1:${server.port}`, 'content-type': 'application/json' }, body: '{"ids":[]}' });
    expect(own.status).toBe(200);
  });

  it('carries the strict headers on every answer, refusals included', async () => {
    for (const headers of [{}, anonymous, { host: 'evil.example' }] as Record<string, string>[]) {
      const answer = await server.ask('/', { headers });
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(answer.headers['content-security-policy']).toContain("script-src 'self'");
      expect(answer.headers['content-security-policy']).not.toContain('unsafe');
      expect(answer.headers['cross-origin-resource-policy']).toBe('same-origin');
    }
  });
});
