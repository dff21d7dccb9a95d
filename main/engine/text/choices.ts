// The grammar of choices in prompts: {a|b}, weights {0.5::a|b}, several at once {2$$a|b|c} and {1-2$$ and $$a|b}, nested; wildcards __name__, with
// values __name(season=winter)__; variables ${season=!{summer|winter}} and ${season:spring}. The notation of sd-dynamic-prompts (docs/SYNTAX.md).

export type TemplateNode =
  | { readonly kind: 'text'; readonly text: string }
  | Wildcard
  | { readonly kind: 'choice'; readonly options: readonly Option[]; readonly pick: Pick | null }
  /** `immediate`: chosen once, where it is set, and not anew at each use. `keep`: a value that it has already counts. */
  | { readonly kind: 'set'; readonly name: string; readonly value: readonly TemplateNode[]; readonly immediate: boolean; readonly keep: boolean }
  | { readonly kind: 'get'; readonly name: string; readonly fallback: readonly TemplateNode[] | null };

/** `text`: as it was written. `values`: variables that hold within it. */
export interface Wildcard { readonly kind: 'wildcard'; readonly name: string; readonly text: string; readonly values: ReadonlyMap<string, string> }

export interface Option { readonly weight: number; readonly nodes: readonly TemplateNode[] }

/** How many, without repeats; no more than there are. */
export interface Pick { readonly least: number; readonly most: number | null; readonly separator: string }

/** An open `{` or `${`, with what was read since, split at its '|'. */
interface Frame { readonly opening: string; readonly options: TemplateNode[][] }

/** Deeper braces are text. */
const DEEPEST = 200;

/** What stands behind a backslash is text and both stay as they are, comments too (from '#' to the end of the line). */
const tokensWithComments = /\\[^]|#[^\n]*|\$?\{|[|}]|__|[^\\#{|}_$]+|[\\_$]/gu, tokensWithout = /\\[^]|\$?\{|[|}]|__|[^\\{|}_$]+|[\\_$]/gu;

/** Whether the language has comments; ComfyUI's has none. */
export interface ChoiceOptions { readonly comments?: boolean | undefined }

/** Never throws: braces that match nothing are text. */
export function parseChoices(text: string, { comments = true }: ChoiceOptions = {}): TemplateNode[] {
  const tokens = comments ? tokensWithComments : tokensWithout;
  tokens.lastIndex = 0;
  const top: TemplateNode[] = [];
  const open: Frame[] = [];
  const here = (): TemplateNode[] => open.at(-1)?.options.at(-1) ?? top;
  for (let match = tokens.exec(text); match; match = tokens.exec(text)) {
    const [token] = match;
    const frame = open.at(-1);
    const wildcard = token === '__' ? wildcardAt(text, match.index) : null;
    if (wildcard) {
      here().push(wildcard);
      tokens.lastIndex = match.index + wildcard.text.length;
    } else if ((token === '{' || token === '${') && open.length < DEEPEST) open.push({ opening: token, options: [[]] });
    else if (token === '|' && frame) frame.options.push([]);
    else if (token === '}' && frame) {
      open.pop();
      addAll(here(), frame.opening === '{' ? choiceOf(frame) : variableOf(frame));
    } else addText(here(), token);
  }
  while (open.length > 0) {
    const frame = open.pop()!;
    addAll(here(), asWritten(frame));
  }
  return top;
}

/** ~ @ ! say in which order to go through the values; each picture chooses for itself here, so they mean nothing. */
const wildcardPattern = /__[~@!]?([\p{L}\p{N}*](?:[\p{L}\p{M}\p{N}_* \-/\\.+'&,!?]{0,200}?[\p{L}\p{M}\p{N}*.+'!?])??)(?: ?\(([^()\n]{0,500})\))?__/uy;

function wildcardAt(source: string, index: number): Wildcard | null {
  wildcardPattern.lastIndex = index;
  const [text, name, values = ''] = wildcardPattern.exec(source) ?? [];
  if (text === undefined || name === undefined) return null;
  const pairs = values.split(',').map((pair) => pair.split(/=(.*)/s)).flatMap(([key = '', value]): [string, string][] => (value === undefined ? [] : [[key.trim(), value.trim()]]));
  return { kind: 'wildcard', name: name.replace(/\\+/g, '/'), text, values: new Map(pairs) };
}

