// The server host as a process: the one line that it prints, its flags, and how it ends.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_PORT, listenOnFree } from '../../../main/server/port';
import { fakeWorker } from '../../support/queue';

const repo = join(import.meta.dirname, '../../..');
let root: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  // A package of its own, with the fake worker in the worker's place.
  root = await mkdtemp(join(tmpdir(), 'atelier-host-'));
  await mkdir(join(root, 'out/main'), { recursive: true });
  await mkdir(join(root, 'out/renderer'));
  await writeFile(join(root, 'out/renderer/index.html'), '<title>Window</title>');
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
  for (const name of ['node_modules', 'resources']) await symlink(join(repo, name), join(root, name), 'junction');
  await build({ entryPoints: [join(repo, 'main/server/index.ts')], outfile: join(root, 'out/main/server.js'), bundle: true, platform: 'node', format: 'esm', packages: 'external', logLevel: 'silent' });
  await copyFile(fakeWorker, join(root, 'out/main/worker.js'));
});
afterEach(() => { for (const child of children.splice(0)) child.kill('SIGKILL'); });
afterAll(() => rm(root, { recursive: true }));

function start(...flags: string[]) {
  const child = spawn(process.execPath, [join(root, 'out/main/server.js'), '--no-open', '--data-dir', join(root, 'data'), ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const said = { out: '', err: '' };
  child.stdout.on('data', (text: Buffer) => { said.out += text.toString(); });
  child.stderr.on('data', (text: Buffer) => { said.err += text.toString(); });
  const exit = once(child, 'close').then(([code]) => code as number | null);
  return { child, said, exit, url: once(child.stdout, 'data').then(() => /http:\S+/.exec(said.out)![0]) };
}

describe('the server host', () => {
  it('prints one line with an address that lets in, keeps its token, and ends on a signal with a page still open', async () => {
    const first = start('--server', '--port', '0');
    const url = await first.url;
    expect(first.said.out).toMatch(/^Atelier is at http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}\n$/);
    const entry = await fetch(url, { redirect: 'manual' });
    const cookie = entry.headers.get('set-cookie')!.split(';')[0]!;
    expect(await (await fetch(new URL('/', url), { headers: { cookie } })).text()).toContain('Window');
    // An open page does not keep the host from ending.
    const stream = await fetch(new URL('/trpc/queue.events', url), { headers: { cookie, accept: 'text/event-stream' } });
    expect(stream.status).toBe(200);
    first.child.kill('SIGTERM');
    expect([await first.exit, first.said.err]).toEqual([0, '']);

    const second = start('--port', '0');
    expect(new URL(await second.url).search).toBe(new URL(url).search);
    second.child.kill('SIGINT');
    expect(await second.exit).toBe(0);
  });

  it('refuses a port that is taken, an impossible one and an unknown flag, each in plain words', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    for (const [flags, words] of [[['--port', String(port)], `Port ${port} is in use`], [['--port', 'x'], '--port x is not a port'], [['--prot', '1'], '--prot']] as const) {
      const host = start(...flags);
      expect(await host.exit, words).toBe(1);
      expect(host.said.err).toContain(words);
      expect(host.said.err).not.toMatch(/\n\s+at /);
      expect(host.said.out).toBe('');
    }
    other.close();
  });

  it('takes the next free port when none was asked for', async () => {
    const taken = [DEFAULT_PORT, DEFAULT_PORT + 1];
    const listen = async (port: number) => {
      if (taken.includes(port)) throw Object.assign(new Error('in use'), { code: 'EADDRINUSE' });
      return port;
    };
    expect(await listenOnFree(null, listen)).toBe(DEFAULT_PORT + 2);
    await expect(listenOnFree(DEFAULT_PORT, listen)).rejects.toMatchObject({ message: `Port ${DEFAULT_PORT} is in use` });
  });
});
