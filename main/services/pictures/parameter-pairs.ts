// The line of pairs at the end of a `parameters` text: `Key: value`, values bare, quoted as JSON strings, or (Civitai's) bare JSON.
import { endOfString } from './read/json';

// A key has two characters or more. Its length is bounded, so that a long line without a colon takes linear time.
const keyPattern = /([\p{L}\p{N}_][\p{L}\p{N}_ \-/]{1,99}):\s*/gu;
/** Brackets are followed to where they close, perhaps to the end of the line; so often for nothing is enough. */
const MAX_MISSES = 8;

/** null when there are fewer than three pairs, which is no line of pairs. Never throws. */
export function parsePairs(line: string): Map<string, string> | null {
  const found: [key: string, value: string][] = [];
  let pairs = 0, misses = 0, from = 0;
  keyPattern.lastIndex = 0;
  for (let match = keyPattern.exec(line); match; match = keyPattern.exec(line)) {
    const start = keyPattern.lastIndex;
    const isJson = misses < MAX_MISSES && /[[{]/.test(line[start] ?? ''), json = isJson ? endOfJson(line, start) : undefined;
    if (isJson && json === undefined) misses++;
    const end = json ?? endOfQuoted(line, start) ?? endOfBare(line, start);
    found.push(...loneWords(line.slice(from, match.index)), [match[1]!.trim(), unquote(line.slice(start, end))]);
    pairs++;
    from = end + 1;
    keyPattern.lastIndex = from;
  }
  if (pairs < 3) return null;
  return new Map([...found, ...loneWords(line.slice(from))]);
}

/** A pair whose key equals its value is written as the key alone. */
const loneWords = (between: string): [string, string][] => between.split(',').map((word) => word.trim()).filter((word) => word !== '').map((word) => [word, word]);

const endOfBare = (line: string, start: number): number => {
  const comma = line.indexOf(',', start);
  return comma < 0 ? line.length : comma;
};

/** A quote must end where the value does; else it is a letter like any other. */
function endOfQuoted(line: string, start: number): number | undefined {
  if (line[start] !== '"') return undefined;
  const end = endOfString(line, start);
  return line[end - 1] === '"' && end > start + 1 && (end === line.length || line[end] === ',') ? end : undefined;
}

/** Where the bracket at `start` closes, if a comma or the end comes next. */
function endOfJson(line: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < line.length; at++) {
    const character = line[at]!;
    if (character === '"') at = endOfString(line, at) - 1;
    else if (character === '[' || character === '{') depth++;
    else if ((character === ']' || character === '}') && --depth === 0) return at + 1 === line.length || line[at + 1] === ',' ? at + 1 : undefined;
  }
  return undefined;
}

function unquote(value: string): string {
  const trimmed = value.trim();
  if (!(trimmed.length > 1 && trimmed.startsWith('"') && trimmed.endsWith('"'))) return trimmed;
  try {
    return String(JSON.parse(trimmed));
  } catch {
    return trimmed;
  }
}
