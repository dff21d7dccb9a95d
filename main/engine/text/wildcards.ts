// Prompts that leave something to chance: wildcards `__name__`, choices `{red|blue}` and variables, in the notation of sd-dynamic-prompts. The seed decides, so
// the same template, files and seed give the same prompt.
import type { Notice } from '../../../preload/contract/notice';
import type { Seed } from '../../../preload/contract/seed';
import { seededShares } from './chance';
import { parseChoices, weightOf, type ChoiceOptions, type TemplateNode, type Option, type Wildcard } from './choices';
import { stripComments } from './prompt-syntax';

export interface WildcardLibrary {
  /** The lines of all files and lists that a name stands for; `*` and `?` as in `matchesWildcard`. null when there is none. */
  lines(name: string): Promise<readonly string[] | null>;
}

export interface Expanded { readonly texts: readonly string[]; readonly notices: readonly Notice[] }

/** Wildcards and variables within each other; they may name each other in circles. */
const DEEPEST = 32;
/** As long as a prompt may be. */
const LONGEST = 100_000;
/** Of values and of variables' meanings. */
const MOST_CHOICES = 10_000;

/** Where a text stands: within which wildcards and variables, and what variables mean there. */
interface Scope { readonly trail: readonly string[]; readonly variables: ReadonlyMap<string, readonly TemplateNode[]> }

interface Line { readonly weight: number; readonly text: string }
const isLine = (drawn: Line | Option): drawn is Line => 'text' in drawn;

/**
 * The texts with every choice made, from the first to the last with one generator; variables hold within the text, or the line of a wildcard, that
 * sets them. What is not there, or names itself without end, stays as text, with a notice. What is no well-formed choice is text, too: braces that
 * match nothing, and `{such}` with nothing to choose. Never throws, except what the library throws.
 */
