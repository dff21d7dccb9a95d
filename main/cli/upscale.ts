// `upscale`: pictures made larger, one or a folder of them, through the same queue, worker and library as the window.
import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import type { ErrorInfo } from '../../preload/contract/errors';
import { invalidRequest } from '../../preload/contract/invalid';
import { UpscaleRequest, type JobView } from '../../preload/contract/job';
import { AppError, toAppError } from '../engine/errors';
import { unreadable } from '../files/weight-file';
import { findDataDir } from '../services/data/data-folder';
import { openLog } from '../services/log/log';
import { upscalerName } from '../services/models/built-in-upscalers';
import { createStudio, type LocalStudio } from '../services/studio';
import { errorText } from '../words';
import { helpFor, parseCommand, type Command } from './args';
import { picturesAt } from './change-pictures';
import { chooseFile } from './choose-model';
import { runToEnd } from './run-to-end';
import { prepareOut } from './save-copy';

const command = {
  name: 'upscale',
  summary: 'Makes a picture larger by an upscaler (ESRGAN, Real-ESRGAN, SwinIR; small ones come along), or all pictures of a folder, one after the other.',
  positional: 'PICTURE',
  flags: {
    upscaler: { kind: 'text', value: 'NAME', help: 'its file, name, or the beginning of its hash (one that comes with Atelier)' },
    scale: { kind: 'number', value: 'N', help: 'how many times as large, 1 to 8, also 1.5 (what the upscaler was made for)' },
    tile: { kind: 'number', value: 'PX', help: 'side of the pieces in which it is done; smaller ones need less memory (256)' },
    out: { kind: 'text', value: 'PATH', help: 'where to put it: FILE.png or a folder; the library keeps its own' },
    'data-dir': { kind: 'text', value: 'DIR', help: 'data folder' },
    json: { kind: 'switch', help: 'one JSON object on stdout' },
  },
} as const satisfies Command;

/** As `generate` has it. */
const CANCELLED = 130;

interface Upscaled { readonly source: string; readonly path: string; readonly id: string; readonly width: number; readonly height: number; readonly seconds: number }

/** A picture that cannot be read is named, and the others are made all the same; the exit code is then 1. */
export async function runUpscale(args: string[]): Promise<number> {
  const began = performance.now(), { values, positional, help } = parseCommand(command, args);
  if (help) {
    process.stdout.write(`${helpFor(command)}\n`);
    return 0;
  }
  if (positional === undefined) throw new AppError('usage', { why: 'upscale' });
  const sources = await picturesAt(positional), isOne = sources.length === 1;
  const save = await prepareOut(values.out, sources.length);
  const dataDir = findDataDir(values['data-dir']), tell = (info: ErrorInfo): void => { process.stderr.write(errorText(info)); };
  const studio = await createStudio({ dataDir, log: openLog(dataDir, 'terminal', { tell }), tell });
  try {
    const { id: upscaler } = await chooseFile(studio.models, 'upscaler', values.upscaler ?? builtInFor(values.scale));
    const asked: { source: string; job: JobView }[] = [], failures: ErrorInfo[] = [];
    const failed = (info: ErrorInfo): void => { failures.push(info); if (!isOne) tell(info); };
    for (const source of sources) {
      await ask(studio, source, { upscaler, scale: values.scale, tile: values.tile }).then((job) => asked.push({ source, job }), (error: unknown) => failed(toAppError(error).info));
    }
    const { jobs, fault } = asked.length === 0 ? { jobs: [], fault: null } : await runToEnd(studio, asked.map(({ job }) => job));
    const pictures: Upscaled[] = [];
    for (const [i, { pictureId, settings, error }] of jobs.entries()) {
      if (error) failed(error);
      if (!pictureId || settings.kind !== 'upscale') continue;
      const { source } = asked[i]!, { path, width, height, seconds } = await studio.library.get(pictureId);
      pictures.push({ source, path: await save(path, i, nameFor(source, sources, settings.scale)), id: pictureId, width, height, seconds });
    }
    if (!values.json) process.stdout.write(pictures.map(({ path }) => `${path}\n`).join(''));
    const failure = fault ?? (isOne ? failures[0] : undefined);
    if (failure) throw AppError.fromInfo(failure);
    if (values.json) process.stdout.write(`${JSON.stringify({ pictures, failed: failures.length, seconds: (performance.now() - began) / 1000 })}\n`);
    if (failures.length > 0) return 1;
    return jobs.some(({ state }) => state === 'cancelled') ? CANCELLED : 0;
  } finally {
    await studio.close();
  }
}

/** The one that comes along and makes pictures so large, or as near to it as there is. */
const builtInFor = (scale = 2): string => upscalerName(scale <= 2 ? 2 : scale <= 3 ? 3 : 4);

/** Throws input.unreadable naming the picture, request.invalid naming the flag. */
async function ask(studio: LocalStudio, source: string, wanted: { upscaler: string; scale: number | undefined; tile: number | undefined }): Promise<JobView> {
  const unread = (cause: unknown): never => { throw new AppError('input.unreadable', { flag: 'PICTURE', file: source, error: toAppError(cause).info }, { cause }); };
  const bytes = await readFile(source).catch((cause: unknown) => unread(unreadable(source, cause)));
  const { hash } = await studio.blobs.add(bytes).catch(unread);
  const parsed = UpscaleRequest.safeParse({ ...wanted, init: hash });
  if (parsed.success) return studio.queue.upscale(parsed.data);
  const error = invalidRequest(parsed.error);
  throw AppError.fromInfo('field' in error.data ? { ...error, data: { ...error.data, field: `--${error.data.field}` } } as ErrorInfo : error);
}

/** After its source, so that none is written over; with the ending where two sources differ in that alone. */
function nameFor(source: string, sources: readonly string[], scale: number): string {
  const stem = (path: string): string => basename(path, extname(path)).toLowerCase(), isAlone = sources.filter((other) => stem(other) === stem(source)).length === 1;
  return `${isAlone ? basename(source, extname(source)) : basename(source)}-x${scale}.png`;
}
