// The pairs at the end of a `parameters` text: `Key: value`, values bare, quoted as JSON strings (some with line breaks as they are), or bare JSON.
import { endOfString } from './read/json';

export interface Pair {
  readonly key: string;
  readonly value: string;
  /** Where the key stands in the text, when that is where a line begins; else -1. */
  readonly lineStart: number;
}

// A key has two characters or more. Its length is bounded, so that a long line without a colon takes linear time.
const key = String.raw`[\p{L}\p{N}_][\p{L}\p{N}_ \-/]{1,99}`;
const keyPattern = new RegExp(`(${key}):[^\\S\\n]*`, 'gu');
/** Where a bare value ends: at a comma, or where the next line begins with a key. Lines that do not are its own. */
const valueEnd = String.raw`,|\n(?=[^\S\n]{0,9}${key}:)|$`;
const bareEnd = new RegExp(valueEnd, 'gu'), endHere = new RegExp(valueEnd, 'uy');
/** Brackets are followed to where they close, perhaps to the end of the text; so often for nothing is enough. */
const MAX_MISSES = 8;

/** null when there are fewer than three pairs, which are none. A key that comes twice has its last value. Never throws. */
export function parsePairs(text: string): Map<string, string> | null {
  const pairs = readPairs(text);
  return pairs.filter(({ isWord }) => !isWord).length < 3 ? null : new Map(pairs.map(({ key, value }) => [key, value]));
}

/** All of them, and the words between them: a pair whose key equals its value is written as the key alone. */
export function readPairs(text: string): (Pair & { readonly isWord: boolean })[] {
  const found: (Pair & { readonly isWord: boolean })[] = [];
  const addWords = (between: string): void => {
    for (const word of between.split(/[,\n]/).map((each) => each.trim())) if (word !== '') found.push({ key: word, value: word, lineStart: -1, isWord: true });
  };
  let misses = 0, from = 0;
  keyPattern.lastIndex = 0;
  for (let match = keyPattern.exec(text); match; match = keyPattern.exec(text)) {
    const start = keyPattern.lastIndex, name = match[1]!, startsLine = /(?:^|\n)[^\S\n]*$/.test(text.slice(Math.max(0, match.index - 10), match.index));
    const isJson = misses < MAX_MISSES && /[[{]/.test(text[start] ?? ''), json = isJson ? endOfJson(text, start) : undefined;
    if (isJson && json === undefined) misses++;
    const end = startsLine && isTemplate(name) ? endOfTemplate(text, start) : json ?? endOfQuoted(text, start) ?? endOfBare(text, start);
    addWords(text.slice(from, match.index));
    found.push({ key: name.trim(), value: unquote(text.slice(start, end)), lineStart: startsLine ? match.index : -1, isWord: false });
    from = text[end] === '\n' ? end : end + 1;
    keyPattern.lastIndex = from;
  }
  addWords(text.slice(from));
  return found;
}

/** Lines of Dynamic Prompts, which hold a prompt as it was typed, of any number of lines and with anything in it. */
export const isTemplate = (name: string): boolean => /^(?:Negative )?Template$/.test(name.trim());

const endOfTemplate = (text: string, start: number): number => {
  const next = /\n(?:Negative )?Template:/g;
  next.lastIndex = start;
  return next.exec(text)?.index ?? text.length;
};

const endOfBare = (text: string, start: number): number => {
  bareEnd.lastIndex = start;
  return bareEnd.exec(text)!.index;
};

/** A quote must end where the value does; else it is a letter like any other. */
function endOfQuoted(text: string, start: number): number | undefined {
  if (text[start] !== '"') return undefined;
  const end = endOfString(text, start);
  return text[end - 1] === '"' && end > start + 1 && isEnd(text, end) ? end : undefined;
}

function isEnd(text: string, at: number): boolean {
  endHere.lastIndex = at;
  return endHere.test(text);
}

/** Where the bracket at `start` closes, if a comma or the end comes next. Over several lines only JSON goes on, not whatever has brackets. */
function endOfJson(text: string, start: number): number | undefined {
  const end = endOfBrackets(text, start), value = end === undefined ? '' : text.slice(start, end);
  return value.includes('\n') && !isJsonText(value) ? undefined : end;
}

function isJsonText(value: string): boolean {
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}

function endOfBrackets(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') at = endOfString(text, at) - 1;
    else if (character === '[' || character === '{') depth++;
    else if ((character === ']' || character === '}') && --depth === 0) return isEnd(text, at + 1) ? at + 1 : undefined;
  }
  return undefined;
}

function unquote(value: string): string {
  const trimmed = value.trim();
  if (!(trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"'))) return trimmed;
  try {
    return String(JSON.parse(trimmed.replace(/[\n\t]/g, (sign) => (sign === '\n' ? '\\n' : '\\t'))));
  } catch {
    return trimmed;
  }
}
