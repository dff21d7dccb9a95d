// A scripted Studio behind the real router and the built window, to work on the window without an engine. Not a test double of the services.
//   npx vite build --config build/vite.config.ts && npx esbuild tests/support/fake-studio.ts --bundle --platform=node --packages=external --format=esm --outfile=out/fake-studio.mjs
//   node out/fake-studio.mjs [--port 4123] [--pictures SHEET.png] [--made 12] [--step-ms 120]
// --pictures: a sheet of 128×128 pictures to deal out. Prompts that contain "fail" or "die" do so; "slow" takes four times as long.
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { parseArgs } from 'node:util';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import sharp from 'sharp';
import { router } from '../../main/api/router';
import type { Signal, Studio } from '../../main/api/studio';
import { briefOf } from '../../main/services/queue/brief';
import { reportOnJob } from '../../main/services/pictures/report';
import { localsOf, readingOf } from '../../main/services/pictures/request';
import type { ErrorInfo } from '../../preload/contract/errors';
import type { JobDetail, JobSpec, QueueEvent } from '../../preload/contract/job';
import { usualSettings, type ModelEntry, type ModelReport } from '../../preload/contract/model';
import type { PictureRecord } from '../../preload/contract/picture';
import type { PictureReading } from '../../preload/contract/picture-report';
import { seedPlus } from '../../preload/contract/seed';
import type { PromptStyle, Settings } from '../../preload/contract/studio';
import { painted } from './painted';

const { values: flags } = parseArgs({ options: { port: { type: 'string', default: '4123' }, pictures: { type: 'string' }, made: { type: 'string', default: '0' }, 'step-ms': { type: 'string', default: '120' } } });
const stepMs = Number(flags['step-ms']);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');

const examples = ['a red house on grass on a sunny day', 'a blue boat on the sea at sunset', 'a green cat in the snow at night', 'a purple castle in the desert, watercolor',
  'a yellow car on grass in daylight', 'a pink flower on a green meadow with a rainbow', 'a white rocket on the sea at night, stars', 'an orange mushroom and a green tree on a hill, pastel'];

const entry = (name: string, sizeBytes: number, more: Partial<ModelEntry>): ModelEntry => ({
  id: sha256(name).slice(0, 16), kind: 'checkpoint', lacks: [], besideVae: null, parts: { vae: null, textEncoders: [] }, name, path: `/home/you/models/${name}.safetensors`, sizeBytes, hash: null, family: 'sd1', variant: 'base', prediction: 'eps', predictionDoubtful: false, runnable: true, error: null,
  nativeSize: { width: 512, height: 512 }, examples: [], defaults: usualSettings, builtIn: false, ...more,
});
const models: ModelEntry[] = [
  entry('Atelier Mini', 33_970_766, { builtIn: true, hash: sha256('mini'), nativeSize: { width: 128, height: 128 }, examples, defaults: { steps: 24, cfg: 4, sampler: 'ddim', schedule: 'normal' } }),
  entry('dreamshaper_8', 2_132_625_894, { hash: sha256('dream'), defaults: { steps: 24, cfg: 7, sampler: 'dpmpp_2m', schedule: 'karras' } }),
  entry('a-model-with-a-very-long-name-that-somebody-gave-it-v2-final-pruned-fp16', 2_132_625_894, {}),
  entry('sd_xl_base_1.0', 6_938_040_682, { family: 'sdxl', nativeSize: { width: 1024, height: 1024 } }),
  entry('somebodys-unet-only', 1_719_000_000, { kind: 'unet', lacks: ['vae', 'text-encoder'] }),
  entry('somebodys-sdxl-unet', 5_135_000_000, { kind: 'unet', family: 'sdxl', lacks: ['vae', 'text-encoder'], nativeSize: { width: 1024, height: 1024 } }),
  entry('v2-1_768-nonema-pruned', 5_214_604_711, { family: 'sd2', prediction: 'v', predictionDoubtful: true, nativeSize: { width: 768, height: 768 } }),
  entry('512-inpainting-ema', 5_214_662_094, { family: 'sd2', variant: 'inpaint' }),
  entry('instruct-pix2pix-00-22000', 7_703_324_286, { variant: 'pix2pix' }),
  entry('512-depth-ema', 5_887_224_062, { family: 'sd2', variant: 'depth' }),
  entry('sd_xl_refiner_1.0', 6_075_981_930, { family: 'sdxl-refiner', nativeSize: { width: 1024, height: 1024 } }),
  entry('flux1-dev', 23_802_932_552, { family: 'flux', prediction: null, runnable: false }),
  entry('half-a-download', 812_000_000, { family: null, runnable: false, error: {
    code: 'weights.truncated', data: { why: 'tensors', file: '/models/half-a-download.safetensors', sizeBytes: 812_000_000, expectedBytes: 2_132_625_894, key: 'model.diffusion_model.out.2.weight' } } }),
];
const styles: PromptStyle[] = [
  { name: 'Watercolour', prompt: '{prompt}, loose watercolour on rough paper, visible brush strokes', negative: 'photo, sharp edges' },
  { name: 'Film still', prompt: 'cinematic still of {prompt}, 35 mm, shallow depth of field, film grain', negative: '' },
  { name: 'A look with a rather long name that somebody gave it', prompt: 'intricate, highly detailed', negative: 'blurry, lowres' },
];
const parts: ModelEntry[] = [
  entry('dreamshaper_8.vae', 334_641_164, { kind: 'vae', family: null }),
  entry('vae-ft-mse-840000-ema-pruned', 334_641_164, { kind: 'vae', family: null }), entry('taesd_decoder', 4_915_980, { kind: 'taesd', family: null }),
  entry('clip_l', 246_144_152, { kind: 'text-encoder' }), entry('open_clip_g', 1_389_382_176, { kind: 'text-encoder', family: 'sdxl' }),
];

