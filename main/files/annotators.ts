// Networks of the user's (ONNX): their headers, their contracts, and which of the catalogue's a file is.
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { AnnotatorContract, KnownAnnotator, type AnnotatorTask } from '../../preload/contract/annotators';
import { invalidRequest } from '../../preload/contract/invalid';
import { AppError, detailOf } from '../engine/errors';
import { isBelow, readOnnxHeader, type OnnxHeader } from '../engine/weights/onnx-header';
import { isPlain } from './plain-file';
import { unreadable, withFile } from './weight-file';

/** Sources and bundles both lie two folders below the package's root. */
const catalogue = new URL('../../resources/catalog/annotators.json', import.meta.url);

let known: Promise<KnownAnnotator[]> | undefined;
/** Well-known networks, with the names of their files. */
const knownAnnotators = (): Promise<KnownAnnotator[]> => (known ??= readFile(catalogue, 'utf8').then((text) => z.array(KnownAnnotator).parse(JSON.parse(text))));

/** What the file says of itself; files with weights beside it must lie in its folder. Throws file.*, onnx.unreadable. */
export async function openOnnx(path: string): Promise<OnnxHeader> {
  const header = await withFile(path, readOnnxHeader), folder = dirname(header.path);
  for (const entry of header.external) {
    if (!isBelow(entry)) throw new AppError('onnx.unreadable', { why: 'outside', file: header.path, entry });
    if (!await isPlain(join(folder, entry), folder)) throw new AppError('onnx.unreadable', { why: 'missing', file: header.path, entry });
  }
  return header;
}

/** A contract, and how it was found: stated, in the file's own metadata, or by the name of the file, which `name` says. */
export interface Agreed { readonly contract: AnnotatorContract; readonly name: string | null }

const METADATA_KEY = 'atelier.contract';
const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');

/** `stated`: a name of the catalogue, or the path of a JSON file. Throws onnx.contract where nothing tells, request.invalid naming a contract's field. */
export async function contractFor({ path, metadata }: OnnxHeader, task: AnnotatorTask, stated?: string): Promise<Agreed> {
  const all = await knownAnnotators(), names = all.filter((one) => one.task === task).map(({ id }) => id);
  const agreed = (contract: AnnotatorContract, name: string | null): Agreed => {
    if (contract.task !== task) throw new AppError('onnx.contract', { why: 'task', file: path, task: contract.task, want: task });
    return { contract, name };
  };
  if (stated !== undefined) {
    const found = all.find(({ id }) => plain(id) === plain(stated));
    return agreed(found ? withoutNames(found) : parse(await readFile(stated, 'utf8').catch((cause: unknown) => {
      throw /\.json$/i.test(stated) ? unreadable(stated, cause) : new AppError('onnx.contract', { why: 'name', file: path, name: stated, names });
    }), stated), null);
  }
  if (metadata[METADATA_KEY] !== undefined) return agreed(parse(metadata[METADATA_KEY], path), null);
  const named = await annotatorNamed(basename(path));
  if (!named) throw new AppError('onnx.contract', { why: 'unknown', file: path, names });
  return agreed(withoutNames(named), named.name);
}

/** The catalogue's, by the longest of its names that a file's name has in it. */
export async function annotatorNamed(name: string): Promise<KnownAnnotator | undefined> {
  const all = await knownAnnotators(), stem = plain(name.replace(/\.onnx$/i, ''));
  const lengths = all.map(({ files }) => Math.max(0, ...files.filter((part) => stem.includes(part)).map((part) => part.length))), longest = Math.max(...lengths);
  const fitting = longest === 0 ? [] : all.filter((_, i) => lengths[i] === longest);
  return fitting.length === 1 ? fitting[0] : undefined;
}

const withoutNames = ({ task, input, output }: KnownAnnotator): AnnotatorContract => ({ task, input, output });

function parse(text: string, file: string): AnnotatorContract {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new AppError('onnx.contract', { why: 'json', file, detail: detailOf(cause) }, { cause });
  }
  const result = AnnotatorContract.safeParse(json);
  if (!result.success) throw AppError.fromInfo(invalidRequest(result.error));
  return result.data;
}
