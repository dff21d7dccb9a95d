// The files that prompts are made with: wildcards (`<data>/wildcards/**/*.txt`) and styles (`<data>/styles.csv` and `<data>/styles/*.csv`). They are
// read anew each time, so that an editor's change counts at once.
import { copyFile, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { JobSpec } from '../../preload/contract/job';
import type { Notice } from '../../preload/contract/notice';
import { AppError } from '../engine/errors';
import { applyStyles, formatStyles, parseStyles, type Style } from '../engine/text/styles';
import { expandWildcards, matchesWildcard, wildcardLines, type WildcardLibrary } from '../engine/text/wildcards';
import { writeAtomic } from './atomic-write';

export interface PromptFiles {
  /**
   * The job with styles put on, then every choice made by its seed, the prompt's first; `template` is what it was before, where that is something
   * else. Throws job.invalid for a style that is not there and for prompts that grow too long.
   */
  prepare(job: JobSpec, styles?: readonly string[]): Promise<{ job: JobSpec; notices: readonly Notice[] }>;
  styles(): Promise<Style[]>;
  /** Writes styles.csv; the one before is kept as styles.csv.bak. Throws disk.*. */
  saveStyles(styles: readonly Style[]): Promise<void>;
}

export function openPromptFiles(dataDir: string): PromptFiles {
  const table = join(dataDir, 'styles.csv');
  const readStyles = async (): Promise<Style[]> => {
    const more = (await readdir(join(dataDir, 'styles')).catch(() => [])).filter((name) => /\.csv$/i.test(name)).sort();
    const texts = await Promise.all([table, ...more.map((name) => join(dataDir, 'styles', name))].map(readText));
    return [...new Map(texts.flatMap((text) => parseStyles(text ?? '')).map((style) => [style.name, style])).values()];
  };
  return {
    styles: readStyles,
    async saveStyles(styles) {
      await copyFile(table, `${table}.bak`).catch(() => {});      // there is none the first time
      await writeAtomic(table, Buffer.from(formatStyles(styles), 'utf8'));
    },
    async prepare(job, styles = []) {
      const styled = applyStyles(job, styles.length > 0 ? chosen(styles, await readStyles()) : []);
      const { texts: [prompt = '', negative = ''], notices } = await expandWildcards([styled.prompt, styled.negative], job.seed, wildcardsIn(join(dataDir, 'wildcards')));
      if (prompt === job.prompt && negative === job.negative) return { job, notices };
      const { data, error } = JobSpec.safeParse({ ...job, prompt, negative, template: { prompt: job.prompt, negative: job.negative } });
      if (!data) throw new AppError('job.invalid', { message: 'With its styles and wildcards filled in, the prompt is too long', hint: 'Take out a style, or shorten the lines of a wildcard file.', cause: error });
      return { job: data, notices };
    },
  };
}

function chosen(names: readonly string[], known: readonly Style[]): Style[] {
  return names.map((name) => known.find((style) => style.name === name) ?? noStyle(name));
}

function noStyle(name: string): never {
  throw new AppError('job.invalid', { message: `styles: there is no style "${name}"`, hint: 'Choose one from the list; styles are kept in styles.csv in the data folder.', data: { style: name } });
}

/** Names are paths below the folder, without the ending and with '/', in any case. Files are read once and the list is made once, when first asked for. */
function wildcardsIn(folder: string): WildcardLibrary {
  let files: Promise<{ name: string; path: string }[]> | undefined;
  const read = new Map<string, Promise<readonly string[]>>();
  const list = async (): Promise<{ name: string; path: string }[]> => {
    const found = await readdir(folder, { recursive: true }).catch(() => []);
    return found.filter((file) => /\.txt$/i.test(file)).sort().map((file) => ({ name: file.replaceAll('\\', '/').slice(0, -4), path: join(folder, file) }));
  };
  const linesOf = (path: string): Promise<readonly string[]> => {
    const known = read.get(path) ?? readText(path).then((text) => wildcardLines(text ?? ''));
    read.set(path, known);
    return known;
  };
  return {
    async lines(name) {
      const matching = (await (files ??= list())).filter((file) => matchesWildcard(name, file.name));
      return matching.length === 0 ? null : (await Promise.all(matching.map(({ path }) => linesOf(path)))).flat();
    },
  };
}

/** null when it is not there. Throws file.unreadable. */
async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new AppError('file.unreadable', { message: `${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, hint: 'Allow your user account to read this file.', data: { file: path }, cause });
  }
}