class Refusal extends Error {
  readonly info: ErrorInfo;
  constructor(info: ErrorInfo) {
    super(info.code);
    this.info = info;
  }
}

// Pictures: dealt from a sheet, or drawn as plain gradients.
const media = new Map<string, Buffer>();
const pictures: PictureRecord[] = [];
const blobs = new Map<string, Buffer>();

async function paint({ width, height, seed, prompt }: JobSpec): Promise<Buffer> {
  const hue = Number(BigInt(seed) % 360n);
  const dealt = examples.findIndex((example) => prompt.includes(example.split(' ')[2] ?? example));
  if (flags.pictures) {
    const at = { left: 128 * (dealt < 0 ? hue % 8 : dealt), top: 128 * (hue % 3), width: 128, height: 128 };
    return sharp(flags.pictures).extract(at).resize(width, height, { fit: 'fill' }).png().toBuffer();
  }
  return sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><defs><linearGradient id="g" x2="0" y2="1"><stop stop-color="hsl(${hue} 60% 60%)"/>
    <stop offset="1" stop-color="hsl(${(hue + 90) % 360} 50% 30%)"/></linearGradient></defs><rect width="100%" height="100%" fill="url(#g)"/><circle cx="70%" cy="30%" r="12%" fill="#fff8"/></svg>`)).png().toBuffer();
}

/** What a preview at `progress` 0–1 might look like: the picture in few pixels, out of noise. */
async function previewOf(png: Buffer, { width, height }: JobSpec, progress: number): Promise<string> {
  const [w, h] = [Math.round(width / 8), Math.round(height / 8)];
  const { data } = await sharp(png).resize(w, h, { fit: 'fill' }).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  for (let i = 0; i < data.length; i++) data[i] = Math.max(0, Math.min(255, (data[i] ?? 0) * progress + (1 - progress) * (128 + (Math.random() - 0.5) * 255)));
  return `data:image/png;base64,${(await sharp(data, { raw: { width: w, height: h, channels: 3 } }).png().toBuffer()).toString('base64')}`;
}

async function keep(job: JobSpec, png: Buffer, seconds: number, createdAt = Date.now()): Promise<PictureRecord> {
  // Like pictures differ in their bytes, as real ones do by their metadata.
  const id = sha256(`${createdAt} ${job.seed} ${pictures.length}`);
  media.set(`${id}.png`, png);
  media.set(`${id}.webp`, await sharp(png).resize(256, 256, { fit: 'inside' }).webp().toBuffer());
  const { prompt, negative, steps, seed, cfg, width, height } = job;
  const parameters = `${prompt}\nNegative prompt: ${negative}\nSteps: ${steps}, CFG scale: ${cfg}, Seed: ${seed}, Size: ${width}x${height}`;
  const record = { id, width, height, sizeBytes: png.length, createdAt, seconds, parameters, job, path: `/home/you/Atelier/pictures/${id.slice(0, 8)}.png` };
  pictures.unshift(record);
  return record;
}

// Queue
let jobs: JobDetail[] = [];
const listeners = new Set<(event: QueueEvent) => void>();
const emit = (event: QueueEvent) => listeners.forEach((listener) => listener(event));
const viewOf = ({ spec: _spec, ...view }: JobDetail) => view;
function waiting(): QueueEvent {
  const queued = jobs.filter(({ state }) => state === 'queued');
  return { type: 'waiting', count: queued.length, next: queued[0] ? viewOf(queued[0]) : null };
}
function change(job: JobDetail, patch: Partial<JobDetail>): JobDetail {
  Object.assign(job, patch);
  emit({ type: 'job', job: viewOf(job) });
  emit(waiting());
  return job;
}
/** Read anew after each pause: somebody may have cancelled. */
const isCancelled = (job: JobDetail) => job.state === 'cancelled';

async function work(): Promise<never> {
  for (;;) {
    const job = jobs.find(({ state }) => state === 'queued');
    if (job) await make(job);
    else await pause(20);
  }
}

async function make(job: JobDetail): Promise<void> {
  const spec = painted(job.spec);
  const png = await paint(spec);
  const startedAt = Date.now();
  const ms = spec.prompt.includes('slow') ? stepMs * 4 : stepMs;
  change(job, { state: 'loading', startedAt });
  await pause(500);
  for (let step = 1; step <= job.steps; step++) {
    if (isCancelled(job)) return;
    if (step === 8 && spec.prompt.includes('fail')) {
      return void change(job, { state: 'failed', endedAt: Date.now(), error: { code: 'memory.exhausted', data: { why: 'worker', peakBytes: 6.1e9 } } });
    }
    if (step === 8 && spec.prompt.includes('die') && job.attempt === 1) {
      emit({ type: 'worker', state: 'died' });
      await pause(1200);
      emit({ type: 'worker', state: 'ready' });
      change(job, { attempt: 2, step: 0, preview: null, notice: 'worker.restarted', state: 'loading' });
      await pause(500);
      step = 1;
    }
    await pause(ms);
    if (isCancelled(job)) return;
    change(job, { state: 'running', step, preview: await previewOf(png, spec, step / job.steps), secondsPerStep: ms / 1000, secondsLeft: ((job.steps - step) * ms) / 1000 + 0.3 });
  }
  change(job, { state: 'decoding' });
  await pause(250);
  change(job, { state: 'saving' });
  const record = await keep(spec, png, (Date.now() - startedAt) / 1000);
  change(job, { state: 'done', pictureId: record.id, preview: null, endedAt: Date.now() });
}

async function* events(signal: Signal): AsyncIterable<QueueEvent> {
  const pending: QueueEvent[] = [{ type: 'snapshot', jobs: jobs.map(viewOf), unreadable: [], unreadableCount: 0 }, waiting()];
  let wake = () => {};
  const listener = (event: QueueEvent) => {
    pending.push(event);
    wake();
  };
  listeners.add(listener);
  signal.addEventListener('abort', () => wake());
  try {
    while (!signal.aborted) {
      yield* pending.splice(0);
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (pending.length > 0 || signal.aborted) resolve();
      });
    }
  } finally {
    listeners.delete(listener);
  }
}

const localFiles = () => [...models, ...parts].map((each) => ({ entry: each, hashes: null }));
let settings: Settings = { version: 1, modelFolders: [], modelFiles: [], modelSettings: {}, theme: 'system', language: 'en', modelCacheBytes: null };

/** As of a picture by AUTOMATIC1111 whose model is here and whose VAE is not. */
const reading: PictureReading = {
  report: {
    kind: 'picture', source: 'a1111', missing: [{ kind: 'vae', name: 'kl-f8-anime2.ckpt', hash: null }, { kind: 'lora', name: 'add_detail', hash: '7c6bad76eb54' }],
    job: {
      prompt: 'a lighthouse on a cliff at dusk, (volumetric light:1.2), <lora:add_detail:0.7>', negative: 'lowres, watermark', steps: 28, sampler: 'dpmpp_2m', schedule: 'karras', cfg: 6.5, seed: 1_234_567_890,
      width: 512, height: 768, clipSkip: 2, rng: 'nv', compat: 'a1111', model: { name: 'dreamshaper_8', hash: '879db523c3' }, vae: 'kl-f8-anime2.ckpt', loras: [{ name: 'add_detail', weight: 0.7 }],
      hires: { scale: 2, upscaler: '4x-UltraSharp', strength: 0.4 }, extra: { Version: 'v1.10.1' },
    },
  },
  request: {
    prompt: 'a lighthouse on a cliff at dusk, (volumetric light:1.2), <lora:add_detail:0.7>', negative: 'lowres, watermark', steps: 28, sampler: 'dpmpp_2m', schedule: 'karras', cfg: 6.5, seed: 1_234_567_890,
    width: 512, height: 768, clipSkip: 2, rng: 'nv', compat: 'a1111', files: { model: models[1]!.id },
  },
  otherVersions: [], severalFit: [], leftOut: ['loras', 'hires'],
};

function inspected(model: ModelEntry | undefined): ModelReport {
  if (!model?.kind) throw new Refusal({ code: 'model.notFound', data: { why: 'id', id: model?.id ?? '' } });
  const { kind, family, variant, prediction, sizeBytes, runnable, lacks, hash } = model;
  return {
    kind, family, variant, prediction, sizeBytes, runnable, precision: 'fp16', parameters: Math.round(sizeBytes / 2), tensors: 1131, confidence: model.predictionDoubtful ? 0.7 : 1,
    hashes: hash ? { sha256: hash, autov1: hash.slice(0, 8), autov2: hash.slice(0, 10), autov3: hash.slice(20, 32) } : null, problems: lacks.map((part) => ({ code: 'part.missing', data: { part, prefix: part === 'vae' ? 'first_stage_model.' : 'cond_stage_model.' } })),
    metadata: { 'modelspec.title': model.name, 'modelspec.architecture': 'stable-diffusion-v1', ss_tag_frequency: JSON.stringify(examples) },
  };
}

const studio: Studio = {
  machine: async () => ({ provider: 'cpu', cores: 2, cpu: 'Some Processor 3.1 GHz', memory: { totalBytes: 24 * 2 ** 30, usedByWorkerBytes: 0.4 * 2 ** 30, mappedByWorkerBytes: 0.1 * 2 ** 30 }, version: '0.1.0', dataDir: '/home/you/Atelier', notices: [] }),
  dismissNotice: async () => {},
  windowFailed: () => {}, report: async () => 'a report',
  estimate: async ({ model, width, height, steps }) => {
    const secondsPerStep = models.find(({ id }) => id === model)?.builtIn ? stepMs / 1000 : (width * height * 3) / 512 ** 2;
    return { seconds: steps * secondsPerStep + 1, secondsPerStep, peakBytes: width > 200 ? 3.1 * 2 ** 30 : 0.3 * 2 ** 30, basis: 'guessed' };
  },
  models: {
    list: async () => models.map((model) => ({ ...model, parts: { vae: settings.modelSettings[model.id]?.vae ?? null, textEncoders: settings.modelSettings[model.id]?.textEncoders ?? [] } })),
    parts: async () => parts,
    refresh: async () => models,
    add: async (path) => {
      if (!path.endsWith('.safetensors')) throw new Refusal({ code: 'file.notFound', data: { why: 'named', file: path } });
      const added = entry(path.split('/').at(-1) ?? path, 2e9, { path });
      models.push(added);
      return [added];
    },
    inspect: async (id) => inspected(models.find((model) => model.id === id)),
  },
  prompts: { loras: async () => ({ loras: [], notices: [] }) },
  styles: { list: async () => styles },
  pictures: { control: async ({ image }) => ({ picture: `data:image/png;base64,${blobs.get(image)?.toString('base64') ?? ''}` }), read: async () => reading, readJob: async (job) => readingOf(reportOnJob(job, localsOf(localFiles())), localFiles()) },
  queue: {
    upscale: async () => { throw new Refusal({ code: 'model.notFound', data: { why: 'id', id: 'none' } }); },
    list: () => jobs.map(viewOf),
    page: () => ({ jobs: jobs.map(viewOf), next: null, total: jobs.length }),
    get: (id) => {
      const job = jobs.find((known) => known.id === id);
      if (!job) throw new Refusal({ code: 'job.notFound', data: { id } });
      return job;
    },
    enqueue: async ({ files: { model, vae }, seed, count, refiner: _refiner, variation, ...request }) => {
      const known = models.find(({ id }) => id === model);
      if (!known) throw new Refusal({ code: 'model.notFound', data: { why: 'id', id: String(model) } });
      if (request.prompt.includes('refuse')) throw new Refusal({ code: 'disk.full', data: { why: 'known', folder: '/home/you/Atelier', what: 'atelier.db', neededBytes: 100_000, freeBytes: 0 } });
      const batch = randomUUID();
      const first = seed ?? Math.floor(Math.random() * 2 ** 32);
      const specs = Array.from({ length: count }, (_, index): JobSpec => ({ ...request, version: 4, kind: request.init ? 'img2img' : 'txt2img', seed: seedPlus(first, index),
          files: { model: { name: known.name, hash: known.hash }, ...(vae && { vae: { name: parts.find(({ id }) => id === vae)?.name ?? vae, hash: null } }) },
          ...(variation && { variation: { strength: variation.strength, seed: variation.seed ?? index } }) }));
      const added = specs.map((spec, index): JobDetail => ({
        id: randomUUID(), spec, ...briefOf(spec), batch: { id: batch, index, size: count }, state: 'queued', step: 0, steps: request.init ? Math.ceil(request.steps * request.strength) : request.steps, secondsPerStep: null,
        secondsLeft: null, preview: null, pictureId: null, error: null, attempt: 1, notice: null, remarks: [], createdAt: Date.now(), startedAt: null, endedAt: null,
      }));
      jobs = [...jobs, ...added];
      added.forEach((job) => emit({ type: 'job', job: viewOf(job) }));
      emit(waiting());
      return added.map(viewOf);
    },
    cancel: async (ids) => jobs.filter((job) => ids.includes(job.id) && job.endedAt === null).forEach((job) => change(job, { state: 'cancelled', endedAt: Date.now() })),
    cancelMany: async ({ which, after }) => {
      const from = jobs.findIndex(({ id }) => id === after) + 1;
      jobs.slice(from).filter(({ state, endedAt }) => (which === 'waiting' ? state === 'queued' : endedAt === null)).forEach((job) => change(job, { state: 'cancelled', endedAt: Date.now() }));
    },
    events,
  },
  library: {
    page: async ({ before, limit }) => {
      const older = pictures.filter(({ createdAt }) => before === null || createdAt < before);
      const page = older.slice(0, limit);
      return { pictures: page, unreadable: [], next: older.length > limit ? page.at(-1)?.createdAt ?? null : null, total: pictures.length };
    },
    get: async (id) => {
      const picture = pictures.find((known) => known.id === id);
      if (!picture) throw new Refusal({ code: 'picture.notFound', data: { why: 'id', id } });
      return picture;
    },
    remove: async (id) => {
      const [picture] = pictures.splice(pictures.findIndex((known) => known.id === id), 1);
      return { trashed: !(picture && painted(picture.job).prompt.includes('full')) };
    },
  },
  settings: { get: async () => settings, set: async (patch) => (settings = { ...settings, ...patch }) },
};

// Host
const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.png': 'image/png', '.webp': 'image/webp' };
const trpc = createHTTPHandler({ router, basePath: '/trpc/', createContext: () => ({ studio }) });

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://studio').pathname));
  const answer = (status: number, type: string, body: Buffer | string) => response.writeHead(status, { 'content-type': type }).end(body);
  if (path.startsWith('/trpc/')) return trpc(request, response);
  if (path === '/blobs' && request.method === 'POST') {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const meta = await sharp(bytes).metadata().catch(() => null);
    if (!meta) return void answer(400, 'application/json', JSON.stringify({ code: 'picture.unreadable', message: 'This file is not a picture.', hint: 'PNG, JPEG and WebP work.' }));
    blobs.set(sha256(bytes), bytes);
    return void answer(200, 'application/json', JSON.stringify({ hash: sha256(bytes), width: meta.width, height: meta.height }));
  }
  const blob = /^\/blobs\/([0-9a-f]{64})$/.exec(path)?.[1];
  if (blob) return void (blobs.has(blob) ? answer(200, 'image/png', blobs.get(blob)!) : answer(404, 'text/plain', 'not found'));
  const name = path === '/' ? '/index.html' : path;
  const file = name.startsWith('/media/') ? media.get(name.slice('/media/'.length)) : await readFile(join('out/renderer', name)).catch(() => null);
  if (file) answer(200, types[extname(name)] ?? 'application/octet-stream', file);
  else answer(404, 'text/plain', 'not found');
}

for (let i = 0; i < Number(flags.made); i++) {
  const job: JobSpec = { version: 4, kind: 'txt2img', files: { model: { name: 'Atelier Mini', hash: sha256('mini') } }, prompt: examples[i % 8] ?? '', negative: '', seed: 184_467 + i, steps: 24, sampler: 'ddim', schedule: 'normal',
    cfg: 4, width: 128, height: 128, clipSkip: 1, rng: 'cpu', compat: 'a1111' };
  await keep(job, await paint(job), 1.4, Date.now() - 60_000 * (Number(flags.made) - i));
}
void work();
createServer((request, response) => void serve(request, response)).listen(Number(flags.port), '127.0.0.1', () => console.log(`http://127.0.0.1:${flags.port}`));
