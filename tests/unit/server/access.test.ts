// Who gets in, and who does not: secret, session, Host and Origin.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { strangerness } from '../../../main/server/access';
import { openServer, pictureId, secret, type ServerBench } from '../../support/server';

let server: ServerBench;
beforeAll(async () => { server = await openServer(); });
afterAll(() => server.close());
const anonymous = { authorization: '' };
const signIn = (code: unknown) => server.ask('/sign-in', { method: 'POST', headers: { ...anonymous, 'content-type': 'application/json' }, body: JSON.stringify({ code }) });

/** All that holds something of the user's, as method and path. */
const kept: readonly (readonly ['GET' | 'POST', string])[] = [
  ['GET', '/trpc/queue.list'], ['GET', '/trpc/queue.events'], ['POST', '/trpc/queue.cancel'], ['GET', `/media/${pictureId}.png`], ['GET', `/media/${pictureId}.webp`],
  ['GET', `/blobs/${pictureId}`], ['POST', '/blobs'],
];

describe('access', () => {
  it('is refused without secret and session, but for the window\'s files, which hold nothing of the user\'s', async () => {
    for (const [method, path] of [...kept, ['POST', '/nowhere'] as const]) {
      const { status, text } = await server.ask(path, { method, headers: anonymous });
      expect(status, path).toBe(401);
      expect(JSON.parse(text)).toMatchObject({ code: 'auth.missing', data: {} });
    }
    for (const path of ['/', '/assets/index-abc.js']) expect((await server.ask(path, { headers: anonymous })).status, path).toBe(200);
  });

  it('is refused with a wrong secret, of the same length or another, and one with a letter beyond ASCII', async () => {
    for (const wrong of ['U'.repeat(43), 'T', '', secret + 'T', `${'T'.repeat(42)}é`]) {
      expect((await server.ask('/trpc/queue.list', { headers: { authorization: `Bearer ${wrong}` } })).status, wrong).toBe(401);
      expect((await server.ask('/trpc/queue.list', { headers: { ...anonymous, cookie: `atelier-${server.port}=${wrong}` } })).status, wrong).toBe(401);
      expect((await signIn(wrong)).status, wrong).toBe(401);
    }
  });

  it('is not by the secret anywhere but in the bearer', async () => {
    expect((await server.ask(`/trpc/queue.list?token=${secret}&key=${secret}`, { headers: { ...anonymous, cookie: `atelier-${server.port}=${secret}`, 'x-atelier-key': secret } })).status).toBe(401);
    expect((await signIn(secret)).status).toBe(401);
    expect(server.newAddress()).not.toContain(secret);
  });

  it('knows itself on port 80, which a browser leaves out of Host and Origin', () => {
    const strange = (host: string, port: number) => strangerness({ host, origin: `http://${host}` }, port);
    for (const host of ['127.0.0.1', 'localhost', '[::1]', 'localhost:80']) expect(strange(host, 80), host).toBeNull();
    expect(strange('evil.example', 80)).toMatchObject({ code: 'auth.refused' });
    expect(strange('localhost', 7870)).toMatchObject({ code: 'auth.refused' });
  });

  it('is refused under a foreign name that points at this machine (DNS rebinding), the window\'s files and sign-in too', async () => {
    for (const host of ['evil.example', `evil.example:${server.port}`, '127.0.0.1:1', `127.0.0.1.evil.example:${server.port}`]) {
      for (const path of ['/trpc/queue.list', '/', '/sign-in', '/knock']) expect((await server.ask(path, { headers: { host } })).status, `${host} ${path}`).toBe(403);
    }
    expect((await server.ask('/trpc/queue.list', { headers: { host: `localhost:${server.port}` } })).status).toBe(200);
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

describe('an address', () => {
  it('lets one browser in, once; its code is where browsers send it to nobody', async () => {
    const address = new URL(server.newAddress());
    expect([address.search, address.pathname]).toEqual(['', '/']);
    const code = /^#code=([\w-]{43})$/.exec(address.hash)![1];
    const first = await signIn(code);
    expect(first.status).toBe(200);
    expect(String(first.headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Strict/);
    expect(first.headers['cache-control']).toBe('no-store');
    expect((await signIn(code)).status).toBe(401);
  });

  it('is shown to its owner when somebody without a session knocks, and not for every knock', async () => {
    for (let i = 0; i < 5; i++) {
      const { status, text } = await server.ask('/knock', { method: 'POST', headers: anonymous });
      expect([status, text]).toEqual([204, '']);
    }
    expect(server.shown).toEqual([expect.stringMatching(/#code=[\w-]{43}$/)]);
  });
});

describe('a session', () => {
  it('opens everything to pages that have its key, and to addresses with theirs only pictures and events', async () => {
    const { cookie, page, address } = await server.signIn();
    for (const path of ['/trpc/queue.list', `/media/${pictureId}.png`]) expect((await server.ask(path, { headers: page })).status, path).toBe(200);
    const byAddress = { ...anonymous, cookie };
    for (const path of [`/media/${pictureId}.png`, `/media/${pictureId}.webp`]) expect((await server.ask(`${path}?key=${address}`, { headers: byAddress })).status, path).toBe(200);
    for (const path of ['/trpc/queue.list', '/trpc/queue.events,queue.list']) expect((await server.ask(`${path}?batch=1&key=${address}`, { headers: byAddress })).status, path).toBe(401);
    for (const path of ['/blobs', '/trpc/queue.events']) expect((await server.ask(`${path}?key=${address}`, { method: 'POST', headers: byAddress, body: '{}' })).status, path).toBe(401);
    const events = await fetch(`http://127.0.0.1:${server.port}/trpc/queue.events?key=${address}`, { headers: { cookie, accept: 'text/event-stream' } });
    expect(events.headers.get('content-type')).toContain('text/event-stream');
    await events.body!.cancel();
  });

  it('is worth nothing by its cookie alone, which every port of this machine is sent, nor by its keys alone, nor with another\'s', async () => {
    const { cookie, page, address } = await server.signIn(), other = await server.signIn();
    const parts: Record<string, string>[] = [
      { cookie }, { 'x-atelier-key': page['x-atelier-key']! }, { cookie, 'x-atelier-key': address }, { cookie, 'x-atelier-key': other.page['x-atelier-key']! }, { cookie, 'x-atelier-key': '' },
      { cookie: cookie.replace(`atelier-${server.port}`, 'atelier-1'), 'x-atelier-key': page['x-atelier-key']! },
    ];
    for (const [method, path] of kept) {
      for (const headers of parts) expect((await server.ask(path, { method, headers: { ...anonymous, ...headers } })).status, `${path} ${JSON.stringify(headers)}`).toBe(401);
      for (const key of ['', other.address, `${address}é`]) {
        expect((await server.ask(`${path}?key=${encodeURIComponent(key)}`, { method, headers: { ...anonymous, cookie } })).status, `${path} ${key}`).toBe(401);
      }
    }
  });

  it('is found beside cookies of the same name that a page at another port has set', async () => {
    const { cookie, page } = await server.signIn();
    expect((await server.ask('/trpc/queue.list', { headers: { ...page, cookie: `atelier-${server.port}=mine; ${cookie}; x=y` } })).status).toBe(200);
  });

  it('is refused to other origins even with cookie and key (CSRF), other ports of this machine included', async () => {
    const { page, cookie, address } = await server.signIn();
    const cancel = (origin: string) => server.ask('/trpc/queue.cancel', { method: 'POST', headers: { ...page, origin, 'content-type': 'application/json' }, body: '{"ids":[]}' });
    for (const origin of ['https://evil.example', 'http://127.0.0.1:1', 'null', `https://127.0.0.1:${server.port}`]) expect((await cancel(origin)).status, origin).toBe(403);
    expect((await server.ask(`/media/${pictureId}.png?key=${address}`, { headers: { ...anonymous, cookie, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' } })).status).toBe(403);
    expect((await cancel(`http://127.0.0.1:${server.port}`)).status).toBe(200);
  });
});
