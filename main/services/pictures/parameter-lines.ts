// What the lines of a `parameters` text are: prompt, negative prompt, templates of both, and where the pairs begin.
import { isTemplate, parsePairs, readPairs } from './parameter-pairs';

/** Steps come first in nearly all programs. */
const startOfPairs = /^[^\S\n]{0,9}Steps:[^\S\n]*\d+[^\S\n]*(?:,|$)/m;
/** In the rest these come first; then several pairs must stand in the line. */
const otherStart = /^[^\S\n]{0,9}(?:Sampler|Seed|Size|CFG scale|Model|Model hash): ?[^,:\n]{1,200}, ?[\w ]{2,30}: ?[^,:\n]{1,200}, ?[\w ]{2,30}:/gim;
const negativeStart = /^[^\S\n]{0,9}Negative prompt:/i;
const known = ['Sampler', 'Seed', 'CFG scale', 'CFG Scale', 'Size', 'Model', 'Model hash', 'Denoising strength', 'Version'];

interface Split { /** The lines before the pairs. */ readonly prompts: readonly string[]; /** null where there are none. */ readonly pairs: Map<string, string> | null }

export function splitPairs(written: string): Split {
  const text = onLines(withCommas(written)), start = lastStart(text), spread = start === null ? null : parsePairs(text.slice(start));
  if (spread && known.some((key) => spread.has(key))) return { prompts: linesBefore(text, start!), pairs: spread };
  const lastLine = text.lastIndexOf('\n') + 1, pairs = isTemplate(text.slice(lastLine).split(':', 1)[0]!) ? null : parsePairs(text.slice(lastLine));
  return { prompts: linesBefore(text, pairs ? lastLine : text.length + 1), pairs };
}

const linesBefore = (text: string, at: number): string[] => (at === 0 ? [] : text.slice(0, at - 1).split('\n'));

/** SD.Next once showed pairs with bars between, and a title before the prompt. */
const withCommas = (text: string): string => (/^Steps: ?\d+ \|/m.test(text) ? text.replace(/^prompt: ?/i, '').replace(/^Steps: ?\d+ \|.*$/m, (line) => line.replaceAll(' | ', ', ')) : text);

/** Some sites put all into one line, with a comma or full stop before each part. */
const onLines = (text: string): string => (text.includes('\n') || /^[\w ]{2,30}:/.test(text) ? text : text.replace(/[^\S\n]{0,7}[.,][^\S\n]{0,7}(Negative prompt:|Steps:(?=[^\S\n]{0,7}\d))/gi, '\n$1'));

/**
 * A prompt may hold the pairs of another picture, which are its own, and so may a template and what stands in quotes behind the pairs. From the first start on
 * the text is read as pairs, so that what stands in quotes and templates starts nothing.
 */
function lastStart(text: string): number | null {
  const first = startOfPairs.exec(text)?.index;
  if (first === undefined) return [...text.matchAll(otherStart)].at(-1)?.index ?? null;
  let last: number | null = null;
  for (const { key, value, lineStart } of readPairs(text.slice(first))) {
    if (lineStart < 0) continue;
    if (key === 'Steps' && /^\d+$/.test(value)) last = first + lineStart;
    else if (/^negative prompt$/i.test(key)) last = null;
  }
  return last;
}

/** `hasPairs`: then lines of templates before them are templates, and else part of the prompt. */
export function readPrompts(written: readonly string[], hasPairs: boolean): { prompt: string; negative: string; templates: Map<string, string> } {
  const found: Record<string, string[]> = { prompt: [], negative: [] };
  let part = 'prompt';
  for (let line of written.map((each) => each.trim())) {
    const title = hasPairs && found['prompt']!.length > 0 ? /^((?:Negative )?Template):/.exec(line) : null, negative = title ? null : negativeStart.exec(line);
    if (title) part = title[1]!;
    else if (negative) part = 'negative';
    line = line.slice((title ?? negative)?.[0].length ?? 0).trim();
    const lines = found[part] ??= [];
    if (lines.length > 0 || line !== '') lines.push(line);      // no empty lines at the start of any
  }
  const { prompt, negative, ...templates } = Object.fromEntries(Object.entries(found).map(([name, lines]) => [name, lines.join('\n')]));
  return { prompt: prompt!, negative: negative!, templates: new Map(Object.entries(templates)) };
}
