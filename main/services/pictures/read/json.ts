// JSON as other programs write it: Python's NaN and Infinity, and integers above 2^53, which JavaScript would round.

const MAX_DEPTH = 100;

/** The value; null in place of NaN and Infinity, text in place of integers that numbers cannot hold. undefined when it is no JSON, or nested deeper than anything sensible. */
export function parseJson(text: string): unknown {
  const clean = exactJson(text);
  try {
    return clean === null ? undefined : JSON.parse(clean);
  } catch {
    return undefined;
  }
}

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/** undefined when it is no JSON object. */
export function parseJsonObject(text: string | undefined): JsonObject | undefined {
  const value = text !== undefined && /^\s*\{/.test(text) ? parseJson(text) : undefined;
  return isObject(value) ? value : undefined;
}

/** Rewrites what stands outside of strings. null when brackets are nested too deeply. */
function exactJson(text: string): string | null {
  const parts: string[] = [];
  let depth = 0;
  for (let at = 0; at < text.length;) {
    const quote = text.indexOf('"', at), end = quote < 0 ? text.length : quote;
    const between = text.slice(at, end);
    for (const character of between) {
      if (character === '[' || character === '{') depth++;
      else if (character === ']' || character === '}') depth--;
      if (depth > MAX_DEPTH) return null;
    }
    parts.push(between.replace(/-?\b(?:NaN|Infinity)\b/g, 'null').replace(/(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/g, (digits) => (Number.isSafeInteger(Number(digits)) ? digits : `"${digits}"`)));
    at = quote < 0 ? text.length : endOfString(text, quote);
    parts.push(text.slice(end, at));
  }
  return parts.join('');
}

/** Behind the closing quote. */
export function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}
