// What the server serves: the window's files, pictures, uploads, calls with their errors, and events as a stream.
import { createHash } from 'node:crypto';
import { createTRPCClient, httpBatchLink, type TRPCClientError } from '@trpc/client';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppRouter } from '../../../main/api/router';
import type { ErrorInfo } from '../../../preload/contract/errors';
import type { JobRequest, QueueEvent } from '../../../preload/contract/job';
import { openServer, pictureId, secret, type ServerBench } from '../../support/server';

let server: ServerBench;
let api: ReturnType<typeof createTRPCClient<AppRouter>>;
beforeAll(async () => {
  server = await openServer();
  api = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: `http://127.0.0.1:${server.port}/trpc`, headers: { authorization: `Bearer ${secret}` } })] });
});
afterAll(() => server.close());

const request: JobRequest = {
  files: { model: 'mini' }, prompt: 'a red house', negative: '', seed: 1, steps: 3, sampler: 'euler', schedule: 'normal', cfg: 4, width: 64, height: 64, clipSkip: 1, rng: 'cpu', compat: 'a1111', strength: 0.6, count: 1,
};
const errorOf = async (call: Promise<unknown>): Promise<ErrorInfo> => {
  const thrown = await call.then(() => null, (error: unknown) => error);
  return ((thrown as TRPCClientError<AppRouter>).data as unknown as { info: ErrorInfo }).info;
};

describe('the window\'s files', () => {
  it('are served, the page fresh each time and hashed files for good', async () => {
    const page = await server.ask('/');
    expect([page.status, page.headers['cache-control']]).toEqual([200, 'no-cache']);
    const script = await server.ask('/assets/index-abc.js');
    expect(script.headers['content-type']).toContain('javascript');
    expect(script.headers['cache-control']).toContain('immutable');
  });

  it('end at their folder', async () => {
    for (const path of ['/../package.json', '/%2e%2e/picture.png', '/assets/..%2f..%2fpicture.png', '/nowhere.js']) expect((await server.ask(path)).status, path).toBeGreaterThanOrEqual(400);
  });
});

describe('pictures', () => {
  it('are served by their hash, with thumbnails, to be kept for good', async () => {
    for (const [extension, type] of [['png', 'image/png'], ['webp', 'image/webp']] as const) {
      const { status, headers } = await server.ask(`/media/${pictureId}.${extension}`);
      expect([status, headers['content-type']]).toEqual([200, type]);
      expect(headers['cache-control']).toContain('immutable');
    }
  });

  it('that are not there are a 404 with an error, and names that are no hash lead nowhere', async () => {
    const { status, text } = await server.ask(`/media/${'0'.repeat(64)}.png`);
    expect([status, JSON.parse(text)]).toEqual([404, expect.objectContaining({ code: 'picture.notFound' })]);
    expect((await server.ask('/media/..%2f..%2fetc%2fpasswd.png')).status).toBe(404);
  });
});

describe('an upload', () => {
  const upload = (body: Buffer | string, type: string) => server.ask('/blobs', { method: 'POST', headers: { 'content-type': type }, body });

  it('of a picture gives its hash and size', async () => {
    const png = await sharp({ create: { width: 20, height: 10, channels: 3, background: 'blue' } }).png().toBuffer();
    for (const type of ['image/png', 'application/octet-stream']) {
      const { status, text } = await upload(png, type);
      expect([status, JSON.parse(text)]).toEqual([200, { hash: createHash('sha256').update(png).digest('hex'), width: 20, height: 10 }]);
    }
  });

  it('can be seen again by its hash, as what its bytes are, to be kept for good', async () => {
    const flat = sharp({ create: { width: 20, height: 10, channels: 3, background: 'red' } });
    for (const [type, bytes] of [['image/png', await flat.png().toBuffer()], ['image/jpeg', await flat.jpeg().toBuffer()], ['image/webp', await flat.webp().toBuffer()]] as const) {
      const { hash } = JSON.parse((await upload(bytes, 'text/html')).text) as { hash: string };
      const response = await fetch(`http://127.0.0.1:${server.port}/blobs/${hash}`, { headers: { authorization: `Bearer ${secret}` } });
      expect([response.status, response.headers.get('content-type'), response.headers.get('x-content-type-options')]).toEqual([200, type, 'nosniff']);
      expect(response.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    }
  });

  it('is for those who may come in, and no other path leads to a file', async () => {
    const png = await sharp({ create: { width: 20, height: 10, channels: 3, background: 'green' } }).png().toBuffer();
    const { hash } = JSON.parse((await upload(png, 'image/png')).text) as { hash: string };
    const refused: Record<string, string>[] = [{ authorization: '' }, { host: 'evil.example' }, { origin: 'http://evil.example' }, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }];
    for (const headers of refused) expect([401, 403], JSON.stringify(headers)).toContain((await server.ask(`/blobs/${hash}`, { headers })).status);
    for (const path of ['a'.repeat(64), `${hash}/..`, `${hash.slice(0, 2)}/${hash}`, `../blobs/${hash.slice(0, 2)}/${hash}`, `..%2f..%2fetc%2fpasswd`, hash.toUpperCase(), '']) {
      expect((await server.ask(`/blobs/${path}`)).status, path).toBeGreaterThanOrEqual(400);
    }
  });

  it('of anything else is refused with what to do', async () => {
    for (const [body, type] of [['no picture', 'image/png'], ['', 'image/png'], ['{"a":1}', 'application/json']] as const) {
      const { status, text } = await upload(body, type);
      expect([status, JSON.parse(text)]).toEqual([422, expect.objectContaining({ code: 'picture.unreadable', data: { why: 'format', name: '', detail: expect.any(String) } })]);
    }
  });

  it('that is far too large is refused and said to be', async () => {
    const { status, text } = await upload(Buffer.alloc(65 * 2 ** 20), 'image/png');
    expect([status, JSON.parse(text)]).toEqual([413, expect.objectContaining({ code: 'picture.tooLarge', data: { most: 64 * 2 ** 20 } })]);
  });
});

