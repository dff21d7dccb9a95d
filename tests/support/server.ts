// The server host over a queue with the fake worker, one picture and no database: what a test of the server starts from.
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { JobSpec } from '../../preload/contract/job';
import { Settings } from '../../preload/contract/studio';
import { AppError } from '../../main/engine/errors';
import { serve } from '../../main/server/serve';
import { Blobs } from '../../main/services/data/blobs';
import type { LocalStudio } from '../../main/services/studio';
import { readHere } from './pictures';
import { openBench, type Bench } from './queue';

export const token = 'T'.repeat(43);
export const pictureId = 'c'.repeat(64);

export interface Answer { readonly status: number; readonly headers: Record<string, string | string[] | undefined>; readonly text: string }
export interface ServerBench {
  readonly url: string;
  readonly port: number;
  readonly bench: Bench;
  /** With the token unless `headers` say otherwise; unlike fetch, any header can be set. */
  ask(path: string, options?: { method?: string; headers?: Record<string, string>; body?: Buffer | string }): Promise<Answer>;
  close(): Promise<void>;
}

export async function openServer(): Promise<ServerBench> {
  const root = await mkdtemp(join(tmpdir(), 'atelier-server-'));
  await mkdir(join(root, 'renderer/assets'), { recursive: true });
  await writeFile(join(root, 'renderer/index.html'), '<!doctype html><title>Window</title>');
  await writeFile(join(root, 'renderer/assets/index-abc.js'), 'export {};');
  const png = join(root, 'picture.png'), webp = join(root, 'picture.webp');
  const pixels = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } });
  await pixels.png().toFile(png);
  await pixels.webp().toFile(webp);

  const bench = openBench();
  const server = await serve({ studio: studioOver(bench, new Blobs(join(root, 'blobs'), readHere), png, webp), port: 0, token, rendererDir: join(root, 'renderer') });
  return {
    url: server.url, port: server.port, bench,
    ask: (path, options) => ask(server.port, path, options),
    close: async () => { await server.close(); await bench.close(); await rm(root, { recursive: true }); },
  };
}

function studioOver(bench: Bench, blobs: Blobs, png: string, webp: string): LocalStudio {
  const missing = () => new AppError('picture.notFound', { message: 'There is no such picture' });
  const job = JobSpec.parse({ kind: 'txt2img', model: { name: 'm', hash: null }, prompt: 'x', seed: 1, steps: 1, sampler: 'euler', schedule: 'normal', cfg: 1, width: 64, height: 64 });
  const get = async (id: string) => {
    if (id !== pictureId) throw missing();
    return { id, width: 8, height: 8, sizeBytes: 1, createdAt: 0, seconds: 1, parameters: '', job, path: png };
  };
  let settings = Settings.parse({});
  return {
    dataDir: '/data', queue: bench.queue,
    machine: async () => ({ provider: 'cpu', cores: 2, cpu: 'x', memory: { totalBytes: 1, usedByWorkerBytes: 0 }, version: '0', dataDir: '/data' }),
    estimate: async () => ({ seconds: 1, secondsPerStep: 1, peakBytes: 1, basis: 'guessed' }),
    pictures: { read: async () => { throw missing(); }, readJob: async () => { throw missing(); } },
    styles: { list: async () => [] },
    models: { list: async () => [], parts: async () => [], refresh: async () => [], add: async () => [], inspect: async () => { throw missing(); } },
    library: { page: async () => ({ pictures: [], next: null, total: 0 }), get, remove: async () => {} },
    settings: { get: async () => settings, set: async (patch) => (settings = { ...settings, ...patch }) },
    blobs: { add: (bytes) => blobs.putPicture(bytes), open: (hash) => blobs.open(hash) },
    thumbnailPath: async (id) => { await get(id); return webp; },
    close: async () => {},
  };
}

function ask(port: number, path: string, { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: Buffer | string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = { authorization: `Bearer ${token}`, ...headers };
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers: Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== '')) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}
