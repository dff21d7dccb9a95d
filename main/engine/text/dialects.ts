// Prompts of other programs in our words, which are A1111's: what weighs a phrase there weighs it here, and what is text there stays text.
import type { PictureSource } from '../../../preload/contract/vocabulary';
import { escapeWords, type PromptWord } from './escapes';
import { word } from './unicode';

interface Dialect {
  /** Puts their weights and brackets into ours, and what is text there between ours. */
  readonly weigh: (prompt: string) => string;
  /** Their words besides, which are ours too. */
  readonly words: readonly PromptWord[] | ((prompt: string) => readonly PromptWord[]);
}

const asA1111: Dialect = { weigh: fromA1111, words: ['tag', 'and', 'break', 'schedule'] };
const noWords: Dialect = { weigh: escaped, words: [] };
/** A1111's brackets, in programs that may as well have others. */
const hasWeight = (prompt: string): boolean => /:\s*[\d.]+\s*\)/.test(prompt);

/**
 * What each program has of our words. No text of A1111 and Forge has a comment or a choice: they are taken out and made before it is
 * written, so that a '#' there is one that was painted (comments came with 1.7, can be turned off, and `{a|b}` needs an extension).
 */
const dialects: Readonly<Record<Exclude<PictureSource, 'atelier' | 'none'>, Dialect>> = {
  a1111: asA1111, forge: asA1111, sdnext: asA1111, civitai: asA1111, tensorart: asA1111, sdcpp: { weigh: fromA1111, words: ['tag', 'break'] },
  // Conditionings that were joined come with BREAK and AND; tags are of nodes that have them.
  comfyui: { weigh: fromComfy, words: ['tag', 'and', 'break'] },
  stabilitymatrix: { weigh: fromComfy, words: ['comment', 'tag', 'choice'] }, swarmui: { weigh: fromSwarm, words: ['tag', 'break', 'schedule'] },
  fooocus: { weigh: fromFooocus, words: ['tag', 'break', 'wildcard'] }, ruinedfooocus: { weigh: fromComfy, words: ['tag', 'wildcard'] },
  invokeai: { weigh: fromCompel, words: (prompt) => (isBlend(prompt) ? ['and'] : []) }, easydiffusion: { weigh: (prompt) => (hasWeight(prompt) ? fromA1111(prompt) : fromCompel(prompt)), words: [] },
  novelai: { weigh: fromNovelAi, words: [] }, drawthings: { weigh: fromDrawThings, words: [] }, mochi: noWords, huggingface: noWords, midjourney: noWords,
  other: { weigh: (prompt) => (hasWeight(prompt) ? fromA1111(prompt) : escaped(prompt)), words: ['tag'] },
};

/** As our reader writes the lists of weighed prompts of InvokeAI 2. */
function isBlend(prompt: string): boolean {
  const parts = prompt.split(' AND ');
  return parts.length > 1 && parts.every((part) => / :-?[\d.]+$/.test(part.slice(-20)));
}

/** A prompt as that program reads it. `template`: choices of an extension were made, so that what is left of them is theirs. Never throws. */
export function fromDialect(prompt: string, source: PictureSource, { template = false } = {}): string {
  if (source === 'atelier' || source === 'none') return prompt;
  const { weigh, words: either } = dialects[source], words = typeof either === 'function' ? either(prompt) : either;
  return escapeWords(weigh(prompt), template ? [...words, 'choice', 'wildcard'] : words);
}

/** In ComfyUI's own language choices alone are ours; its window has made its own before the picture is. */
export const fromComfyLanguage = (prompt: string): string => escapeWords(prompt, ['comment', 'tag', 'and', 'break', 'schedule']);

type Parts = [text: string, weight: number][];

const weighted = (text: string, weight: number): string => (Math.abs(weight - 1) < 5e-4 ? text : `(${text}:${Number(weight.toFixed(3))})`);
function escaped(text: string): string { return text.replace(/[()[\]\\]/g, '\\$&'); }

/** The same grammar, but for words of theirs behind a backslash, which goes without a word. */
const unmoved = new RegExp(`(\\\\[()[\\]\\\\])|\\\\(?=(?:AND|BREAK)(?![${word}])|<[${word}]+:|:\\s*[+-]?[.\\d]+\\s*\\))`, 'gu');
function fromA1111(prompt: string): string { return prompt.replace(unmoved, '$1'); }

/** Curly brackets multiply by 1.05, square ones divide; `1.5::text::` weighs by number until the next `::`. Round brackets are text. */
function fromNovelAi(prompt: string): string {
  const parts: Parts = [];
  let depth = 0, number = 1;
  for (const [token] of prompt.matchAll(/-?\d{1,9}(?:\.\d{1,9})?::|::|[{}[\]]|[^{}[\]:\d-]+|./gsu)) {
    if (token === '{' || token === ']') depth++;
    else if (token === '}' || token === '[') depth--;
    else if (token === '::') number = 1;
    else if (token.endsWith('::')) number = Number(token.slice(0, -2));
    else parts.push([token, 1.05 ** depth * number]);
  }
  return joined(parts);
}

/** Deeper brackets are text. */
const DEEPEST = 100;

