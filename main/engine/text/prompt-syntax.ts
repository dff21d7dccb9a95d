// What stands in a prompt besides its words: comments, tags that call up networks, and AND. A1111's notation, with one sign more: a backslash makes what
// follows it text (`\#`, `\<`, `\AND`, `\:`). It stays here, and goes when emphasis is read.
import { commentAt } from '../../../preload/contract/comments';
import { space, toNumber, trimEnd, word } from './unicode';

/** Without comments, from '#' to the end of the line; a line that holds nothing else goes as a whole. */
export function stripComments(text: string): string {
  if (!text.includes('#')) return text;
  return text.split('\n').filter((line) => !line.startsWith('#')).map((line) => line.slice(0, commentAt(line))).join('\n');
}

/** A tag <kind:arg:arg…>: a network that the prompt asks for, such as <lora:name:0.8>. */
export interface ExtraNetwork {
  /** As written: lora, lyco, hypernet, … */
  kind: string;
  /** Arguments in order, name first. */
  positional: string[];
  /** Arguments of the form key=value, e.g. te, unet, dyn. */
  named: Map<string, string>;
}

/** LyCORIS had a tag of its own. */
export const isLoraTag = (kind: string): boolean => /^(?:lora|lyco)$/i.test(kind);

/** Takes the tags out of a prompt. What is no tag, such as '<3' or '<lora>', stays. */
export function takeExtraNetworks(prompt: string): { prompt: string; networks: ExtraNetwork[] } {
  const networks: ExtraNetwork[] = [];
  const end = prompt.lastIndexOf('>') + 1;                   // looking for a '>' that never comes would take quadratic time
  const rest = prompt.slice(0, end).replace(tag, (found, kind: string | undefined, args: string) => {
    if (kind === undefined) return found;
    const network: ExtraNetwork = { kind, positional: [], named: new Map() };
    for (const arg of args.replace(/\\(?:(\\)|([#_{}|]))/g, (pair, _, sign: string | undefined) => sign ?? pair).split(':')) {
      const [key = '', value, more] = arg.split('=');
      if (value === undefined || more !== undefined) network.positional.push(arg);
      else network.named.set(key, value);
    }
    networks.push(network);
    return '';
  });
  return { prompt: rest + prompt.slice(end), networks };
}

/** What is left when no LoRA is called up. */
export const withoutLoraTags = (prompt: string): string => prompt.replace(tag, (found, kind: string | undefined) => (kind !== undefined && isLoraTag(kind) ? '' : found));

const tag = new RegExp(`\\\\[^]|<([${word}]+):([^>]+)>`, 'gu');

/**
 * One of several prompts at once: the picture is denoised toward uncond + Σ weight · (cond − uncond). Composable diffusion, Liu et al. 2022
 * (arXiv:2206.01714).
 */
export interface WeightedPrompt { text: string; weight: number }

/** Splits at the word AND; `:weight` may end each part (default 1). Space at a part's end goes, at its start it stays. */
export function splitAnd(prompt: string): WeightedPrompt[] {
  const parts: string[] = [];
  let from = 0;
  for (const { 0: found, index } of prompt.matchAll(andWord)) {
    if (found !== 'AND') continue;
    parts.push(prompt.slice(from, index));
    from = index + found.length;
  }
  return [...parts, prompt.slice(from)].map(weighted);
}

const andWord = new RegExp(`\\\\[^]|(?<![${word}])AND(?![${word}])`, 'gu');
const weight = new RegExp(`^[${space}]*([+-]?(?:\\p{Nd}+\\.?|\\p{Nd}*\\.\\p{Nd}+))$`, 'u');

function weighted(part: string): WeightedPrompt {
  const text = trimEnd(part), colon = weightAt(text);
  return colon < 0 ? { text, weight: 1 } : { text: trimEnd(text.slice(0, colon)), weight: toNumber(weight.exec(text.slice(colon + 1))![1]!) };
}

/** Where the weight at the end of a part begins, at its colon; -1 where there is none. */
export function weightAt(part: string): number {
  const text = trimEnd(part), colon = text.lastIndexOf(':');
  const value = colon < 0 || isEscaped(text, colon) ? undefined : weight.exec(text.slice(colon + 1))?.[1];
  return value !== undefined && Number.isFinite(toNumber(value)) ? colon : -1;
}

/** Behind an odd number of backslashes. */
function isEscaped(text: string, at: number): boolean {
  let from = at;
  while (text[from - 1] === '\\') from--;
  return (at - from) % 2 === 1;
}
