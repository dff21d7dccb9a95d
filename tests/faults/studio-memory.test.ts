// The studio's own process stays below 500 MB whatever is dropped on it: its greatest resident size, as the system keeps it in /proc.
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { drop, droppingNames, hostilePictures } from '../support/droppings';
import { buildHost, type Host, type HostPackage } from '../support/host';
import { tempFolder } from '../support/pictures';
import { seededRandom } from '../support/random';

const MOST_MB = 500;

describe.runIf(process.platform === 'linux')('the studio\'s process stays small', () => {
  let built: HostPackage, dataDir = '', host: Host, secret = '', url = '';
  beforeAll(async () => { built = await buildHost(); });
  afterAll(async () => { built.killAll(); await built.remove(); });
  beforeEach(async () => { dataDir = join(await tempFolder(), 'data'); mkdirSync(dataDir); });

  const start = async (): Promise<void> => {
    host = built.start('--port', '0', '--data-dir', dataDir);
    url = new URL(await host.url).origin;
    secret = await readFile(join(dataDir, 'server-secret'), 'utf8');
  };
  const send = (path: string, body?: Buffer | string, type = 'application/json'): Promise<Response> =>
    fetch(`${url}${path}`, { headers: { authorization: `Bearer ${secret}`, ...(body !== undefined && { 'content-type': type }) }, ...(body !== undefined && { method: 'POST', body: body as BodyInit }) });
  const ask = async (prompt: string): Promise<void> => {
    const { result } = await (await send('/trpc/models.list')).json() as { result: { data: { id: string; builtIn: boolean }[] } };
    const request = { files: { model: result.data.find(({ builtIn }) => builtIn)!.id }, prompt, steps: 2, sampler: 'euler', schedule: 'normal', cfg: 4, width: 64, height: 64 };
    await (await send('/trpc/queue.enqueue', JSON.stringify(request))).text();
  };
  const close = async (): Promise<void> => {
    const mb = Number(/VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${host.child.pid}/status`, 'utf8'))![1]) / 1024;
    console.log(`greatest resident size ${mb.toFixed(0)} MB`);
    host.child.kill('SIGTERM');
    expect(await host.exit).toBe(0);
    expect(mb).toBeLessThan(MOST_MB);
  };

  it.each(droppingNames)('over %s', async (name) => {
    drop(name, dataDir, seededRandom(1));
    await start();
    for (const path of ['models.list', 'models.parts', 'styles.list', 'library.page', 'settings.get', 'machine']) await (await send(`/trpc/${path}`)).text();
    await (await send('/trpc/models.refresh', '{}')).text();
    for (const prompt of ['__colour__', '__all__', '__*__']) await ask(prompt);
    await close();
  });

  it('over hostile pictures, all at once, and their reports', async () => {
    await start();
    const answers = await Promise.all(Object.values(hostilePictures).map((bytes) => send('/blobs', bytes, 'image/png')));
    for (const answer of answers) {
      const { hash } = await answer.json() as { hash?: string };
      if (hash !== undefined) await (await send(`/trpc/pictures.read?input=${encodeURIComponent(JSON.stringify({ blob: hash }))}`)).text();
    }
    await close();
  });

  it('over large uploads and requests, all at once', async () => {
    await start();
    await Promise.all(Array.from({ length: 6 }, () => send('/blobs', Buffer.alloc(60 << 20, 'no picture '), 'image/png').then((answer) => answer.text())));
    await Promise.all(Array.from({ length: 60 }, () => send('/trpc/queue.enqueue', JSON.stringify({ prompt: 'x'.repeat(900_000) })).then((answer) => answer.text())));
    await close();
  });
});
