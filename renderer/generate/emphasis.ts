// The emphasis grammar as the prompt field shows and edits it: (more), [less], (word:1.3), with \( for a plain bracket.

interface Span { text: string; emphasis: 'none' | 'more' | 'less' }

/** Cuts a prompt into spans by its outermost matched brackets. The spans' texts joined are the prompt. */
export function spansOf(prompt: string): Span[] {
  const spans: Span[] = [];
  let plainFrom = 0;
  for (const { start, end } of outermost(prompt)) {
    if (start > plainFrom) spans.push({ text: prompt.slice(plainFrom, start), emphasis: 'none' });
    spans.push({ text: prompt.slice(start, end), emphasis: prompt[start] === '(' ? 'more' : 'less' });
    plainFrom = end;
  }
  if (plainFrom < prompt.length) spans.push({ text: prompt.slice(plainFrom), emphasis: 'none' });
  return spans;
}

/** Matched brackets that are inside no others, in order; `end` is behind the closing one. */
function outermost(prompt: string): { start: number; end: number }[] {
  const open: number[] = [];
  const found: { start: number; end: number }[] = [];
  for (let i = 0; i < prompt.length; i++) {
    const char = prompt[i];
    if (char === '\\') i++;
    else if (char === '(' || char === '[') open.push(i);
    else if (char === ')' || char === ']') {
      const start = open.at(-1);
      if (start === undefined || (prompt[start] === '(') !== (char === ')')) continue;
      open.pop();
      while (found.length > 0 && (found.at(-1)?.start ?? 0) > start) found.pop();
      found.push({ start, end: i + 1 });
    }
  }
  return found;
}

interface Edit { /** Range to replace, and what it becomes. */ from: number; to: number; text: string; /** Selection afterwards. */ select: [number, number] }

const weighted = /^\((.*):\s*(\d*\.?\d+)\s*\)$/s;

/**
 * Changes the weight of what is selected, or of the word at the caret, by `delta`. Inside a `(… :w)` that has no brackets of its own the whole of it
 * counts. At 1 the brackets go. Weights stay within 0.1–2. null when there is nothing to weigh.
 */
export function reweigh(prompt: string, start: number, end: number, delta: number): Edit | null {
  const group = weightedAround(prompt, start, end);
  const [from, to] = group ?? trimmed(prompt, ...(start === end ? wordAt(prompt, start) : [start, end] as const));
  if (from >= to) return null;
  const match = weighted.exec(prompt.slice(from, to));
  const inner = match?.[1] ?? prompt.slice(from, to);
  const weight = Math.round(Math.min(2, Math.max(0.1, Number(match?.[2] ?? 1) + delta)) * 100) / 100;
  if (weight === 1) return { from, to, text: inner, select: [from, from + inner.length] };
  return { from, to, text: `(${inner}:${weight})`, select: [from + 1, from + 1 + inner.length] };
}

/** The innermost `(…:w)` around the selection, in which no other bracket stands. */
function weightedAround(prompt: string, start: number, end: number): [number, number] | null {
  const open = prompt.lastIndexOf('(', prompt[start] === '(' ? start : start - 1);
  const close = prompt.indexOf(')', Math.max(open, prompt[end - 1] === ')' ? end - 1 : end));
  if (open < 0 || close < 0) return null;
  const group = prompt.slice(open, close + 1);
  return weighted.test(group) && !/[()[\]]/.test(group.slice(1, -1)) ? [open, close + 1] : null;
}

function wordAt(prompt: string, caret: number): [number, number] {
  const isWord = (i: number) => /[^\s,()[\]]/.test(prompt[i] ?? ' ');
  let from = caret;
  let to = caret;
  while (isWord(from - 1)) from--;
  while (isWord(to)) to++;
  return [from, to];
}

/** Without spaces and commas at the ends. */
function trimmed(prompt: string, from: number, to: number): [number, number] {
  while (from < to && /[\s,]/.test(prompt[from] ?? '')) from++;
  while (to > from && /[\s,]/.test(prompt[to - 1] ?? '')) to--;
  return [from, to];
}
