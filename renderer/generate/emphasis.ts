// The emphasis grammar as the prompt field shows it: (more), [less], (word:1.3), with \( for a plain bracket.
export { reweigh } from './reweigh';

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

