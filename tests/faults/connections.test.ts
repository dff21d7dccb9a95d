// Connections that are opened and not used: they are bounded in number and time, and the owner's requests get through beside them.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Limits } from '../../main/server/limits';
import { openServer, secret, type ServerBench } from '../support/server';

let server: ServerBench;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server.close();
});
const open = async (limits: Partial<Limits>) => { server = await openServer({ limits }); };

/** A connection that sends `text`, and what it gets to hear. */
function say(text: string) {
  const socket = connect(server.port, '127.0.0.1');
  sockets.push(socket);
  const heard = { text: '' };
  socket.on('data', (chunk) => { heard.text += chunk.toString(); });
  socket.on('error', () => {});      // cut off is what is waited for
  const closed = once(socket, 'close');
  const connected = once(socket, 'connect').then(() => { if (text) socket.write(text); });
  return { socket, heard, closed, connected };
}
const halfHead = () => `GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nX-Begun: `;
const head = (method: string, path: string, more: string[] = []) =>
  `${[`${method} ${path} HTTP/1.1`, `Host: 127.0.0.1:${server.port}`, `Authorization: Bearer ${secret}`, ...more].join('\r\n')}\r\n\r\n`;

describe('connections', () => {
  it('that begin a request and do not end it leave room for the owner, however many they are', async () => {
    await open({ connections: 16, strangers: 8 });
    const halves = Array.from({ length: 60 }, () => say(halfHead()));
    await Promise.all(halves.map(({ connected }) => connected.catch(() => {})));
    expect((await server.ask('/trpc/settings.get')).status).toBe(200);
    let gone = 0;
    for (const { closed } of halves) void closed.then(() => { gone++; });
    await expect.poll(() => gone).toBeGreaterThanOrEqual(52);
    expect(halves.filter(({ socket }) => socket.readyState === 'open').length).toBeLessThanOrEqual(8);
  });

  it('of the owner are not closed for those of strangers', async () => {
    await open({ connections: 16, strangers: 4, idleMs: 60_000 });
    const mine = say(head('GET', '/trpc/settings.get'));
    await expect.poll(() => mine.heard.text).toContain('200 OK');
    const strangers = Array.from({ length: 40 }, () => say(halfHead()));
    await Promise.all(strangers.slice(0, 36).map(({ closed }) => closed));
    mine.socket.write(head('GET', '/trpc/machine'));
    await expect.poll(() => mine.heard.text).toContain('"provider":"cpu"');
  });

  it('that say nothing, or only half, are closed after a while', async () => {
    await open({ headMs: 200, checkMs: 50 });
    await Promise.all(['', 'G', halfHead(), `${head('GET', '/').slice(0, -2)}`].map((text) => say(text).closed));
  });

  it('that are refused are closed, with their body still to come', async () => {
    await open({});
    const { heard, closed } = say(`POST /blobs HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Length: 1000000\r\n\r\nabc`);
    await closed;
    expect(heard.text).toContain('401 Unauthorized');
  });

  it('with an event stream, or a slow upload, outlive the time for a request\'s head', async () => {
    await open({ headMs: 200, idleMs: 200, checkMs: 50 });
    const stream = say(head('GET', '/trpc/queue.events', ['Accept: text/event-stream']));
    const upload = say(head('POST', '/blobs', ['Content-Length: 6', 'Content-Type: image/png']));
    for (let round = 0; round < 3; round++) {
      await say(halfHead()).closed;
      upload.socket.write('no');
    }
    await expect.poll(() => upload.heard.text).toContain('picture.unreadable');
    const before = stream.heard.text.length;
    const queued = await server.bench.ask('a house');
    await expect.poll(() => stream.heard.text.slice(before)).toContain(queued[0]!.id);
  });

  it('with a body that does not end are closed too', async () => {
    await open({ headMs: 100, requestMs: 300, checkMs: 50 });
    await say(`${head('POST', '/blobs', ['Content-Length: 600', 'Content-Type: image/png'])}abc`).closed;
  });
});

describe('event streams', () => {
  it('are bounded in number, by whatever spelling they are asked for; a place that is left is free again', async () => {
    await open({ listeners: 2 });
    const events = (path: string) => say(head('GET', path, ['Accept: text/event-stream']));
    const first = events('/trpc/queue.events');
    const second = events('/trpc/%71ueue.events');
    await expect.poll(() => first.heard.text + second.heard.text).toMatch(/200 OK[^]*200 OK/);
    const { status, text } = await server.ask('/trpc/queue.events');
    expect([status, JSON.parse(text)]).toEqual([503, expect.objectContaining({ code: 'server.busy', data: { most: expect.any(Number) } })]);
    first.socket.destroy();
    await expect.poll(async () => {
      const third = events('/trpc/queue.events');
      await expect.poll(() => third.heard.text).toContain('HTTP/1.1 ');
      return third.heard.text;
    }).toContain('200 OK');
  });
});
