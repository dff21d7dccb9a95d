// A slow second reading of schedules: A1111's grammar taken word for word, with every way in which a text can be derived. Where there are several, A1111's
// own parser takes one by chance, anew with each start (its sets go by hash), so any of them is right.
//
//   start:      (prompt | /[][():]/+)*        prompt: (emphasized | scheduled | alternate | plain | WHITESPACE)*
//   emphasized: "(" prompt ")" | "(" prompt ":" prompt ")" | "[" prompt "]"
//   scheduled:  "[" [prompt ":"] prompt ":" [WHITESPACE] NUMBER [WHITESPACE] "]"
//   alternate:  "[" prompt ("|" [prompt])+ "]"        plain: /([^\\\[\]():|]|\\.)+/
import type { ScheduledText } from '../../../main/engine/text/schedules';

type Reading = readonly (string | { before: Reading; after: Reading; when: string } | { turns: readonly Reading[] })[];

/** What the text may come to, as JSON; never empty. For short texts: the time it takes is exponential. */
export function possibleSchedules(text: string, steps: number): Set<string> {
  const readings = readingsOf(text);
  return new Set(readings.map((reading) => JSON.stringify(scheduleOf(reading, steps))));
}

function scheduleOf(reading: Reading, steps: number): ScheduledText[] {
  const stepOf = (when: string): number => Math.min(steps, Math.trunc(when.includes('.') ? Number(when) * steps : Number(when)));
  const ends = new Set([steps]);
  const collect = (part: Reading): void => part.forEach((node) => {
    if (typeof node === 'string') return;
    if ('turns' in node) {
      for (let step = 1; step <= steps; step++) ends.add(step);
      node.turns.forEach(collect);
    } else {
      if (stepOf(node.when) >= 1) ends.add(stepOf(node.when));
      [node.before, node.after].forEach(collect);
    }
  });
  collect(reading);
  const textAt = (part: Reading, step: number): string => part.map((node) => {
    if (typeof node === 'string') return node;
    if ('turns' in node) return textAt(node.turns[(step - 1) % node.turns.length]!, step);
    return textAt(step <= stepOf(node.when) ? node.before : node.after, step);
  }).join('');
  return [...ends].sort((a, b) => a - b).map((step) => ({ endAtStep: step, text: textAt(reading, step) }));
}

function readingsOf(text: string): Reading[] {
  const known = new Map<string, Reading[]>();
  const memo = (kind: string, from: number, to: number, derive: () => Reading[]): Reading[] => {
    const key = `${kind} ${from} ${to}`;
    const found = known.get(key) ?? unique(derive());
    known.set(key, found);
    return found;
  };

  /** `isTop`: brackets and colons may stand for themselves. */
  const sequences = (from: number, to: number, isTop = false): Reading[] => memo(isTop ? 'start' : 'prompt', from, to, () => {
    if (from === to) return [[]];
    const found: Reading[] = [];
    for (let next = from + 1; next <= to; next++) {
      const literal: Reading[] = isTop && next === from + 1 && '[]():'.includes(text[from]!) ? [[text[from]!]] : [];
      for (const first of [...literal, ...items(from, next)]) found.push(...sequences(next, to, isTop).map((rest) => [...first, ...rest]));
    }
    return found;
  });

  const items = (from: number, to: number): Reading[] => memo('item', from, to, () => {
    const [first, last, length] = [text[from], text[to - 1], to - from];
    if (length === 1) return /[^\\[\]():|]/.test(first!) ? [[first!]] : [];
    const found: Reading[] = first === '\\' && length === 2 && last !== '\n' ? [[text.slice(from, to)]] : [];
    if (first === '(' && last === ')') {
      found.push(...sequences(from + 1, to - 1).map((inner) => ['(', ...inner, ')']));
      for (const [a, b] of splits(from + 1, to - 1, ':')) found.push(...pairs(a, b).map(([x, y]) => ['(', ...x, ':', ...y, ')']));
    }
    if (first === '[' && last === ']') {
      found.push(...sequences(from + 1, to - 1).map((inner) => ['[', ...inner, ']']), ...edits(from + 1, to - 1), ...alternations(from + 1, to - 1).map((turns) => [{ turns }]));
    }
    return found;
  });

  const edits = (from: number, to: number): Reading[] => splits(from, to, ':').flatMap(([[start, colon], [number, end]]) => {
    const when = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*$/.exec(text.slice(number, end))?.[1];
    if (when === undefined) return [];
    const added = sequences(start, colon).map((after) => [{ before: [], after, when }]);
    const changed = splits(start, colon, ':').flatMap(([a, b]) => pairs(a, b).map(([before, after]) => [{ before, after, when }]));
    return [...added, ...changed];
  });

  const alternations = (from: number, to: number): Reading[][] => splits(from, to, '|').flatMap(([[a, b], [c, d]]) =>
    sequences(a, b).flatMap((turn) => [...sequences(c, d).map((last) => [turn, last]), ...alternations(c, d).map((rest) => [turn, ...rest])]));

  type Span = readonly [number, number];
  const pairs = (a: Span, b: Span): [Reading, Reading][] => sequences(...a).flatMap((x) => sequences(...b).map((y): [Reading, Reading] => [x, y]));
  const splits = (from: number, to: number, separator: string): [Span, Span][] => [...text.slice(from, to)].flatMap((char, i): [Span, Span][] =>
    (char === separator ? [[[from, from + i], [from + i + 1, to]]] : []));

  const found = sequences(0, text.length, true);
  return found.length > 0 ? found : [[text]];
}

const unique = (readings: readonly Reading[]): Reading[] => [...new Map(readings.map((reading) => [JSON.stringify(reading), reading])).values()];
