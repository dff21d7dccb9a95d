// A prompt as its grammar takes it apart, by positions in the text: what brackets hold, where tags stand, and what has no weight of its own. One pass, without recursion.

export interface Span { readonly start: number; readonly end: number }

/** Brackets that match, from `open` to behind the closing one. */
export interface Group {
  readonly kind: 'round' | 'square' | 'choice';
  readonly open: number; readonly end: number;
  /** Of a round one: the colon of its number, and that number as written. */
  readonly weight: { readonly at: number; readonly text: string } | null;
  /** BREAK or AND stands in it. */
  readonly isCut: boolean;
}

export interface PromptTree {
  /** By where they open. */
  readonly groups: readonly Group[];
  /** `<kind:name…>`. */
  readonly tags: readonly Span[];
  /** What has no weight: BREAK, AND and the weights before it, comments, what parts alternatives, when a schedule changes, brackets that match nothing. */
  readonly stops: readonly Span[];
  /** What is one sign though it is several letters: `\(`, `__name__`. */
  readonly units: readonly Span[];
  /** Where no word goes on: 1, and 2 at brackets that match and in tags. */
  readonly delimiters: Uint8Array;
}

interface Frame { readonly kind: Group['kind'] | 'variable'; readonly open: number; readonly separators: number[]; readonly cutsBefore: number }

const letter = '\\p{L}\\p{M}\\p{N}_';
const token = new RegExp(`\\\\\\S?|<(?=[${letter}]+:[^>])|\\$?\\{|[()[\\]{}|:]|__[~@!]?[\\p{L}\\p{N}*][^\\n]{0,200}?__|__|(?<![${letter}])(?:BREAK|AND)(?![${letter}])`, 'gu');
const closing: Readonly<Record<string, readonly Frame['kind'][]>> = { ')': ['round'], ']': ['square'], '}': ['choice', 'variable'] };
const opening: Readonly<Record<string, Frame['kind']>> = { '(': 'round', '[': 'square', '{': 'choice', '${': 'variable' };

/** Looks no further back than this for the number at the end of a group or part. */
const NUMBER_LENGTH = 40;
const numberAtEnd = /:\s*([+-]?[.\p{Nd}]+)\s*$/u;
const when = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
/** How many of a choice, and how likely one is. */
const optionStart = /^\s*[~@!]?(?:\d{0,4}-?\d{0,4}\$\$(?:[^$|]*\$\$)?)?\s*(?:[\d.]{1,20}::)?/;

const commentSigns = /\\[^\n]?|#[^\n]*/g;

