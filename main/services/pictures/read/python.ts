// Values as Python's str() writes them: None, True, 7.5, ['a', "b's"]. What is none of these is text.

/** Longer than any list of names. */
const MAX_LENGTH = 20_000;

/** null, boolean, number, text, or a flat list of them. Never throws. */
export function parsePython(text: string): unknown {
  if (text.length > MAX_LENGTH) return text;
  const trimmed = text.trim(), list = /^\[(.*)\]$/s.exec(trimmed)?.[1];
  if (list === undefined) return orText(atom(trimmed), text);
  if (list.trim() === '') return [];
  const items = [...list.matchAll(/(\s*'(?:\\.|[^'\\])*'\s*|\s*"(?:\\.|[^"\\])*"\s*|[^,'"[\]]*)(,|$)/gsy)];
  const whole = items.map(([match]) => match).join('') === list;
  return whole ? items.slice(0, items.at(-1)![0] === '' ? -1 : undefined).map(([, item]) => quoted(item!.trim()) ?? orText(atom(item!.trim()), item!.trim())) : text;
}

const quoted = (item: string): string | undefined => (/^(['"]).*\1$/s.test(item) && item.length >= 2 ? item.slice(1, -1).replace(/\\(.)/gs, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped)) : undefined);

const orText = (value: unknown, text: string): unknown => (value === undefined ? text : value);

/** null is a value here, so undefined says "none of these". */
function atom(text: string): unknown {
  if (text === 'None') return null;
  if (text === 'True' || text === 'False') return text === 'True';
  return /^-?\d{1,15}(?:\.\d+)?(?:e[+-]?\d{1,3})?$/.test(text) ? Number(text) : undefined;
}
