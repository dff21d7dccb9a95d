// Prompts of other programs in our words, which are A1111's: what weighs a phrase there weighs it here, and what is text there stays text.
import type { PictureSource } from '../../../preload/contract/vocabulary';

/** Leaves the prompt alone for programs that write as A1111 does. Never throws; what it does not know stays as it is. */
export function fromDialect(prompt: string, source: PictureSource): string {
  switch (source) {
    case 'novelai': return fromNovelAi(prompt);
    case 'invokeai': return fromCompel(prompt);
    case 'comfyui': return fromComfy(prompt);
    default: return prompt;
  }
}

type Parts = [text: string, weight: number][];

const weighted = (text: string, weight: number): string => (Math.abs(weight - 1) < 5e-4 ? text : `(${text}:${Number(weight.toFixed(3))})`);
const escaped = (text: string): string => text.replace(/[()[\]]/g, '\\$&');

/** Curly brackets multiply by 1.05, square ones divide; `1.5::text::` weighs by number until the next `::`. Round brackets are text. */
function fromNovelAi(prompt: string): string {
  const parts: Parts = [];
  let depth = 0, number = 1;
  for (const [token] of prompt.matchAll(/-?\d{1,9}(?:\.\d{1,9})?::|::|[{}[\]]|(?:(?!-?\d{1,9}(?:\.\d{1,9})?::|::)[^{}[\]])+/g)) {
    if (token === '{' || token === ']') depth++;
    else if (token === '}' || token === '[') depth--;
    else if (token === '::') number = 1;
    else if (token.endsWith('::')) number = Number(token.slice(0, -2));
    else parts.push([token, 1.05 ** depth * number]);
  }
  return joined(parts);
}

/** Deeper brackets are text. */
const DEEPEST = 100;

/** Compel: `word+`, `(phrase)--`, `(phrase)1.3`; each plus is 1.1, each minus 0.9. Square brackets are text. `.and()`, `.blend()` and `.swap()` stay. */
function fromCompel(prompt: string): string {
  const parts: Parts = [], open: number[] = [];
  const token = /\\.|\(|\)(\++|-+(?!\w)|\d*\.?\d+)?|[^\s()\\,]+|[\s,]+/gsu;
  for (const [found, suffix = ''] of prompt.matchAll(token)) {
    const [, word, signs] = /^([^\\].*?[^+-]|[^\\+-])(\++|-+)$/su.exec(found) ?? [];
    if (found === '(' && open.length < DEEPEST) open.push(parts.length);
    else if (found[0] === ')' && open.length > 0) for (let i = open.pop()!; i < parts.length; i++) parts[i]![1] *= factorOf(suffix);
    else if (word !== undefined && signs !== undefined) parts.push([word, factorOf(signs)]);
    else parts.push([found.length === 2 && found[0] === '\\' ? found[1]! : found, 1]);
  }
  return joined(parts);
}

const factorOf = (suffix: string): number => (suffix === '' ? 1 : suffix[0] === '+' ? 1.1 ** suffix.length : suffix[0] === '-' ? 0.9 ** suffix.length : Number(suffix));

/** For what is half theirs, half ours: prompts that were joined, and A1111's text written by nodes. Round brackets are ours, square ones are text, and trained words have a prefix. */
const fromComfy = (prompt: string): string => prompt.replace(/(\\.)|([[\]])|\bembedding:(?=\S)/gs, (_, escape: string | undefined, square: string | undefined) => escape ?? (square ? `\\${square}` : ''));

/** Neither space nor comma. */
const edge = /[^\s,]/;

/** Neighbours of one weight in one bracket; round and square brackets of the text are escaped. */
function joined(parts: Parts): string {
  const merged: Parts = [];
  for (const [text, weight] of parts) {
    const last = merged.at(-1);
    // Space and commas have no weight to speak of, so that they part nothing.
    if (last && (Math.abs(last[1] - weight) < 1e-9 || text.trim() === '')) last[0] += text;
    else merged.push([text, weight]);
  }
  return merged.map(([text, weight]) => {
    const start = text.search(edge);
    let end = text.length;
    while (end > start && !edge.test(text[end - 1]!)) end--;
    return start < 0 ? text : `${text.slice(0, start)}${weighted(escaped(text.slice(start, end)), weight)}${text.slice(end)}`;
  }).join('');
}
