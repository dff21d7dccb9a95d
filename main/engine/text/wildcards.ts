// Prompts that leave something to chance: wildcards `__name__` and choices `{red|blue}`, in the notation of sd-dynamic-prompts. The seed decides, so
// the same template, files and seed give the same prompt.
import type { Notice } from '../../../preload/contract/notice';
import { seededShares } from './chance';
import { parseChoices, weightOf, type Node, type Option } from './choices';

export interface WildcardLibrary {
  /** The lines of all files that a name stands for; `*` stands for any characters. null when there is none. */
  lines(name: string): Promise<readonly string[] | null>;
}

export interface Expanded { readonly texts: readonly string[]; readonly notices: readonly Notice[] }

/** Wildcards within wildcards; files may name each other in circles. */
const DEEPEST = 32;
/** As long as a prompt may be. */
const LONGEST = 100_000;
const MOST_CHOICES = 10_000;

/**
 * The texts with every choice made, from the first to the last with one generator. A wildcard that is not there stays as text, with a notice.
 * What is no well-formed choice is text, too: braces that match nothing, and `{such}` with nothing to choose. Never throws, except what the
 * library throws.
 */
export async function expandWildcards(texts: readonly string[], seed: number, library: WildcardLibrary): Promise<Expanded> {
  const notices = new Map<string, Notice>();
  const share = seededShares(seed);
  let choices = 0, length = 0;

  async function expand(nodes: readonly Node[], depth: number): Promise<string> {
    let text = '';
    for (const node of nodes) {
      if (node.kind === 'text') text += written(node.text);
      else if (node.kind === 'wildcard') text += await expandWildcard(node.name, depth);
      else text += await expandChoice(node, depth);
    }
    return text;
  }

  async function expandWildcard(name: string, depth: number): Promise<string> {
    const options = await optionsOf(name, depth);
    return options ? expandOne(options, depth + 1) : written(`__${name}__`);
  }

  async function expandChoice({ options, pick }: Extract<Node, { kind: 'choice' }>, depth: number): Promise<string> {
    if (!pick) return expandOne(options, depth);
    const [only] = options[0]!.nodes;
    const isFile = options.length === 1 && options[0]!.nodes.length === 1 && only?.kind === 'wildcard';
    const left = [...(isFile ? await optionsOf(only.name, depth) ?? options : options)];
    const most = Math.min(pick.most ?? left.length, left.length), least = Math.min(pick.least, most);
    const count = least + Math.floor(share() * (most - least + 1));
    const picked: string[] = [];
    while (picked.length < count) picked.push((await expand(draw(left).nodes, depth + (isFile ? 1 : 0))).trim());
    return picked.join(pick.separator);
  }

  const expandOne = (options: readonly Option[], depth: number): Promise<string> => expand(draw([...options]).nodes, depth);

  /** Takes one out, by weight. */
  function draw(options: Option[]): Option {
    choices++;
    const total = options.reduce((sum, { weight }) => sum + weight, 0);
    let at = share() * (total || options.length);
    const index = options.findIndex(({ weight }) => (at -= total ? weight : 1) < 0);
    return options.splice(Math.max(0, index), 1)[0]!;
  }

  async function optionsOf(name: string, depth: number): Promise<readonly Option[] | null> {
    if (depth >= DEEPEST || choices > MOST_CHOICES || length > LONGEST) {
      notices.set(name, { code: 'wildcard.tooLong', message: `The wildcard __${name}__ was left as text: the prompt grew without end. Wildcard files may name each other in a circle.` });
      return null;
    }
    const lines = await library.lines(name);
    if (!lines || lines.length === 0) {
      notices.set(name, { code: 'wildcard.missing', message: `The wildcard __${name}__ was left as text: there is no file of that name with a line in it.` });
      return null;
    }
    return lines.map((line) => weightOf(parseChoices(line)));
  }

  function written(text: string): string {
    length += text.length;
    return text;
  }

  const expanded: string[] = [];
  for (const text of texts) expanded.push(await expand(parseChoices(text), 0));
  return { texts: expanded, notices: [...notices.values()] };
}

/** The lines of a wildcard file that can be chosen: not the empty ones and not the comments, which begin with '#'. */
export const wildcardLines = (text: string): string[] =>
  text.replace(/^\ufeff/, '').split(/\r\n|[\r\n]/).map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('#'));

/** Whether a name is what a pattern with `*` says, in any case. Linear: the last '*' takes as little as it can. */
export function matchesWildcard(pattern: string, name: string): boolean {
  const [p, n] = [pattern.toLowerCase(), name.toLowerCase()];
  let star = -1, tried = 0, i = 0, k = 0;
  while (k < n.length) {
    if (p[i] === '*') [star, tried] = [i++, k];
    else if (p[i] === n[k]) [i, k] = [i + 1, k + 1];
    else if (star >= 0) [i, k] = [star + 1, ++tried];
    else return false;
  }
  while (p[i] === '*') i++;
  return i === p.length;
}
