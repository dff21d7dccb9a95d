// `generate`: one request from the command line, through the same queue, worker and library as the window.
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { JobRequest, type JobView } from '../../preload/contract/job';
import type { ModelEntry } from '../../preload/contract/model';
import { samplerNames, scheduleNames } from '../../preload/contract/vocabulary';
import { AppError } from '../engine/errors';
import { createStudio, type LocalStudio } from '../services/studio';
import { helpFor, parseCommand, usageError, type Command } from './args';
import { chooseModel } from './choose-model';
import { reportProgress } from './progress';
import { prepareOut, type SaveCopy } from './save-copy';

const command = {
  name: 'generate',
  summary: 'Makes pictures. They land in the library, and where --out says. Ctrl-C cancels at the next step.',
  flags: {
    prompt: { kind: 'text', value: 'TEXT', help: 'what to paint; (word:1.3) gives a word more weight' },
    negative: { kind: 'text', value: 'TEXT', help: 'what not to paint' },
    model: { kind: 'text', value: 'MODEL', help: 'a .safetensors file, a model\'s name, or the beginning of its hash' },
    seed: { kind: 'number', value: 'N', help: 'the same seed gives the same picture; a new one each time without it' },
    steps: { kind: 'number', value: 'N', help: 'steps of the sampler' },
    sampler: { kind: 'text', value: 'NAME', help: 'sampler', choices: samplerNames },
    schedule: { kind: 'text', value: 'NAME', help: 'noise schedule', choices: scheduleNames },
    cfg: { kind: 'number', value: 'N', help: 'how closely to follow the prompt; 1 ignores the negative prompt' },
    size: { kind: 'text', value: 'WxH', help: 'pixels, multiples of 8; without it the model\'s own, in the shape of --init' },
    init: { kind: 'text', value: 'FILE', help: 'a picture to start from' },
    strength: { kind: 'number', value: '0-1', help: 'how much of it to change; 0.6 without it' },
    'clip-skip': { kind: 'number', value: 'N', help: 'text layers to leave out at the end, counted from 1' },
    count: { kind: 'number', value: 'N', help: 'pictures, with seeds counting up' },
    out: { kind: 'text', value: 'FILE.png|DIR', help: 'where a copy goes' },
    'data-dir': { kind: 'text', value: 'DIR', help: 'where models, pictures and settings live' },
    json: { kind: 'switch', help: 'one JSON object on stdout' },
  },
} as const satisfies Command;

type Values = ReturnType<typeof parseCommand<typeof command.flags>>['values'];
interface Size { width: number; height: number }
interface Made extends Size { path: string; id: string; seed: number; seconds: number }

/** Where neither the command line nor the model says. */
const fallback = { steps: 24, cfg: 7, sampler: 'dpmpp_2m', schedule: 'karras' };
const cancelledCode = 130;

/** Exit code 130 when it was cancelled. Throws what made a picture fail; its data lists the others. */
export async function runGenerate(args: string[]): Promise<number> {
  const { values, help } = parseCommand(command, args);
  if (help) {
    process.stdout.write(`${helpFor(command)}\n`);
    return 0;
  }
  const began = performance.now();
  checkCombination(values);
  const save = await prepareOut(values.out, values.count ?? 1);
  const studio = await createStudio({ dataDir: values['data-dir'] === undefined ? undefined : resolve(values['data-dir']) });
  try {
    const model = await chooseModel(studio.models, values.model);
    const init = values.init === undefined ? undefined : await addInit(studio, values.init);
    const jobs = await runToEnd(studio, requestFrom(values, model, init));
    const pictures = await collect(studio, jobs, save);
    const failure = jobs.find((job) => job.error)?.error;
    if (!values.json) process.stdout.write(pictures.map(({ path }) => `${path}\n`).join(''));
    if (failure) throw new AppError(failure.code, { ...failure, data: { ...failure.data, pictures } });
    if (values.json) process.stdout.write(`${JSON.stringify({ pictures, seconds: (performance.now() - began) / 1000 })}\n`);
    return jobs.some((job) => job.state === 'cancelled') ? cancelledCode : 0;
  } finally {
    await studio.close();
  }
}