/** Compel: `word+`, `(phrase)--`, `(phrase)1.3`; each plus is 1.1, each minus 0.9. Square brackets are text. `.and()`, `.blend()` and `.swap()` stay. */
function fromCompel(prompt: string): string {
  const parts: Parts = [], open: number[] = [];
  const token = /\\.|\(|\)(\++|-+(?!\w)|\d*\.?\d+)?|[^\s()\\,]+|[\s,]+/gsu;
  for (const [found, suffix = ''] of prompt.matchAll(token)) {
    const [, word, signs] = /^([^\\].*?[^+-]|[^\\+-])(\++|-+)$/su.exec(found) ?? [];
    if (found === '(' && open.length < DEEPEST) open.push(parts.length);
    else if (found[0] === ')' && open.length > 0) for (let i = open.pop()!; i < parts.length; i++) parts[i]![1] *= factorOf(suffix);
    else if (word !== undefined && signs !== undefined) parts.push([word, factorOf(signs)]);
    else parts.push([found.length === 2 && found[0] === '\\' ? found[1]! : found, 1]);
  }
  return joined(parts);
}

const factorOf = (suffix: string): number => (suffix === '' ? 1 : suffix[0] === '+' ? 1.1 ** suffix.length : suffix[0] === '-' ? 0.9 ** suffix.length : Number(suffix));

/** For what is half theirs, half ours: prompts that were joined, and A1111's text written by nodes. Round brackets in pairs are ours, all else is text, and trained words have a prefix. */
function fromComfy(prompt: string): string {
  const open: number[] = [], lone = new Set<number>();
  for (const { 0: sign, index } of prompt.matchAll(/\\[()]|[()]/g)) {
    if (sign === '(') open.push(index);
    else if (sign === ')' && open.pop() === undefined) lone.add(index);
  }
  for (const index of open) lone.add(index);
  return prompt.replace(/(\\[()[\]\\])|([()])|[[\]]|\\|\bembedding:(?=\S)/g, (sign, escape: string | undefined, bracket: string | undefined, at: number) =>
    escape ?? (bracket && !lone.has(at) ? bracket : sign === 'embedding:' ? '' : `\\${sign}`));
}

/** Each line is a chunk of its own. */
function fromFooocus(prompt: string): string { return fromComfy(prompt).split(/\s*\n\s*/).filter((line) => line !== '').join('\nBREAK\n'); }

/** ComfyUI's brackets, A1111's schedules, and words of its own in angle brackets, whose choices are made before a picture is. */
function fromSwarm(prompt: string): string {
  return fromComfy(prompt).replace(/\\\[([^[\]\\]*(?:\|[^[\]\\]*|:[\d.]{1,20}))\\\]/g, '[$1]')
    .replace(/<(?:(break)|(?:alternate|alt):([^<>]+)|fromto(?:\\\[([\d.]+)\\\]|\[([\d.]+)\]):([^<>]+)|(?:embed|embedding):([^<>]+)|(comment):[^<>]*)>/g,
      (_, stop?: string, turns?: string, when?: string, at?: string, change?: string, name?: string) => (stop ? ' BREAK ' : turns !== undefined ? `[${listed(turns).join('|')}]`
        : change !== undefined ? `[${listed(change).slice(0, 2).join(':')}:${when ?? at!}]` : name ?? ''));
}

/** Parted by the rarest of their signs. */
const listed = (text: string): string[] => text.split(text.includes('||') ? '||' : text.includes('|') ? '|' : ',').map((part) => part.trim());

/** Draw Things reads from the end: a closing bracket weighs what stands before it, any opening one ends that, and a backslash is one. */
function fromDrawThings(prompt: string): string {
  const parts: Parts = [], scales = [1];
  for (const [token] of [...prompt.matchAll(/:[\s\d.]*\)|[()[\]]|[^:()[\]]+|:/g)].reverse()) {
    const scale = scales.at(-1)!;
    if (token.endsWith(')')) scales.push(scale * (Number.parseFloat(token.slice(1).replace(/\s/g, '')) || 1.1));
    else if (token === ']') scales.push(scale / 1.1);
    else if (token === '(' || token === '[') scales.splice(Math.max(1, scales.length - 1));
    else parts.push([token, scale]);
  }
  return joined(parts.reverse());
}

/** Neither space nor comma. */
const edge = /[^\s,]/;

/** Neighbours of one weight in one bracket; round and square brackets of the text are escaped. */
function joined(parts: Parts): string {
  const merged: Parts = [];
  for (const [text, weight] of parts) {
    const last = merged.at(-1);
    // Space and commas have no weight to speak of, so that they part nothing.
    if (last && (Math.abs(last[1] - weight) < 1e-9 || text.trim() === '')) last[0] += text;
    else merged.push([text, weight]);
  }
  return merged.map(([text, weight]) => {
    const start = text.search(edge);
    let end = text.length;
    while (end > start && !edge.test(text[end - 1]!)) end--;
    return start < 0 ? text : `${text.slice(0, start)}${weighted(escaped(text.slice(start, end)), weight)}${text.slice(end)}`;
  }).join('');
}