export async function expandWildcards(texts: readonly string[], seed: Seed, library: WildcardLibrary, options: ChoiceOptions = {}): Promise<Expanded> {
  const parse = (text: string): TemplateNode[] => parseChoices(text, options);
  const notices = new Map<string, Notice>();
  const share = seededShares(seed);
  let choices = 0, length = 0;

  async function expand(nodes: readonly TemplateNode[], outer: Scope): Promise<string> {
    const scope = await withVariables(nodes, outer);
    let text = '';
    for (const node of nodes) {
      if (node.kind === 'text') text += written(node.text);
      else if (node.kind === 'wildcard') text += await expandWildcard(node, scope);
      else if (node.kind === 'get') text += await expandVariable(node, scope);
      else if (node.kind === 'choice') text += await expandChoice(node, scope);
    }
    return text;
  }

  /** Set before anything is chosen, wherever in the text they are set. */
  async function withVariables(nodes: readonly TemplateNode[], scope: Scope): Promise<Scope> {
    if (!nodes.some(({ kind }) => kind === 'set')) return scope;
    const variables = new Map(scope.variables);
    for (const node of nodes) {
      if (node.kind !== 'set' || (node.keep && variables.has(node.name))) continue;
      variables.set(node.name, node.immediate ? [{ kind: 'text', text: await expand(node.value, { ...scope, variables }) }] : node.value);
    }
    return { ...scope, variables };
  }

  async function expandWildcard(wildcard: Wildcard, scope: Scope): Promise<string> {
    const lines = await linesOf(wildcard, scope);
    return lines ? expandDrawn(draw(lines), within(wildcard, scope)) : written(wildcard.text);
  }

  async function expandVariable({ name, fallback }: Extract<TemplateNode, { kind: 'get' }>, scope: Scope): Promise<string> {
    choices++;
    const value = scope.variables.get(name) ?? fallback, shown = `\${${name}}`;
    if (value && !isEndless(shown, shown, scope)) return expand(value, { ...scope, trail: [...scope.trail, shown] });
    if (!value) notices.set(shown, { code: 'variable.missing', data: { name: shown } });
    return written(shown);
  }

  async function expandChoice({ options, pick }: Extract<TemplateNode, { kind: 'choice' }>, scope: Scope): Promise<string> {
    if (!pick) return expandDrawn(draw([...options]), scope);
    const [only] = options[0]!.nodes;
    const file = options.length === 1 && options[0]!.nodes.length === 1 && only?.kind === 'wildcard' ? only : null;
    const lines = file && await linesOf(file, scope);
    const left: (Line | Option)[] = [...lines ?? options];
    const most = Math.min(pick.most ?? left.length, left.length), least = Math.min(pick.least, most);
    const count = least + Math.floor(share() * (most - least + 1));
    const inner = lines ? within(file!, scope) : scope;
    const picked: string[] = [];
    while (picked.length < count) picked.push((await expandDrawn(draw(left), inner)).trim());
    return picked.join(pick.separator);
  }

  /** Only the lines that are drawn are parsed: files may have a hundred thousand. */
  const expandDrawn = (drawn: Line | Option, scope: Scope): Promise<string> => expand(isLine(drawn) ? weightOf(parse(drawn.text)).nodes : drawn.nodes, scope);

  /** Takes one out, by weight. */
  function draw<T extends Line | Option>(options: T[]): T {
    choices++;
    const total = options.reduce((sum, { weight }) => sum + weight, 0);
    let at = share() * (total || options.length);
    const index = options.findIndex(({ weight }) => (at -= total ? weight : 1) < 0);
    return options.splice(Math.max(0, index), 1)[0]!;
  }

  async function linesOf({ name, text }: Wildcard, scope: Scope): Promise<Line[] | null> {
    if (isEndless(`__${name}__`, text, scope)) return null;
    const lines = await library.lines(name);
    if (lines && lines.length > 0) return lines.map((line) => ({ text: line, weight: weightOf([{ kind: 'text', text: line }]).weight }));
    notices.set(text, { code: 'wildcard.missing', data: { name: text } });
    return null;
  }

  function isEndless(name: string, text: string, { trail }: Scope): boolean {
    if (trail.length < DEEPEST && choices <= MOST_CHOICES && length <= LONGEST) return false;
    const circle = trail.lastIndexOf(name);
    notices.set(text, circle < 0 ? { code: 'wildcard.endless', data: { name: text } } : { code: 'wildcard.circle', data: { name: text, circle: [...trail.slice(circle), name].join(' → ') } });
    return true;
  }

  function written(text: string): string {
    length += text.length;
    return text;
  }

  const expanded: string[] = [];
  for (const text of texts) expanded.push(await expand(parse(text), { trail: [], variables: new Map() }));
  return { texts: expanded, notices: [...notices.values()] };
}

const within = ({ name, values }: Wildcard, { trail, variables }: Scope): Scope =>
  ({ trail: [...trail, `__${name}__`], variables: new Map([...variables, ...[...values].map(([key, value]) => [key, parseChoices(value)] as const)]) });

/** The lines of a wildcard file that can be chosen, without comments, which go from '#' to the end of the line as in prompts, and not the empty ones. */
export const wildcardLines = (text: string): string[] => text.split(/\r\n|[\r\n]/).map((line) => stripComments(line).trim()).filter((line) => line !== '');

/** Whether a name is what a pattern says, in any case: `*` stands for any characters, `?` for one. Linear: the last '*' takes as little as it can. */
export function matchesWildcard(pattern: string, name: string): boolean {
  const [p, n] = [pattern.toLowerCase(), name.toLowerCase()];
  let star = -1, tried = 0, i = 0, k = 0;
  while (k < n.length) {
    if (p[i] === '*') [star, tried] = [i++, k];
    else if (p[i] === '?' || p[i] === n[k]) [i, k] = [i + 1, k + 1];
    else if (star >= 0) [i, k] = [star + 1, ++tried];
    else return false;
  }
  while (p[i] === '*') i++;
  return i === p.length;
}
