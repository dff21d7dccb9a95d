// The folder with trained words (textual inversion): which words its files hold, wherever they lie in it, and the file behind each.
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { extname, join, parse } from 'node:path';
import type { Vocabulary } from '../../engine/text/chunks';
import { WordIndex, type EmbeddingLibrary } from '../../engine/text/embeddings';
import { AppError } from '../../engine/errors';
import { throwIfPassing } from '../../files/system-faults';
import { walk } from '../../files/walk';
import { isPictureName, readEmbedding, wordsOf } from './file';

/** Of files that hold one word, the first of these kinds counts, and of those the one that lies highest. */
const endings = ['.safetensors', '.pt', '.bin', '.png', '.webp'];

interface Listed { readonly names: string; readonly words: WordIndex }
let last: Listed | undefined;

/** What was found in a file, while it is the same. */
interface Looked { readonly stamp: string; readonly words: readonly string[] }
let looked: ReadonlyMap<string, Looked> = new Map();

/** Files are looked into once; their vectors are read when a prompt calls them up. undefined where there are no words, or no folder. */
export async function openEmbeddings(folder: string, vocabulary: Pick<Vocabulary, 'encode'>): Promise<EmbeddingLibrary | undefined> {
  const found = new Map<string, { name: string; path: string }>();
  looked = await lookInto(folder, await filesIn(folder));
  for (const [path, { words }] of looked) {
    for (const name of words) if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), { name, path });
  }
  if (found.size === 0) return undefined;
  const names = [...found.values()].map(({ name }) => name);
  const key = names.join('\n');
  if (last?.names !== key) last = { names: key, words: new WordIndex(names, (name) => vocabulary.encode(name)) };      // thousands are common
  return {
    words: last.words,
    load: (word) => {
      const { name, path } = found.get(word.toLowerCase())!;
      return readEmbedding(path, name);
    },
  };
}

/** Paths, the most wanted first. A picture beside a file of its name, or called `.preview`, shows what that one does. */
async function filesIn(folder: string): Promise<string[]> {
  // Without the folder's words the prompt would mean something else.
  const { files: listed } = await walk(folder, { outside: true, most: MOST_FILES }).catch((cause: unknown) => { throwIfPassing(cause, folder); return { files: [] }; });
  const files = listed.filter((file) => rank(file) >= 0);
  const trained = new Set(files.filter((file) => !isPictureName(file)).map(stem));
  const depth = (file: string): number => file.split(/[\\/]/).length;
  const isPreview = (file: string): boolean => isPictureName(file) && (trained.has(stem(file)) || stem(file).endsWith('.preview'));
  return files.filter((file) => !isPreview(file))
    .sort((a, b) => rank(a) - rank(b) || depth(a) - depth(b) || (a < b ? -1 : 1)).map((file) => join(folder, file));
}

const rank = (file: string): number => endings.indexOf(extname(file).toLowerCase());
const stem = (file: string): string => parse(file).name.toLowerCase();

/** Thousands are common. */
const MOST_FILES = 100_000;

/** Files open at once. */
const AT_ONCE = 16;

/** By path, in the same order. What cannot be read is called by its name all the same, so that whoever calls it learns why. */
async function lookInto(root: string, paths: readonly string[]): Promise<Map<string, Looked>> {
  const found: [string, Looked][] = [];
  for (let at = 0; at < paths.length; at += AT_ONCE) {
    found.push(...await Promise.all(paths.slice(at, at + AT_ONCE).map(async (path): Promise<[string, Looked]> => [path, await look(root, path)])));
  }
  return new Map(found);
}

async function look(root: string, path: string): Promise<Looked> {
  let stamp = '';
  try {
    const { size, mtimeMs } = await fs.stat(path), known = looked.get(path);
    stamp = `${size} ${mtimeMs}`;
    return known?.stamp === stamp ? known : { stamp, words: size === 0 ? [] : await wordsOf(path, root) };
  } catch (cause) {
    throwIfPassing(cause, path);
    return { stamp: isLasting(cause) ? stamp : '', words: [parse(path).name] };
  }
}

/** What is wrong in the file stays so while it is the same; a right that it lacks changes neither size nor date. */
const isLasting = (cause: unknown): boolean => cause instanceof AppError && cause.code.startsWith('weights.');
