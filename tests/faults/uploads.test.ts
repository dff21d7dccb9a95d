// Uploads that do not come whole, are far too large, or come all at once: nothing of them is left, and the studio never holds one in memory.
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildHost, signIn, type HostPackage } from '../support/host';
import { openServer, secret, type ServerBench } from '../support/server';

const MB = 2 ** 20;

describe('an upload', () => {
  let server: ServerBench;
  beforeEach(async () => { server = await openServer(); });
  afterEach(() => server.close());
  const files = async () => (await readdir(server.blobs, { recursive: true, withFileTypes: true }).catch(() => [])).filter((entry) => entry.isFile()).map(({ name }) => name);
  const begin = (headers: Record<string, string>) => request({ host: '127.0.0.1', port: server.port, path: '/blobs', method: 'POST', headers: { authorization: `Bearer ${secret}`, ...headers } });

  it('that is cut off leaves nothing, and was on the disk as far as it came', async () => {
    const upload = begin({ 'content-length': String(10 * MB), 'content-type': 'image/png' }).on('error', () => {});
    upload.write(Buffer.alloc(5 * MB));
    await expect.poll(files).toEqual([expect.stringMatching(/\.tmp$/)]);
    upload.destroy();
    await expect.poll(files).toEqual([]);
    expect((await server.ask('/trpc/machine')).status).toBe(200);
  });

  it('that does not say how large it is, and is too large, is refused when it is found out; the sender hears it, and the connection goes on', async () => {
    const upload = begin({ 'transfer-encoding': 'chunked' });
    const answer = once(upload, 'response').then(async ([response]: IncomingMessage[]) => ({ status: response!.statusCode, text: await new Response(Readable.toWeb(response!) as ReadableStream).text() }));
    for (let i = 0; i < 80; i++) if (!upload.write(Buffer.alloc(MB))) await new Promise((resolve) => { upload.once('drain', resolve); });
    upload.end();
    const { status, text } = await answer;
    expect([status, JSON.parse(text)]).toEqual([413, expect.objectContaining({ code: 'picture.tooLarge' })]);
    await expect.poll(files).toEqual([]);
  });
});

describe.runIf(process.platform === 'linux')('the studio\'s process', () => {
  let built: HostPackage;
  beforeAll(async () => { built = await buildHost(); });
  afterAll(async () => { built.killAll(); await built.remove(); });

  it('stays small over eight uploads of 60 MB at once (its greatest resident size, in /proc)', async () => {
    const host = built.start('--port', '0'), url = await host.url;
    const headers = { ...await signIn(url), 'content-type': 'image/png' };
    const bytes = Buffer.alloc(60 * MB, 'no picture ');
    const answers = await Promise.all(Array.from({ length: 8 }, async () => (await fetch(new URL('/blobs', url), { method: 'POST', headers, body: bytes })).json()));
    for (const answer of answers) expect(answer).toMatchObject({ code: 'picture.unreadable' });
    const greatest = Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${host.child.pid}/status`, 'utf8'))![1]) / 1024;
    console.log(`greatest resident size ${greatest.toFixed(0)} MB`);
    expect(greatest).toBeLessThan(300);
    host.child.kill('SIGTERM');
    expect(await host.exit).toBe(0);
  });
});
