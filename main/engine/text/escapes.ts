// Our words as text: a backslash before the sign. It goes where emphasis is read; where no brackets are read, by what stands here.
import { parseChoices } from './choices';
import { weightAt } from './prompt-syntax';
import { word } from './unicode';

/** What means something in our prompts besides brackets. `schedule`: `:` and `|` in square brackets. `and`: a weight at the end, too. */
export type PromptWord = 'comment' | 'tag' | 'and' | 'break' | 'schedule' | 'choice' | 'wildcard';

/** A sign of each kind, by the named group that it is in; brackets only to know where `:` and `|` stand. */
const signs = new RegExp([
  '\\\\[^]', '(?<comment>#)', `(?<tag><)(?=[${word}]+:)`, `(?<![${word}])(?:(?<and>AND)|(?<break>BREAK))(?![${word}])`, '(?<open>[([])', '(?<close>:[ \\d.+-]*\\)|[)\\]>])', '(?<choice>\\{)', '(?<wildcard>__)',
  '(?<schedule>[:|])',
].join('|'), 'gu');

/** The prompt with a backslash before each of our words that is not among `words`. What has one stays, and so do braces and names that mean nothing. Linear. */
export function escapeWords(prompt: string, words: readonly PromptWord[]): string {
  const hasChoices = parseChoices(prompt, { comments: false }).some(({ kind }) => kind !== 'text');
  const means: Partial<Record<string, () => boolean>> = { schedule: () => open.at(-1) === '[', wildcard: () => hasChoices, choice: () => hasChoices };
  const open: string[] = [];
  const escaped = prompt.replace(signs, (sign, ...rest) => {
    const [kind] = Object.entries(rest.at(-1) as Record<string, string | undefined>).find(([, found]) => found !== undefined) ?? [];
    if (kind === 'open' || kind === 'tag') open.push(sign);
    if (kind === 'close' && (sign !== '>' || open.at(-1) === '<')) open.pop();
    if (kind === undefined || kind === 'open' || kind === 'close' || words.includes(kind as PromptWord)) return sign;
    if (means[kind]?.() === false) return sign;
    return kind === 'wildcard' ? '_\\_' : `\\${sign}`;                 // a backslash before both would end a word that they are part of
  });
  const colon = words.includes('and') ? -1 : weightAt(escaped);
  return colon < 0 ? escaped : `${escaped.slice(0, colon)}\\${escaped.slice(colon)}`;
}

/** ComfyUI's window has choices, and this for their signs. */
export const unescapeChoices = (prompt: string): string => prompt.replace(/\\([_{}|])/g, '$1');

export const unescapeWords = (prompt: string): string => prompt.replace(/\\(\\|AND|BREAK|[#<:_{}|])/g, (pair, sign: string) => (sign === '\\' ? pair : sign));