function checkCombination(values: Values): void {
  if (values.prompt === undefined) throw usageError('generate needs --prompt.', 'For example: npm run atelier -- generate --prompt "a red house on grass"');
  if (values.strength !== undefined && values.init === undefined) throw usageError('--strength is for --init.', 'Give the picture to start from with --init FILE, or leave out --strength.');
}

/** Reads the picture into the studio. Returns its content hash. */
async function addInit(studio: LocalStudio, path: string): Promise<Size & { hash: string }> {
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new AppError(cause.code === 'ENOENT' ? 'file.notFound' : 'file.unreadable', { message: `--init ${path} cannot be read: ${cause.message}`, hint: 'Check the path of the picture to start from.', data: { file: path }, cause });
  });
  return studio.blobs.add(bytes).catch((cause: unknown) => {
    throw cause instanceof AppError ? new AppError(cause.code, { message: `--init ${path}: ${cause.message}`, hint: cause.hint, data: { ...cause.data, file: path }, cause }) : cause;
  });
}

/** Flags first, then what suits the model. Throws job.invalid naming the flag whose value is out of range. */
export function requestFrom(values: Values, model: ModelEntry, init?: Size & { hash: string }): JobRequest {
  const parsed = JobRequest.safeParse({
    model: model.id, prompt: values.prompt, negative: values.negative, seed: values.seed ?? null,
    ...fallback, ...model.defaults,
    ...given({ steps: values.steps, cfg: values.cfg, sampler: values.sampler, schedule: values.schedule }),
    ...(values.size !== undefined ? sizeFrom(values.size) : init ? sizeLike(init, model.nativeSize) : model.nativeSize),
    ...given({ init: init?.hash, strength: values.strength, clipSkip: values['clip-skip'], count: values.count }),
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = String(issue.path[0]);
  const flag = field === 'width' || field === 'height' ? `--size (${field})` : `--${field === 'clipSkip' ? 'clip-skip' : field}`;
  throw usageError(`${flag}: ${issue.message}.`, 'Change this flag and run the command again.');
}

function given<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function sizeFrom(text: string): Size {
  const [, width, height] = /^(\d{1,5})[x×*](\d{1,5})$/i.exec(text.trim()) ?? [];
  if (width === undefined || height === undefined) throw usageError(`--size ${text} is not a size.`, 'Give width and height in pixels, for example --size 512x768.');
  return { width: Number(width), height: Number(height) };
}

/** As many pixels as suit the model, in the shape of the picture to start from. */
function sizeLike(init: Size, native: Size): Size {
  const scale = Math.sqrt((native.width * native.height) / (init.width * init.height));
  const side = (length: number): number => Math.min(4096, Math.max(64, Math.round((length * scale) / 8) * 8));
  return { width: side(init.width), height: side(init.height) };
}

/** Enqueues and follows the jobs until each has ended. The first Ctrl-C cancels; a second one ends the process. */
async function runToEnd(studio: LocalStudio, request: JobRequest): Promise<JobView[]> {
  const jobs = new Map((await studio.queue.enqueue(request)).map((job) => [job.id, job]));
  const progress = reportProgress(process.stderr);
  const listening = new AbortController();
  const cancel = (): void => {
    progress.end();
    process.stderr.write('Cancelling at the next step …\n');
    void studio.queue.cancel([...jobs.keys()]);
  };
  process.once('SIGINT', cancel).once('SIGTERM', cancel);
  try {
    for await (const event of studio.queue.events(listening.signal)) {
      const news = event.type === 'snapshot' ? event.jobs : event.type === 'job' ? [event.job] : [];
      for (const job of news.filter(({ id }) => jobs.has(id))) {
        jobs.set(job.id, job);
        progress.show(job);
      }
      if ([...jobs.values()].every(({ state }) => state === 'done' || state === 'failed' || state === 'cancelled')) break;
    }
  } finally {
    listening.abort();
    progress.end();
    process.off('SIGINT', cancel).off('SIGTERM', cancel);
  }
  return [...jobs.values()];
}

async function collect(studio: LocalStudio, jobs: readonly JobView[], save: SaveCopy): Promise<Made[]> {
  const made: Made[] = [];
  for (const { pictureId, spec, batch } of jobs) {
    if (!pictureId) continue;
    const { path, width, height, seconds } = await studio.library.get(pictureId);
    made.push({ path: await save(path, batch.index), id: pictureId, seed: spec.seed, width, height, seconds });
  }
  return made;
}
