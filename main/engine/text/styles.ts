// Styles: named texts that are put around or behind a prompt, kept in A1111's styles.csv.

export interface Style {
  readonly name: string;
  /** With `{prompt}` where the person's text goes, else it comes behind. */
  readonly prompt: string;
  readonly negative: string;
}

export interface PromptPair { readonly prompt: string; readonly negative: string }

/** One style after the other. */
export function applyStyles(prompts: PromptPair, styles: readonly Style[]): PromptPair {
  return styles.reduce(({ prompt, negative }, style) => ({ prompt: merged(style.prompt, prompt), negative: merged(style.negative, negative) }), prompts);
}

const placeholder = '{prompt}';

function merged(style: string, prompt: string): string {
  if (style.includes(placeholder)) return style.replaceAll(placeholder, () => prompt);
  return style.trim() === '' ? prompt : [prompt.trim(), style.trim()].filter((part) => part !== '').join(', ');
}

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
  const [before = '', after] = style.includes(placeholder) ? style.split(placeholder) : ['', undefined];
  const end = after ?? style.trim();
  if (!text.startsWith(before) || !text.endsWith(end) || text.length < before.length + end.length) return null;
  const inner = text.slice(before.length, text.length - end.length);
  const prompt = after === undefined && end !== '' && inner.endsWith(', ') ? inner.slice(0, -2) : inner;
  return merged(style, prompt) === text ? prompt : null;
}

/** The table's styles; of two with one name the last. Rows without a name, and those whose name begins with '#', are none. Never throws. */
export function parseStyles(csv: string): Style[] {
  const [header = [], ...rows] = parseCsv(csv.replace(/^\ufeff/, ''));
  const names = header.map((name) => name.trim().toLowerCase());
  const column = (...wanted: string[]): number => names.findIndex((name) => wanted.includes(name));
  const [name, prompt, negative] = [column('name'), column('prompt', 'text'), column('negative_prompt')];
  const styles = rows.map((row) => ({ name: row[name] ?? '', prompt: row[prompt] ?? '', negative: row[negative] ?? '' }));
  return [...new Map(styles.filter((style) => style.name !== '' && !style.name.startsWith('#')).map((style) => [style.name, style])).values()];
}

/** UTF-8 text with a byte-order mark, as spreadsheets need it. */
export function formatStyles(styles: readonly Style[]): string {
  const cell = (text: string): string => (/[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = [['name', 'prompt', 'negative_prompt'], ...styles.map(({ name, prompt, negative }) => [name, prompt, negative])];
  return `\ufeff${rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')}`;
}

/** RFC 4180, with spaces before a cell ignored and cells of several lines. A quote that never closes holds the rest; what stands behind one that does is part of its cell. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  const bare = /[^,\r\n]*/y;
  let at = 0;
  const quoted = (): string => {
    let cell = '';
    for (;;) {
      const end = text.indexOf('"', at);
      cell += text.slice(at, end < 0 ? text.length : end);
      at = end < 0 ? text.length : end + 1;
      if (text[at] !== '"') return cell;
      cell += '"';                                           // two quotes are one
      at++;
    }
  };
  for (let row: string[] = []; ;) {
    while (text[at] === ' ') at++;
    let cell = '';
    if (text[at] === '"') {
      at++;
      cell = quoted();
    }
    bare.lastIndex = at;
    row.push(cell + bare.exec(text)![0]);
    at = bare.lastIndex;
    if (text[at] === ',') {
      at++;
      continue;
    }
    if (row.length > 1 || row[0] !== '') rows.push(row);
    if (at >= text.length) return rows;
    at += text.startsWith('\r\n', at) ? 2 : 1;
    row = [];
  }
}