/** A choice, or where there is nothing to choose the braces as they were. */
function choiceOf(frame: Frame): TemplateNode[] {
  const { pick, options: [first = [], ...more] } = pickOf(frame.options);
  if (!pick && more.length === 0) return [...asWritten(frame), { kind: 'text', text: '}' }];
  const order = /^\s*[~@!]/.exec(startOf(first))?.[0].length ?? 0;
  return [{ kind: 'choice', pick, options: [withoutStart(first, order), ...more].map(weightOf) }];
}

const variablePattern = /^\s*([\p{L}_-][\p{L}\p{N}_-]*)\s*(?:(\??)=(!?)\s*|(:)\s*|$)/u;

/** `${name=value}`, `${name?=value}`, `${name=!value}`, `${name}`, `${name:fallback}`; else as it was. */
function variableOf(frame: Frame): TemplateNode[] {
  const [nodes = [], ...more] = frame.options;
  const [whole = '', name, keep, immediate, colon] = variablePattern.exec(startOf(nodes)) ?? [];
  const value = withoutStart(nodes, whole.length);
  if (name !== undefined && more.length === 0) {
    if (keep !== undefined) return [{ kind: 'set', name, value, immediate: immediate === '!', keep: keep === '?' }];
    if (colon !== undefined || value.length === 0) return [{ kind: 'get', name, fallback: colon === undefined ? null : value }];
  }
  return [...asWritten(frame), { kind: 'text', text: '}' }];
}

const pickPattern = /^\s*[~@!]?(?:(\d{1,4})|(\d{1,4})?-(\d{1,4})?)\$\$(?:([^$]*)\$\$)?/;

/** What stands before '$$' at the start of the first option: 2, 1-3, 1- or -3, and perhaps a separator, which may have a '|' in it: {2$$ | $$a|b}. */
function pickOf([first = [], ...more]: readonly (readonly TemplateNode[])[]): { pick: Pick | null; options: readonly (readonly TemplateNode[])[] } {
  const start = startOf(first), match = pickPattern.exec(start);
  if (!match) return { pick: null, options: [first, ...more] };
  const [whole, exactly, from, to, separator] = match, [second = [], ...others] = more;
  const [least, most] = exactly === undefined ? [Number(from ?? 1), to === undefined ? null : Number(to)] : [Number(exactly), Number(exactly)];
  const range = most !== null && most < least ? { least: most, most: least } : { least, most };
  const behindBar = separator === undefined && first.length === 1 ? /^([^$]*)\$\$/.exec(startOf(second)) : null;
  if (behindBar) return { pick: { ...range, separator: `${start.slice(whole.length)}|${behindBar[1]!}` }, options: [withoutStart(second, behindBar[0].length), ...others] };
  return { pick: { ...range, separator: separator ?? ', ' }, options: [withoutStart(first, whole.length), ...more] };
}

const weightPattern = /^\s*(\d{1,9}\.?\d{0,9}|\.\d{1,9})::/;

/** `0.5::text`; 1 without. */
export function weightOf(nodes: readonly TemplateNode[]): Option {
  const match = weightPattern.exec(startOf(nodes));
  return match ? { weight: Number(match[1]), nodes: withoutStart(nodes, match[0].length) } : { weight: 1, nodes };
}

const startOf = ([head]: readonly TemplateNode[]): string => (head?.kind === 'text' ? head.text : '');

/** Without the first characters of the text that stands first. */
function withoutStart(nodes: readonly TemplateNode[], length: number): readonly TemplateNode[] {
  if (length === 0) return nodes;
  const rest = startOf(nodes).slice(length);
  return rest === '' ? nodes.slice(1) : [{ kind: 'text', text: rest }, ...nodes.slice(1)];
}

/** What an opening and what followed it are as text, without a closing brace. */
const asWritten = ({ opening, options }: Frame): TemplateNode[] =>
  [{ kind: 'text', text: opening }, ...options.flatMap((nodes, i): TemplateNode[] => (i > 0 ? [{ kind: 'text', text: '|' }, ...nodes] : nodes))];

function addAll(to: TemplateNode[], nodes: readonly TemplateNode[]): void {
  for (const node of nodes) {
    if (node.kind === 'text') addText(to, node.text);
    else to.push(node);
  }
}

/** Neighbouring texts are one, as numbers and weights are looked for at their start. */
function addText(nodes: TemplateNode[], text: string): void {
  const last = nodes.at(-1);
  if (last?.kind === 'text') nodes[nodes.length - 1] = { kind: 'text', text: last.text + text };
  else nodes.push({ kind: 'text', text });
}
