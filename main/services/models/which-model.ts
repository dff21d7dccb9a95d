// Which of the files here a name and a hash mean, as pictures, the terminal and other programs give them: the one place where these are weighed.
import type { ModelEntry } from '../../../preload/contract/model';
import type { NamedModel } from '../../../preload/contract/picture-report';
import type { ModelHashes } from './file-hashes';

/** A model file on this machine. */
export interface LocalModel {
  /** File name, with or without folder and extension. */
  readonly name: string;
  /** null while they are not known. */
  readonly hashes: ModelHashes | null;
}

/** The same as the studio lists it. */
export interface LocalFile { readonly entry: Pick<ModelEntry, 'name' | 'path'>; readonly hashes: ModelHashes | null }

/** `others` fit as well and have other contents, or contents that are not known yet. */
export interface Choice<T> { readonly file: T; readonly others: readonly T[] }

/** `alike`: 8 digits are the same, which merged models often share as AutoV1 reads 64 KB alone. `open`: one of the two has no hash to compare. */
type Content = 'same' | 'alike' | 'open' | 'other';

/**
 * The higher the likelier, 0 is no fit. The same contents are the file, whatever its name. A short hash counts most beside the name, and is more than
 * nothing where no name fits; a name whose contents are known to be others is another version.
 */
const likelihood: Readonly<Record<Content, { readonly named: number; readonly unnamed: number }>> = {
  same: { named: 6, unnamed: 5 }, alike: { named: 4, unnamed: 2 }, open: { named: 3, unnamed: 0 }, other: { named: 1, unnamed: 0 },
};

/** null when no file fits. */
export function whichModel<T extends LocalFile>(wanted: NamedModel, files: readonly T[]): Choice<T> | null {
  const fits = files.map((file) => {
    const folders = Math.max(sharedFolders(wanted, file.entry.path), sharedFolders(wanted, file.entry.name));
    const { named, unnamed } = likelihood[contentOf(wanted.hash, file.hashes)];
    return { file, fit: folders === OTHER_NAME ? unnamed : named + folders / MOST_FOLDERS };
  });
  const most = Math.max(0, ...fits.map(({ fit }) => fit));
  return choiceOf(most > 0 ? fits.filter(({ fit }) => fit === most).map(({ file }) => file) : []);
}

/** What a hash of any of the community's kinds begins with, from 4 digits on. null when nothing does. */
export function withHash<T extends LocalFile>(digits: string, files: readonly T[]): Choice<T> | null {
  const wanted = digits.toLowerCase();
  return /^[0-9a-f]{4,64}$/.test(wanted) ? choiceOf(files.filter(({ hashes }) => hashes && [hashes.sha256, hashes.autov1, hashes.autov3].some((hash) => hash.startsWith(wanted)))) : null;
}

/** Files of the same contents are one. */
function choiceOf<T extends LocalFile>([first, ...rest]: readonly T[]): Choice<T> | null {
  return first === undefined ? null : { file: first, others: rest.filter(({ hashes }) => hashes === null || hashes.sha256 !== first.hashes?.sha256) };
}

/** Whether a file is what a text names, as far as one can say: by its contents, or by its name where these cannot be compared. */
export function isHere({ name, hash }: Pick<NamedModel, 'name' | 'hash'>, local: LocalModel): boolean {
  const content = contentOf(hash, local.hashes);
  return content === 'open' ? name !== '' && nameKey(name) === nameKey(local.name) : content !== 'other';
}

/**
 * Texts hold AutoV1 (8 digits), AutoV2 (10), the first 10 or 12 digits of AutoV3 or SHA-256, or a whole SHA-256. Other hashes (InvokeAI's `blake3:…`)
 * cannot be compared.
 */
function contentOf(hash: string | null, known: ModelHashes | null): Content {
  const wanted = hash?.toLowerCase().replace(/^(?:0x|sha256:)/, '') ?? '';
  if (!/^[0-9a-f]{8,64}$/.test(wanted) || known === null) return 'open';
  if (wanted.length === 8) return known.autov1 === wanted || known.sha256.startsWith(wanted) ? 'alike' : 'other';
  return known.sha256.startsWith(wanted) || wanted.slice(0, 12) === known.autov3.slice(0, wanted.length) ? 'same' : 'other';
}

/** How many of the folders that a text tells of a file are this one's, from the last one on. */
function sharedFolders({ name, folder = '' }: Pick<NamedModel, 'name' | 'folder'>, path: string): number {
  const wanted = partsOf(`${folder}/${name}`).reverse(), own = partsOf(path).reverse();
  if (wanted[0] === undefined) return OTHER_NAME;
  if (wanted[0] !== own[0]) return wanted.length === 1 && isFlattened(wanted[0], own) ? GLUED : OTHER_NAME;
  const apart = wanted.findIndex((part, i) => part !== own[i]);
  return Math.min((apart < 0 ? wanted.length : apart) - 1, MOST_FOLDERS - 1);
}

/** Fewer than this are told apart: folders never outweigh contents. */
const MOST_FOLDERS = 100;
const OTHER_NAME = -Infinity;
/** Less than a file that bears the whole name. */
const GLUED = -1;

/** AUTOMATIC1111 wrote "folder_name" for folder/name. `own` from the file upwards. */
function isFlattened(name: string, own: readonly string[]): boolean {
  let joined = own[0] ?? '';
  for (let i = 1; i < own.length && joined.length < name.length; i++) joined = `${own[i]}_${joined}`;
  return joined === name;
}

const partsOf = (path: string): string[] => {
  const folders = path.split(/[\\/]/).filter((part) => part !== '' && part !== '.'), file = folders.pop();
  return file === undefined ? [] : [...folders, stem(file)].map((part) => part.toLowerCase());
};

const modelFile = /^(?:.*[\\/])?([^\\/]*)\.(?:safetensors|sft|ckpt|pt|pth|bin|gguf)$/is;

/** A model file's name as our jobs have it, without folder and extension. Other names stay as they are. */
export const stem = (name: string): string => modelFile.exec(name)?.[1] ?? name;

/** Names are the same however they are written. */
export const nameKey = (name: string): string => stem(name).replace(/^.*[\\/]/s, '').toLowerCase();

/** Of each path as many of its last folders as tell it from the others, with '/'; '' where the name alone does. */
export function foldersApart(paths: readonly string[]): string[] {
  const parts = paths.map((path) => path.split(/[\\/]/));
  const ends = (count: number): string[] => parts.map((path) => path.slice(-count).join('/'));
  const deepest = Math.max(1, ...parts.map(({ length }) => length));
  let count = 1;
  while (count < deepest && new Set(ends(count)).size < paths.length) count++;
  return parts.map((path) => path.slice(-count, -1).join('/'));
}
