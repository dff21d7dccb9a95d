// The folder with wildcards: text files of one value a line, and YAML and JSON files with lists under nested keys, as sd-dynamic-prompts and ComfyUI's
// Impact Pack read them.
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parse } from 'yaml';
import type { Notice } from '../../../preload/contract/notice';
import { matchesWildcard, wildcardLines, type WildcardLibrary } from '../../engine/text/wildcards';
import { readText } from './read-text';

/** What one prompt finds. */
interface Wildcards extends WildcardLibrary {
  /** One notice for each file that no list could be read from, once anything was looked for. */
  readonly unreadable: readonly Notice[];
}

interface List { readonly name: string; readonly lines: () => Promise<readonly string[]> }
/** What a YAML or JSON file gave, while it is the same. */
interface Parsed { readonly stamp: string; readonly lists: readonly (readonly [name: string, lines: readonly string[]])[]; readonly fault: string | null }

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
  const files = (await readdir(folder, { recursive: true }).catch(() => [])).sort();
  const found = await Promise.all(files.map(async (file): Promise<{ lists: List[]; fault?: Notice }> => {
    const path = join(folder, file), name = file.replaceAll('\\', '/').replace(/\.[^./]*$/, '');
    if (/\.txt$/i.test(file)) return { lists: [{ name, lines: once(async () => wildcardLines(await readText(path) ?? '')) }] };
    if (!/\.(?:ya?ml|json)$/i.test(file)) return { lists: [] };
    const { lists: parsed, fault } = await parsedFile(path, known);
    if (fault !== null) return { lists: [], fault: { code: 'wildcard.unreadable', message: `The wildcard file ${file} was left out: ${fault}.` } };
    const prefix = name.slice(0, name.length - basename(name).length);
    return { lists: parsed.map(([key, lines]) => ({ name: prefix + key, lines: () => Promise.resolve(lines) })) };
  }));
  unreadable.push(...found.flatMap(({ fault }) => fault ?? []));
  return found.flatMap(({ lists }) => lists);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

const MAX_BYTES = 32 << 20;

async function parsedFile(path: string, known: Map<string, Parsed>): Promise<Parsed> {
  const { size, mtimeMs } = await stat(path).catch(() => ({ size: 0, mtimeMs: 0 }));
  const stamp = `${size} ${mtimeMs}`, before = known.get(path);
  if (before?.stamp === stamp) return before;
  const parsed = { stamp, ...await parsedText(path, size) };
  known.set(path, parsed);
  return parsed;
}

async function parsedText(path: string, size: number): Promise<Pick<Parsed, 'lists' | 'fault'>> {
  try {
    if (size > MAX_BYTES) return { lists: [], fault: 'it is larger than 32 MB' };
    const text = await readText(path) ?? '';
    // failsafe: 1990, yes and null are words here, too.
    const data: unknown = /\.json$/i.test(path) ? JSON.parse(text) : parse(text, { schema: 'failsafe', uniqueKeys: false, logLevel: 'error' });
    return { lists: [...listsOf(data, Array.isArray(data) ? basename(path).replace(/\.[^.]*$/, '') : '')], fault: null };
  } catch (error) {
    return { lists: [], fault: (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]!.replace(/[.:]$/, '') };
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