describe('a call', () => {
  it('with a bad field names the field', async () => {
    expect(await errorOf(api.queue.enqueue.mutate({ ...request, width: 500 }))).toMatchObject({ code: 'request.invalid', data: { field: 'width', why: 'step', want: 8 } });
    expect(await errorOf(api.queue.enqueue.mutate({ ...request, steps: 0 }))).toMatchObject({ code: 'request.invalid', data: { field: 'steps', why: 'low', want: 1 } });
  });

  it('that the studio refuses brings its error', async () => {
    expect(await errorOf(api.queue.enqueue.mutate({ ...request, files: { model: 'nope' } }))).toMatchObject({ code: 'model.notFound' });
  });

  it('that is no JSON is a 400 and does no harm', async () => {
    const { status } = await server.ask('/trpc/queue.enqueue', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"model":' });
    expect(status).toBe(400);
    expect(await api.queue.list.query()).toEqual({ jobs: [], next: null, total: 0 });
  });

  it('may come in a long batch', async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => api.machine.query()));
    expect(answers).toHaveLength(40);
  });

  it('that changes one setting leaves the others alone', async () => {
    await api.settings.set.mutate({ modelFolders: ['/models'] });
    await api.settings.set.mutate({ theme: 'dark' });
    expect(await api.settings.get.query()).toMatchObject({ modelFolders: ['/models'], theme: 'dark' });
  });
});

describe('the event stream', () => {
  it('begins with a snapshot and tells a job to its end; a page that comes later still sees it', async () => {
    const live = listen();
    expect(await live.next()).toMatchObject({ type: 'snapshot', jobs: [] });
    const [job] = await api.queue.enqueue.mutate(request);
    const states: string[] = [];
    for (let event = await live.next(); event; event = await live.next()) {
      if (event.type === 'job' && event.job.id === job!.id && states.at(-1) !== event.job.state) states.push(event.job.state);
      if (states.at(-1) === 'done') break;
    }
    live.stop();
    expect(states).toEqual(['queued', 'loading', 'running', 'decoding', 'saving', 'done']);

    const late = listen();
    expect(await late.next()).toMatchObject({ type: 'snapshot', jobs: [{ id: job!.id, state: 'done' }] });
    late.stop();
  });

  /** Reads server-sent events as a browser does: `data:` lines, the unnamed ones. */
  function listen() {
    const stop = new AbortController();
    const events = (async function* () {
      const response = await fetch(`http://127.0.0.1:${server.port}/trpc/queue.events`, { headers: { authorization: `Bearer ${secret}`, accept: 'text/event-stream' }, signal: stop.signal });
      expect(response.headers.get('content-type')).toContain('text/event-stream');
      let text = '';
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
        const parts = (text + chunk).split('\n\n');
        text = parts.pop()!;
        for (const part of parts) {
          const data = /^data: (.*)$/m.exec(part)?.[1];
          if (data && !part.includes('event: ')) yield JSON.parse(data) as QueueEvent;
        }
      }
    })();
    return { next: async () => (await events.next()).value, stop: () => stop.abort() };
  }
});
