// The folder with wildcards: text files of one value a line, and YAML and JSON files with lists under nested keys, as sd-dynamic-prompts and ComfyUI's
// Impact Pack read them.
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import type { Notice } from '../../../preload/contract/notice';
import { AppError, detailOf, toAppError } from '../../engine/errors';
import { matchesWildcard, wildcardLines, type WildcardLibrary } from '../../engine/text/wildcards';
import { throwIfPassing } from '../../files/system-faults';
import { walk } from '../../files/walk';
import { readText } from './read-text';

/** What one prompt finds. */
export interface Wildcards extends WildcardLibrary {
  /** One notice for each file that no list could be read from, once anything was looked for. */
  readonly unreadable: readonly Notice[];
}

interface List { readonly name: string; readonly lines: () => Promise<readonly string[]> }
/** What a YAML or JSON file gave, while it is the same. */
interface Parsed { readonly stamp: string; readonly sizeBytes: number; readonly lists: readonly (readonly [name: string, lines: readonly string[]])[]; readonly fault: ((file: string) => Notice) | null }

/**
 * Names are paths below the folder, with '/' and in any case: of a text file without its ending; of a list, the file's folder and the keys that lead to
 * it, not the file's own name, except for a file that is nothing but a list. A name that is not there may stand in any folder. Each call of the result
 * sees the files as they are then; the list of them is made when a prompt first asks.
 */
export function wildcardFolder(folder: string): () => Wildcards {
  const known = new Map<string, Parsed>();
  return () => {
    const unreadable: Notice[] = [];
    let lists: Promise<List[]> | undefined;
    return {
      unreadable,
      async lines(name) {
        const all = await (lists ??= listsIn(folder, known, unreadable));
        const found = all.filter((list) => matchesWildcard(name, list.name));
        const chosen = found.length > 0 ? found : all.filter((list) => matchesWildcard(`*/${name}`, list.name));
        return chosen.length === 0 ? null : (await Promise.all(chosen.map(({ lines }) => lines()))).flat();
      },
    };
  };
}

async function listsIn(folder: string, known: Map<string, Parsed>, unreadable: Notice[]): Promise<List[]> {
  const { files: unsorted, cutAt } = await walk(folder, { most: MOST_FILES }).catch((cause: unknown) => {
    throwIfPassing(cause, folder);
    return { files: [], cutAt: null };
  });
  const files = [...unsorted].sort();
  if (cutAt !== null) unreadable.push({ code: 'wildcard.tooMany', data: { folder, most: cutAt } });
  const found = await Promise.all(files.map(async (file): Promise<{ lists: List[]; fault?: Notice }> => {
    const path = join(folder, file), name = file.replace(/\.[^./]*$/, '');
    if (/\.txt$/i.test(file)) return { lists: [{ name, lines: once(() => textLines(path, folder, file, unreadable)) }] };
    if (!/\.(?:ya?ml|json)$/i.test(file)) return { lists: [] };
    const { lists: parsed, fault } = await parsedFile(path, folder, known);
    if (fault !== null) return { lists: [], fault: fault(file) };
    const prefix = name.slice(0, name.length - basename(name).length);
    return { lists: parsed.map(([key, lines]) => ({ name: prefix + key, lines: () => Promise.resolve(lines) })) };
  }));
  unreadable.push(...found.flatMap(({ fault }) => fault ?? []));
  return found.flatMap(({ lists }) => lists);
}

/** One that cannot be read has none, and is told. */
async function textLines(path: string, folder: string, file: string, unreadable: Notice[]): Promise<readonly string[]> {
  try {
    return wildcardLines(await readText(path, folder) ?? '');
  } catch (error) {
    throwIfPassing(error, path);
    unreadable.push({ code: 'wildcard.refused', data: { file, error: toAppError(error).info } });
    return [];
  }
}

const MOST_FILES = 100_000;

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** YAML costs far more than JSON: 130 MB and a second a megabyte, where its lines are short. */
const MOST_YAML_BYTES = 8 << 20, MOST_JSON_BYTES = 32 << 20;
/** Of files whose lists are kept in memory. */
const MOST_KEPT_BYTES = 64 << 20;

async function parsedFile(path: string, folder: string, known: Map<string, Parsed>): Promise<Parsed> {
  const { size, mtimeMs } = await fs.stat(path).catch((cause: unknown) => { throwIfPassing(cause, path); return { size: 0, mtimeMs: NaN }; });
  const stamp = `${size} ${mtimeMs}`, before = known.get(path);
  if (before?.stamp === stamp) return before;
  try {
    const parsed = { stamp, sizeBytes: size, ...await parsedText(path, folder, size) };
    known.set(path, parsed);
    forgetOldest(known);
    return parsed;
  } catch (error) {
    throwIfPassing(error, path);
    return { stamp, sizeBytes: 0, lists: [], fault: (file) => ({ code: 'wildcard.refused', data: { file, error: toAppError(error).info } }) };      // a right that it lacks changes neither size nor date
  }
}

function forgetOldest(known: Map<string, Parsed>): void {
  let bytes = [...known.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  for (const [path, { sizeBytes }] of known) {
    if (bytes <= MOST_KEPT_BYTES) return;
    known.delete(path);
    bytes -= sizeBytes;
  }
}

/** Throws what `readText` throws. */
async function parsedText(path: string, folder: string, size: number): Promise<Pick<Parsed, 'lists' | 'fault'>> {
  try {
    const isJson = /\.json$/i.test(path), most = isJson ? MOST_JSON_BYTES : MOST_YAML_BYTES;
    if (size > most) return { lists: [], fault: (file) => ({ code: 'wildcard.tooLarge', data: { file, most } }) };
    const text = await readText(path, folder) ?? '';
    // failsafe: 1990, yes and null are words here, too.
    const data: unknown = isJson ? JSON.parse(text) : parse(text, { schema: 'failsafe', uniqueKeys: false, logLevel: 'error' });
    return { lists: [...listsOf(data, Array.isArray(data) ? basename(path).replace(/\.[^.]*$/, '') : '')], fault: null };
  } catch (error) {
    if (error instanceof AppError) throw error;
    const detail = detailOf(error).split('\n', 1)[0]!;
    return { lists: [], fault: (file) => ({ code: 'wildcard.unreadable', data: { file, detail } }) };
  }
}

/** People's own nest four deep; a file may hold itself. */
const DEEPEST = 16;

/** A value that is no list is one of a single line. */
function* listsOf(data: unknown, name: string, depth = 0): Generator<[name: string, lines: string[]]> {
  if (isDictionary(data)) {
    if (depth < DEEPEST) for (const [key, value] of Object.entries(data)) yield* listsOf(value, (name === '' ? key : `${name}/${key}`).replaceAll('\\', '/'), depth + 1);
    return;
  }
  const lines = (Array.isArray(data) ? data : [data]).flatMap(lineOf);
  if (lines.length > 0 && name !== '') yield [name, lines];
}

const isDictionary = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A text, of several lines too and without their comments; { text, weight } as it would stand in a choice. */
function lineOf(item: unknown): string[] {
  if (isDictionary(item)) {
    const { text, content = text, weight } = item, share = Number(weight ?? 1);
    return lineOf(content).map((line) => (share >= 0 && share !== 1 ? `${share}::${line}` : line));
  }
  if (typeof item === 'number') return [String(item)];
  const line = typeof item === 'string' ? wildcardLines(item).join(' ') : '';
  return line === '' || line === '~' || line === 'null' ? [] : [line];
}