export function promptTree(written: string): PromptTree {
  const comments = [...written.matchAll(commentSigns)].filter(([sign]) => sign[0] === '#').map(({ 0: { length }, index }): Span => ({ start: index, end: index + length }));
  const prompt = blanked(written, comments);
  const groups: Group[] = [], tags: Span[] = [], stops: Span[] = [], units: Span[] = [], open: Frame[] = [], cuts: number[] = [], ends: number[] = [];
  const waiting = { round: 0, square: 0, choice: 0, variable: 0 };
  const delimiters = new Uint8Array(prompt.length), escaped = new Set<number>();
  let behind = 0, tagEnd = -1;
  const stop = (start: number, end: number): void => {
    if (end > start) stops.push({ start, end });
    delimiters.fill(1, start, end);
  };
  const pop = (): Frame => {
    const frame = open.pop()!;
    waiting[frame.kind]--;
    return frame;
  };

  for (const match of prompt.matchAll(/[\s,]/g)) delimiters[match.index] = 1;
  for (const { 0: sign, index } of prompt.matchAll(token)) {
    const end = index + sign.length, frame = open.at(-1);
    if (index < behind) continue;
    if (sign === '\\') stop(index, end);                                    // before a space
    else if (sign[0] === '\\' || (sign.startsWith('__') && sign !== '__')) {
      units.push({ start: index, end });
      escaped.add(index + 1);
      delimiters.fill(0, index, end);
    } else if (sign === '<') {
      if (tagEnd <= index) tagEnd = prompt.indexOf('>', index) + 1 || Infinity;      // looked for once, not anew from each
      if (tagEnd === Infinity) continue;
      behind = tagEnd;
      tags.push({ start: index, end: behind });
      delimiters.fill(2, index, behind);
    } else if (sign === 'BREAK' || sign === 'AND') {
      cuts.push(index);
      if (sign === 'AND') ends.push(index);
      stop(index, end);
    } else if (opening[sign]) {
      open.push({ kind: opening[sign], open: index, separators: [], cutsBefore: cuts.length });
      waiting[opening[sign]]++;
      delimiters.fill(1, index, end);
    } else if (closing[sign]) {
      delimiters[index] = 1;
      const kinds = closing[sign].filter((kind) => waiting[kind] > 0);
      while (kinds.length > 0 && !kinds.includes(open.at(-1)!.kind)) stray(pop());
      if (kinds.length > 0) close(pop(), end);
      else stop(index, end);
    } else if (frame?.kind === 'square' || (frame?.kind === 'choice' && sign === '|')) frame.separators.push(index);
  }
  for (const frame of open) stray(frame);
  for (const { start, end } of comments) stop(start, end);
  const words = blanked(prompt, tags);
  for (const end of [...ends, prompt.length]) {
    const at = weightBefore(words, end, escaped);
    if (at) stop(at.start, at.end);
  }
  const inOrder = <T extends Span>(spans: T[]): T[] => spans.sort((a, b) => a.start - b.start);
  return { groups: groups.sort((a, b) => a.open - b.open), tags, stops: inOrder(stops), units, delimiters };

  function stray({ kind, open: at }: Frame): void { stop(at, at + (kind === 'variable' ? 2 : 1)); }

  function close({ kind, open: at, separators, cutsBefore }: Frame, end: number): void {
    if (kind === 'variable') return stop(at, end);
    const number = kind === 'round' ? numberAtEnd.exec(prompt.slice(Math.max(at + 1, end - 1 - NUMBER_LENGTH), end - 1)) : null;
    const colon = number ? end - 1 - number[0].length : -1, isNumber = number !== null && Number.isFinite(Number(number[1])) && !escaped.has(colon);
    delimiters[at] = delimiters[end - 1] = 2;
    groups.push({ kind, open: at, end, weight: isNumber ? { at: colon, text: number[1]! } : null, isCut: cuts.length > cutsBefore });
    if (kind === 'choice') partsOf(at, separators, end);
    if (kind === 'square') turns(separators, end);
  }

  /** [a|b] and [a:b:0.5]; else colons and bars are text. */
  function turns(separators: readonly number[], end: number): void {
    const [first] = separators, last = separators.at(-1)!;
    if (first === undefined) return;
    const isSchedule = separators.length <= 2 && separators.every((at) => prompt[at] === ':') && when.test(prompt.slice(last + 1, Math.min(end - 1, last + 1 + NUMBER_LENGTH)));
    if (isSchedule || separators.every((at) => prompt[at] === '|')) for (const at of separators) stop(at, at + 1);
    if (isSchedule) stop(last, end - 1);
  }

  function partsOf(at: number, separators: readonly number[], end: number): void {
    for (const bar of separators) stop(bar, bar + 1);
    for (const from of [at, ...separators]) stop(from + 1, from + 1 + optionStart.exec(prompt.slice(from + 1, Math.min(end - 1, from + 1 + NUMBER_LENGTH)))![0].length);
  }
}

/** With spaces in place of these. */
function blanked(prompt: string, spans: readonly Span[]): string {
  let said = '', from = 0;
  for (const { start, end } of spans) {
    said += prompt.slice(from, start) + ' '.repeat(end - start);
    from = end;
  }
  return said + prompt.slice(from);
}

/** The weight of a part that ends at `end`, with its colon. */
function weightBefore(words: string, end: number, escaped: ReadonlySet<number>): Span | null {
  let to = end;
  while (to > 0 && /\s/.test(words[to - 1]!)) to--;
  const found = /:\s*[+-]?(?:\d+\.?|\d*\.\d+)$/.exec(words.slice(Math.max(0, to - NUMBER_LENGTH), to));
  const at = found ? to - found[0].length : -1;
  return at < 0 || escaped.has(at) ? null : { start: at, end: to };
}
