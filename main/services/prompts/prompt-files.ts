// The files that prompts are made with: wildcards (`<data>/wildcards/`) and styles (`<data>/styles.csv` and `<data>/styles/*.csv`). They are looked at
// anew each time, so that an editor's change counts at once.
import fs from 'node:fs/promises';      // called through the module object, so that tests can make any of its calls fail
import { join } from 'node:path';
import { commentsIn } from '../../../preload/contract/comments';
import { JobSpec } from '../../../preload/contract/job';
import type { Notice } from '../../../preload/contract/notice';
import { AppError } from '../../engine/errors';
import { applyStyles, formatStyles, parseStyles, type Style } from '../../engine/text/styles';
import { keepable } from '../../engine/text/unicode';
import { expandWildcards } from '../../engine/text/wildcards';
import { readPlain } from '../../files/plain-file';
import { throwIfPassing } from '../../files/system-faults';
import { writeAtomic } from '../data/disk';
import { readText } from './read-text';
import { wildcardFolder, type Wildcards } from './wildcard-files';

export interface Prepared { readonly job: JobSpec; readonly notices: readonly Notice[] }

export interface PromptFiles {
  /**
   * The job with styles put on, then every choice made by its seed, the prompt's first; `template` is what it was before, where that is something
   * else. Throws style.notFound, job.longPrompt for a style that is not there and for prompts that grow too long.
   */
  prepare(job: JobSpec, styles?: readonly string[]): Promise<Prepared>;
  /** Of a few thousand at most. Throws text.unreadable. */
  styles(): Promise<Style[]>;
}

export interface OwnPromptFiles extends PromptFiles {
  /** Writes styles.csv; the one before is kept as styles.csv.bak. Throws disk.*. */
  saveStyles(styles: readonly Style[]): Promise<void>;
}

export function openPromptFiles(dataDir: string): OwnPromptFiles {
  const table = join(dataDir, 'styles.csv'), openWildcards = wildcardFolder(join(dataDir, 'wildcards'));
  const readStyles = async (): Promise<Style[]> => {
    const more = (await fs.readdir(join(dataDir, 'styles')).catch((cause: unknown): string[] => { throwIfPassing(cause, join(dataDir, 'styles')); return []; })).filter((name) => /\.csv$/i.test(name)).sort();
    const styles = new Map<string, Style>();
    let leftBytes = MOST_STYLE_BYTES;
    for (const path of [table, ...more.map((name) => join(dataDir, 'styles', name))]) {
      const text = await readText(path, dataDir, leftBytes) ?? '';
      leftBytes -= Buffer.byteLength(text);
      for (const style of parseStyles(text)) styles.set(style.name, style);
      if (styles.size > MOST_STYLES) throw tooManyStyles(path);
    }
    return [...styles.values()];
  };
  return {
    styles: readStyles,
    async saveStyles(styles) {
      const before = await readPlain(table, { within: dataDir }).catch(() => null);      // there is none the first time
      if (before) await writeAtomic(`${table}.bak`, before);
      await writeAtomic(table, Buffer.from(formatStyles(styles, await readText(table, dataDir) ?? ''), 'utf8'));
    },
    prepare: async (job, styles = []) => prepareWith(job, styles.length > 0 ? chosen(styles, await readStyles()) : [], openWildcards()),
  };
}

/** Throws job.longPrompt, and what looking for wildcards throws. */
export async function prepareWith(job: JobSpec, styles: readonly Style[], wildcards: Wildcards): Promise<Prepared> {
  const language = { comments: job.emphasis !== 'comfy' };
  const styled = applyStyles(job, styles, language);
  const { texts, notices: left } = await expandWildcards([styled.prompt, styled.negative], job.seed, wildcards, language);
  const [prompt = '', negative = ''] = texts.map(keepable);
  const notices = [...(language.comments ? commentNotices(job) : []), ...left, ...wildcards.unreadable];
  if (prompt === job.prompt && negative === job.negative) return { job, notices };
  const { data, error } = JobSpec.safeParse({ ...job, prompt, negative, template: { prompt: job.prompt, negative: job.negative } });
  if (!data) throw new AppError('job.longPrompt', {}, { cause: error });
  return { job: data, notices };
}

/** Of all tables together: what a window can list. People's own have some hundred styles. */
const MOST_STYLE_BYTES = 8 << 20, MOST_STYLES = 20_000;
const tooManyStyles = (file: string): AppError => new AppError('text.unreadable', { why: 'long', file, most: MOST_STYLES });

/** A '#' that somebody meant as a sign takes the rest of its line away. */
function commentNotices({ prompt, negative }: JobSpec): Notice[] {
  const comments = [prompt, negative].flatMap(commentsIn);
  return comments.length > 0 ? [{ code: 'comment.leftOut', data: { text: comments.join(' / ') } }] : [];
}

function chosen(names: readonly string[], known: readonly Style[]): Style[] {
  return names.map((name) => known.find((style) => style.name === name) ?? noStyle(name));
}

function noStyle(name: string): never {
  throw new AppError('style.notFound', { name });
}
