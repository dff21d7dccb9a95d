// Styles: named texts that are put around or behind a prompt, kept in A1111's styles.csv.
import { formatCsv, parseCsv } from './csv';
import { stripComments } from './prompt-syntax';

export interface Style {
  readonly name: string;
  /** With `{prompt}` where the person's text goes, else it comes behind. */
  readonly prompt: string;
  readonly negative: string;
}

export interface PromptPair { readonly prompt: string; readonly negative: string }

/** One style after the other. Comments go first, so that none swallows what comes behind it; `comments` false: in a language that has none. */
export function applyStyles(prompts: PromptPair, styles: readonly Style[], { comments = true } = {}): PromptPair {
  return styles.reduce(({ prompt, negative }, style) => ({ prompt: merged(style.prompt, prompt, comments), negative: merged(style.negative, negative, comments) }), prompts);
}

const placeholder = '{prompt}';

function merged(style: string, prompt: string, comments = true): string {
  const [around, inner] = [clean(style), comments ? clean(prompt) : prompt.trim()];
  if (around.includes(placeholder)) return around.replaceAll(placeholder, () => inner);
  return [inner, around].filter((part) => part !== '').join(', ');
}

const clean = (text: string): string => stripComments(text).trim();

/** Backwards: which styles were put on, in their order, and what the prompts were before. `applyStyles` of the answer gives the prompts again. */
export function recogniseStyles(prompts: PromptPair, known: readonly Style[]): PromptPair & { readonly styles: readonly string[] } {
  // The longest text first: it is the least likely to be there by chance.
  const left = known.filter(({ prompt, negative }) => prompt + negative !== '').sort((a, b) => b.prompt.length + b.negative.length - a.prompt.length - a.negative.length);
  const styles: string[] = [];
  let { prompt, negative } = prompts;
  for (let i = 0; i < left.length;) {
    const style = left[i]!;
    const before = { prompt: unmerged(style.prompt, prompt), negative: unmerged(style.negative, negative) };
    if (before.prompt === null || before.negative === null) {
      i++;
      continue;
    }
    styles.unshift(style.name);
    ({ prompt, negative } = before as PromptPair);
    left.splice(i, 1);
    i = 0;                                                   // what was hidden below this one shows now
  }
  return { prompt, negative, styles };
}

/** What `merged` made this text from, or null. */
function unmerged(style: string, text: string): string | null {
  const around = clean(style);
  const fixed = around.includes(placeholder) ? around.split(placeholder) : ['', text.endsWith(`, ${around}`) && around !== '' ? `, ${around}` : around];
  const places = fixed.length - 1;                           // of the prompt, which has one length in all of them
  const length = (text.length - fixed.join('').length) / places;
  const prompt = text.slice(fixed[0]!.length, fixed[0]!.length + length);
  return Number.isInteger(length) && length >= 0 && merged(style, prompt) === text ? prompt : null;
}

/** The table's styles; of two with one name the last. Rows without a name, and those whose name begins with '#', are none. Never throws. */
export function parseStyles(csv: string): Style[] {
  const { rows, at } = readTable(csv);
  const styles = rows.map((row) => ({ name: row[at.name] ?? '', prompt: row[at.prompt] ?? '', negative: row[at.negative] ?? '' }));
  return [...new Map(styles.filter(({ name }) => isStyle(name)).map((style) => [style.name, style])).values()];
}

/** The table `before` with these styles, in their order. What else it has stays: further columns, and rows that are no styles, ahead of those that they headed. */
export function formatStyles(styles: readonly Style[], before = ''): string {
  const { header, rows, at } = readTable(before);
  const names = new Set(styles.map(({ name }) => name));
  const known = new Map(rows.map((row) => [row[at.name] ?? '', row]));
  const headings = new Map<string, string[][]>();
  let waiting: string[][] = [];
  for (const row of rows) {
    const name = row[at.name] ?? '';
    if (!isStyle(name)) waiting.push(row);
    else if (names.has(name)) {
      headings.set(name, [...headings.get(name) ?? [], ...waiting]);
      waiting = [];
    }
  }
  const written = styles.flatMap(({ name, prompt, negative }) => {
    const row = Array.from(header, (_, i) => known.get(name)?.[i] ?? '');
    [row[at.name], row[at.prompt], row[at.negative]] = [name, prompt, negative];
    return [...headings.get(name) ?? [], row];
  });
  return `\ufeff${formatCsv([header, ...written, ...waiting])}`;                // with a byte-order mark, as spreadsheets need it
}

const isStyle = (name: string): boolean => name !== '' && !name.startsWith('#');

interface Table { readonly header: readonly string[]; readonly rows: readonly string[][]; readonly at: { readonly name: number; readonly prompt: number; readonly negative: number } }

/** With the columns that a table must have, at its end where it lacks them. Old tables call the prompt `text` and have no negative one. */
function readTable(csv: string): Table {
  const [found = [], ...rows] = parseCsv(csv.replace(/^\ufeff/, ''));
  const header = [...found];
  const names = found.map((name) => name.trim().toLowerCase());
  const column = (...wanted: string[]): number => wanted.map((name) => names.indexOf(name)).find((i) => i >= 0) ?? header.push(wanted[0]!) - 1;
  return { header, rows: rows.map((row) => row.slice(0, found.length)), at: { name: column('name'), prompt: column('prompt', 'text'), negative: column('negative_prompt') } };
}
