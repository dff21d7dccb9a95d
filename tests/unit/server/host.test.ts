// The server host as a process: the one line that it prints, its flags, and how it ends.
import { once } from 'node:events';
import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_PORT, listenOnFree } from '../../../main/server/port';
import { buildHost, signIn, type HostPackage } from '../../support/host';
import { refusalOf } from '../../support/words';

let built: HostPackage;
beforeAll(async () => { built = await buildHost(); });
afterEach(() => built.killAll());
afterAll(() => built.remove());

describe('the server host', () => {
  it('prints one line with an address that lets in once, knows its windows after a restart, and ends on a signal with a page still open', async () => {
    const first = built.start('--server', '--port', '0');
    const url = await first.url;
    expect(first.said.out).toMatch(/^Atelier is at http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{43}\n$/);
    expect(await (await fetch(new URL('/', url))).text()).toContain('Window');
    const headers = await signIn(url);
    await expect(signIn(url)).rejects.toThrow('auth.code');
    // An open page does not keep the host from ending.
    const stream = await fetch(new URL('/trpc/queue.events', url), { headers: { ...headers, accept: 'text/event-stream' } });
    expect(stream.status).toBe(200);
    first.child.kill('SIGTERM');
    expect([await first.exit, first.said.err]).toEqual([0, '']);

    const second = built.start('--port', new URL(url).port);
    const again = await second.url;
    expect(again).not.toBe(url);
    expect((await fetch(new URL('/trpc/settings.get', again), { headers })).status).toBe(200);
    await fetch(new URL('/knock', again), { method: 'POST' });
    await expect.poll(() => second.said.out).toMatch(/\nA window asks .+#code=[\w-]{43}\n$/);
    second.child.kill('SIGINT');
    expect(await second.exit).toBe(0);
  });

  it.skipIf(process.platform === 'win32')('leaves the data folder and the secret to their owner alone, which scripts may use', async () => {
    await mkdir(built.dataDir, { recursive: true });
    await chmod(built.dataDir, 0o755);
    const host = built.start('--port', '0');
    const url = await host.url, file = join(built.dataDir, 'server-secret');
    expect([(await stat(built.dataDir)).mode & 0o777, (await stat(file)).mode & 0o777]).toEqual([0o700, 0o600]);
    const secret = await readFile(file, 'utf8');
    expect((await fetch(new URL('/trpc/settings.get', url), { headers: { authorization: `Bearer ${secret}` } })).status).toBe(200);
    expect(host.said.out + host.said.err).not.toContain(secret);
    host.child.kill('SIGTERM');
    await host.exit;
  });

  it('refuses a port that is taken, an impossible one and an unknown flag, each in plain words', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    for (const [flags, words] of [[['--port', String(port)], `Port ${port} is in use`], [['--port', 'x'], '--port x is not a port'], [['--prot', '1'], '--prot']] as const) {
      const host = built.start(...flags);
      expect(await host.exit, words).toBe(1);
      expect(host.said.err).toContain(words);
      expect(host.said.err).not.toMatch(/\n\s+at /);
      expect(host.said.out).toBe('');
    }
    other.close();
  });

  it.skipIf(process.platform === 'win32')('keeps handles for its files, however many connections are held open before it', async () => {
    const few = built.startWithHandles(140, '--port', '0');
    const url = new URL(await few.url);
    const headers = { ...await signIn(url.href), 'content-type': 'application/json' };
    const sockets = Array.from({ length: 400 }, () => connect(Number(url.port), '127.0.0.1').on('error', () => {}).on('connect', function (this: Socket) { this.write('GET / HTTP/1.1\r\nX: '); }));
    await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => {})));
    const set = await fetch(new URL('/trpc/settings.set', url), { method: 'POST', headers, body: '{"theme":"dark"}' });
    expect(await set.json()).toMatchObject({ result: { data: { theme: 'dark' } } });
    for (const socket of sockets) socket.destroy();
    few.child.kill('SIGTERM');
    expect([await few.exit, few.said.err]).toEqual([0, '']);
  });

  it('takes the next free port when none was asked for', async () => {
    const taken = [DEFAULT_PORT, DEFAULT_PORT + 1];
    const listen = async (port: number) => {
      if (taken.includes(port)) throw Object.assign(new Error('in use'), { code: 'EADDRINUSE' });
      return port;
    };
    expect(await listenOnFree(null, listen)).toBe(DEFAULT_PORT + 2);
    expect(await refusalOf(listenOnFree(DEFAULT_PORT, listen))).toMatchObject({ message: `Port ${DEFAULT_PORT} is in use` });
  });
});
