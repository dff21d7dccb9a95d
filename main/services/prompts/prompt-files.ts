// The files that prompts are made with: wildcards (`<data>/wildcards/`) and styles (`<data>/styles.csv` and `<data>/styles/*.csv`). They are looked at
// anew each time, so that an editor's change counts at once.
import { copyFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { JobSpec } from '../../../preload/contract/job';
import type { Notice } from '../../../preload/contract/notice';
import { AppError } from '../../engine/errors';
import { applyStyles, formatStyles, parseStyles, type Style } from '../../engine/text/styles';
import { expandWildcards } from '../../engine/text/wildcards';
import { writeAtomic } from '../data/disk';
import { readText } from './read-text';
import { wildcardFolder } from './wildcard-files';

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
  const table = join(dataDir, 'styles.csv'), openWildcards = wildcardFolder(join(dataDir, 'wildcards'));
  const readStyles = async (): Promise<Style[]> => {
    const more = (await readdir(join(dataDir, 'styles')).catch(() => [])).filter((name) => /\.csv$/i.test(name)).sort();
    const texts = await Promise.all([table, ...more.map((name) => join(dataDir, 'styles', name))].map(readText));
    return [...new Map(texts.flatMap((text) => parseStyles(text ?? '')).map((style) => [style.name, style])).values()];
  };
  return {
    styles: readStyles,
    async saveStyles(styles) {
      await copyFile(table, `${table}.bak`).catch(() => {});      // there is none the first time
      await writeAtomic(table, Buffer.from(formatStyles(styles, await readText(table) ?? ''), 'utf8'));
    },
    async prepare(job, styles = []) {
      const styled = applyStyles(job, styles.length > 0 ? chosen(styles, await readStyles()) : []);
      const wildcards = openWildcards();
      const { texts: [prompt = '', negative = ''], notices: left } = await expandWildcards([styled.prompt, styled.negative], job.seed, wildcards);
      const notices = [...left, ...wildcards.unreadable];
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
