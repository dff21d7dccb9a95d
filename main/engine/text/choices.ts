// The grammar of choices in prompts: {a|b}, weights {0.5::a|b}, several at once {2$$a|b|c} and {1-2$$ and $$a|b}, nested, and wildcards __name__.

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'wildcard'; readonly name: string }
  | { readonly kind: 'choice'; readonly options: readonly Option[]; readonly pick: Pick | null };

export interface Option { readonly weight: number; readonly nodes: readonly Node[] }

/** How many, without repeats; no more than there are. */
export interface Pick { readonly least: number; readonly most: number | null; readonly separator: string }

/** An open brace, with what was read since, split at its '|'. */
interface Frame { readonly options: Node[][] }

/** Deeper braces are text. */
const DEEPEST = 200;
const LONGEST_NAME = 200;

/** `\{`, `\|` and `\}` are text and stay as they are, comments too (from '#' to the end of the line). */
const tokens = /\\[^]|#[^\n]*|[{|}]|__|[^\\#{|}_]+|[\\_]/gu;

/** Never throws: braces that match nothing are text. */
export function parseChoices(text: string): Node[] {
  const top: Node[] = [];
  const open: Frame[] = [];
  const here = (): Node[] => open.at(-1)?.options.at(-1) ?? top;
  tokens.lastIndex = 0;
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const [token] = match;
    const frame = open.at(-1);
    const name = token === '__' ? wildcardAt(text, match.index + 2) : null;
    if (name !== null) {
      here().push({ kind: 'wildcard', name });
      tokens.lastIndex = match.index + name.length + 4;
    } else if (token === '{' && open.length < DEEPEST) open.push({ options: [[]] });
    else if (token === '|' && frame) frame.options.push([]);
    else if (token === '}' && frame) {
      open.pop();
      here().push(...closed(frame));
    } else addText(here(), token);
  }
  while (open.length > 0) {
    const frame = open.pop()!;
    addAll(here(), [{ kind: 'text', text: '{' }, ...withBars(frame)]);
  }
  return top;
}

/** The name between two pairs of underscores, of which the first ends at `start`. */
function wildcardAt(text: string, start: number): string | null {
  const end = text.slice(start, start + LONGEST_NAME + 3).indexOf('__', 1);
  const name = end < 0 ? '' : text.slice(start, start + end);
  return /^[\p{L}\p{N}*](?:[\p{L}\p{N}_* \-/.+']*[\p{L}\p{N}*.+'])?$/u.test(name) ? name : null;
}

/** A choice, or where there is nothing to choose the braces as they were. */
function closed(frame: Frame): Node[] {
  const [first = [], ...more] = frame.options;
  const { pick, rest } = pickOf(first);
  if (!pick && more.length === 0) {
    const literal: Node[] = [{ kind: 'text', text: '{' }];
    addAll(literal, first);
    addText(literal, '}');
    return literal;
  }
  return [{ kind: 'choice', pick, options: [rest, ...more].map(weightOf) }];
}

const pickPattern = /^\s*(?:(\d{1,4})|(\d{1,4})?-(\d{1,4})?)\$\$(?:([^$]*)\$\$)?/;

/** What stands before '$$' at the start of the first option: 2, 1-3, 1- or -3, and perhaps a separator. */
function pickOf(nodes: readonly Node[]): { pick: Pick | null; rest: readonly Node[] } {
  const match = pickPattern.exec(startOf(nodes));
  if (!match) return { pick: null, rest: nodes };
  const [whole, exactly, from, to, separator = ', '] = match;
  const [least, most] = exactly === undefined ? [Number(from ?? 1), to === undefined ? null : Number(to)] : [Number(exactly), Number(exactly)];
  const ordered = most !== null && most < least ? { least: most, most: least } : { least, most };
  return { pick: { ...ordered, separator }, rest: withoutStart(nodes, whole.length) };
}

const weightPattern = /^\s*(\d{1,9}\.?\d{0,9}|\.\d{1,9})::/;

/** `0.5::text`; 1 without. */
export function weightOf(nodes: readonly Node[]): Option {
  const match = weightPattern.exec(startOf(nodes));
  return match ? { weight: Number(match[1]), nodes: withoutStart(nodes, match[0].length) } : { weight: 1, nodes };
}

const startOf = ([head]: readonly Node[]): string => (head?.kind === 'text' ? head.text : '');

/** Without the first characters of the text that stands first. */
function withoutStart(nodes: readonly Node[], length: number): readonly Node[] {
  const rest = startOf(nodes).slice(length);
  return rest === '' ? nodes.slice(1) : [{ kind: 'text', text: rest }, ...nodes.slice(1)];
}

/** The options of a brace that never closed, with their bars. */
const withBars = ({ options }: Frame): Node[] => options.flatMap((nodes, i): Node[] => (i > 0 ? [{ kind: 'text', text: '|' }, ...nodes] : nodes));

function addAll(to: Node[], nodes: readonly Node[]): void {
  for (const node of nodes) {
    if (node.kind === 'text') addText(to, node.text);
    else to.push(node);
  }
}

/** Neighbouring texts are one, as numbers and weights are looked for at their start. */
function addText(nodes: Node[], text: string): void {
  const last = nodes.at(-1);
  if (last?.kind === 'text') nodes[nodes.length - 1] = { kind: 'text', text: last.text + text };
  else nodes.push({ kind: 'text', text });
}
