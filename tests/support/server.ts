// The server host over a queue with the fake worker, one picture and no database: what a test of the server starts from.
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { JobSpec } from '../../preload/contract/job';
import { Settings } from '../../preload/contract/studio';
import { AppError } from '../../main/engine/errors';
import { usualLimits, type Limits } from '../../main/server/limits';
import { serve } from '../../main/server/serve';
import { Blobs } from '../../main/services/data/blobs';
import type { Log } from '../../main/services/log/log';
import type { LocalStudio } from '../../main/services/studio';
import { memoryLog, type HeardLog } from './log';
import { readHere } from './pictures';
import { openBench, type Bench } from './queue';

export const secret = 'T'.repeat(43);
export const pictureId = 'c'.repeat(64);

export interface Answer { readonly status: number; readonly headers: Record<string, string | string[] | undefined>; readonly text: string }
export interface ServerBench {
  readonly port: number;
  /** An address that lets one browser in. */
  newAddress(): string;
  /** Addresses that were shown to the owner because somebody knocked. */
  readonly shown: string[];
  /** A browser that has come in: what its requests carry, and the key for addresses. */
  signIn(): Promise<{ cookie: string; page: Record<string, string>; address: string }>;
  readonly bench: Bench;
  readonly log: HeardLog['lines'];
  /** The folder of uploads. */
  readonly blobs: string;
  /** With the secret unless `headers` say otherwise; unlike fetch, any header can be set. */
  ask(path: string, options?: { method?: string; headers?: Record<string, string>; body?: Buffer | string }): Promise<Answer>;
  close(): Promise<void>;
}

export async function openServer(options: { limits?: Partial<Limits> } = {}): Promise<ServerBench> {
  const root = await mkdtemp(join(tmpdir(), 'atelier-server-'));
  await mkdir(join(root, 'renderer/assets'), { recursive: true });
  await writeFile(join(root, 'renderer/index.html'), '<!doctype html><title>Window</title>');
  await writeFile(join(root, 'renderer/assets/index-abc.js'), 'export {};');
  const png = join(root, 'picture.png'), webp = join(root, 'picture.webp');
  const pixels = sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } });
  await pixels.png().toFile(png);
  await pixels.webp().toFile(webp);

  const bench = openBench();
  const shown: string[] = [], log = memoryLog();
  const server = await serve({ studio: studioOver(bench, log, new Blobs(join(root, 'blobs'), readHere), png, webp), port: 0, secret, rendererDir: join(root, 'renderer'), onKnock: (address) => shown.push(address), limits: { ...usualLimits(), ...options.limits } });
  return {
    port: server.port, bench, log: log.lines, blobs: join(root, 'blobs'), shown, newAddress: () => server.newAddress(),
    ask: (path, options) => ask(server.port, path, options),
    signIn: () => signIn(server.port, server.newAddress()),
    close: async () => { await server.close(); await bench.close(); await rm(root, { recursive: true }); },
  };
}

function studioOver(bench: Bench, log: Log, blobs: Blobs, png: string, webp: string): LocalStudio {
  const missing = () => new AppError('picture.notFound', { why: 'id', id: 'x' });
  const job = JobSpec.parse({ kind: 'txt2img', model: { name: 'm', hash: null }, prompt: 'x', seed: 1, steps: 1, sampler: 'euler', schedule: 'normal', cfg: 1, width: 64, height: 64 });
  const get = async (id: string) => {
    if (id !== pictureId) throw missing();
    return { id, width: 8, height: 8, sizeBytes: 1, createdAt: 0, seconds: 1, parameters: '', job, path: png };
  };
  let settings = Settings.parse({});
  return {
    dataDir: '/data', log, cleanUp: { run: async () => ({}) }, queue: bench.queue,
    machine: async () => ({ provider: 'cpu', cores: 2, cpu: 'x', memory: { totalBytes: 1, usedByWorkerBytes: 0, mappedByWorkerBytes: 0 }, version: '0', dataDir: '/data', notices: [] }),
    dismissNotice: async () => {},
    windowFailed: () => {}, report: async () => 'a report',
    estimate: async () => ({ seconds: 1, secondsPerStep: 1, peakBytes: 1, basis: 'guessed' }),
    pictures: { read: async () => { throw missing(); }, readJob: async () => { throw missing(); }, control: async () => { throw missing(); } },
    prompts: { loras: async () => ({ loras: [], notices: [] }) },
    styles: { list: async () => [] },
    models: { list: async () => [], parts: async () => [], refresh: async () => [], add: async () => [], known: async () => [], inspect: async () => { throw missing(); } },
    library: { page: async () => ({ pictures: [], unreadable: [], next: null, total: 0 }), get, remove: async () => ({ trashed: true }) },
    settings: { get: async () => settings, set: async (patch) => (settings = { ...settings, ...patch }) },
    blobs: { add: (bytes, sizeBytes) => blobs.putPicture(bytes, sizeBytes), open: (hash) => blobs.open(hash) },
    picturePath: async (id) => (await get(id)).path,
    thumbnailPath: async (id) => { await get(id); return webp; },
    close: async () => {},
  };
}

/** As the window does it. */
async function signIn(port: number, address: string): Promise<{ cookie: string; page: Record<string, string>; address: string }> {
  const body = JSON.stringify({ code: /#code=(.+)$/.exec(address)![1] });
  const { status, headers, text } = await ask(port, '/sign-in', { method: 'POST', headers: { authorization: '', 'content-type': 'application/json' }, body });
  if (status !== 200) throw new Error(text);
  const cookie = String(headers['set-cookie']).split(';')[0]!, keys = JSON.parse(text) as { page: string; address: string };
  return { cookie, page: { authorization: '', cookie, 'x-atelier-key': keys.page }, address: keys.address };
}

function ask(port: number, path: string, { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: Buffer | string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = { authorization: `Bearer ${secret}`, ...headers };
    const request = httpRequest({ host: '127.0.0.1', port, path, method, headers: Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== '')) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text: Buffer.concat(chunks).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}
