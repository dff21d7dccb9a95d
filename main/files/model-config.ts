// The settings that lie beside a model: a .yaml of its name, as the original programs and AUTOMATIC1111 read it.
import { basename, dirname, extname, join } from 'node:path';
import { stat } from 'node:fs/promises';
import { parse } from 'yaml';
import { detailOf } from '../engine/errors';
import { readYamlConfig } from '../engine/identify/model-config';
import type { ModelConfig, WeightFile } from '../engine/weights/source';
import { NotAPlainFile, readPlain } from './plain-file';
import { throwIfPassing } from './system-faults';

/** `plains.yaml` for `plains.safetensors` and for a folder `plains`. */
const besideModel = (path: string, isFolder: boolean): string => join(dirname(path), `${isFolder ? basename(path) : basename(path, extname(path))}.yaml`);

/** Real ones have some 3 kB. */
const MOST_BYTES = 1 << 16;
/** One in the other, they take the parser seconds. */
const MOST_BRACKETS = 500;
/** Anchors spare typing; a file made of them could grow without end. */
const MOST_ALIASES = 32;

/** The file with what its .yaml says, where it has one. One that cannot be read is a problem of the model's; throws disk.silent, machine.exhausted where that passes. */
export async function withConfigBeside(file: WeightFile, isFolder = false): Promise<WeightFile> {
  const path = besideModel(file.path, isFolder), name = basename(path);
  const config = await readConfig(path, name);
  return config ? { ...file, config: merged(config, file.config) } : file;
}

async function readConfig(path: string, name: string): Promise<ModelConfig | null> {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readPlain(path, { mostBytes: MOST_BYTES }));
    if (text.replace(/[^[{]+/g, '').length > MOST_BRACKETS) throw new NotAPlainFile(`${path} has more brackets than settings have`);
    // failsafe: only texts, lists and tables; tags make nothing.
    return readYamlConfig(name, parse(text, { schema: 'failsafe', merge: true, uniqueKeys: false, logLevel: 'error', maxAliasCount: MOST_ALIASES }));
  } catch (cause) {
    throwIfPassing(cause, path);
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    if (cause instanceof NotAPlainFile) return { from: name, problems: [{ code: 'config.notPlain', data: { file: name } }] };
    return { from: name, problems: [{ code: 'config.damaged', data: { file: name, detail: detailOf(cause).split('\n', 1)[0]!.slice(0, 200) } }] };
  }
}

/** The one beside the model says more than a folder's own. */
const merged = (config: ModelConfig, own: ModelConfig | undefined): ModelConfig =>
  (own ? { ...own, ...config, problems: [...config.problems ?? [], ...own.problems ?? []] } : config);

/** Tells that it is another one, or none. Throws disk.silent, machine.exhausted. */
export async function configStampOf(path: string, isFolder: boolean): Promise<string> {
  const beside = besideModel(path, isFolder);
  const found = await stat(beside).catch((cause: unknown) => { throwIfPassing(cause, basename(beside)); return null; });
  return found ? `${found.size} ${found.mtimeMs}` : '';
}
