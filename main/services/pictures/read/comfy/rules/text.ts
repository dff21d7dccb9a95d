// Nodes that read words.
import { asText } from '../../fields';
import type { Call } from '../call';
import { as, plain, type Conditioning, type Plain, type Unknown, type Value } from '../values';
import { numbered, text, type Rule } from './kit';

/** The first of these texts with words in it; others that say the same are read with it. Newer models have a text for each tower, which are mostly the same. */
export function firstText(call: Call, names: readonly string[]): Plain | Unknown {
  const plains: Plain[] = [];
  for (const name of names) {
    const value = call.inputs.get(name);
    if (value?.kind === 'unknown') return value;
    if (value?.kind === 'plain') plains.push(value);
  }
  const chosen = plains.find(({ value }) => text(value).trim() !== '');
  return chosen ? plain(chosen.value, ...plains.filter(({ value }) => value === chosen.value)) : plain('');
}

/** Whose words a node says that it reads. */
const saysComfy = (call: Call): boolean =>
  ['parser', 'weight_interpretation', 'positive_weight_interpretation'].every((name) => /^comfy/i.test(asText(call.node.inputs.get(name)) ?? 'comfy'));

export const conditioningOf = (call: Call, words: Plain | Unknown, clip: Value | undefined = call.fields.get('clip')): Conditioning => ({
  kind: 'conditioning',
  text: words,
  isComfy: saysComfy(call) && !call.node.inputs.has('populated_text') && call.node.inputs.get('a1111_prompt_style') !== true,
  clip,
  doubts: [],
});

/** Whether its towers read other texts each: a job has one for all. */
export const areOthers = (call: Call, names: readonly string[]): boolean =>
  new Set(names.flatMap((name) => { const value = call.inputs.get(name); return value?.kind === 'plain' ? [text(value.value).trim()] : []; })).size > 1;

/** What the first of these texts with words in it says; in doubt where another says something else. */
export function encoded(call: Call, names: readonly string[], clip?: Value): Conditioning {
  const conditioning = conditioningOf(call, firstText(call, names), clip);
  return areOthers(call, names) ? { ...conditioning, doubts: [call.node] } : conditioning;
}

/** A text encoder: its conditioning has the first of these texts. */
export const encodes = (...names: readonly string[]): Rule => (call) => ({ conditioning: encoded(call, names) });

/** With both prompts. */
export const encodesBoth = (positive: readonly string[], negative: readonly string[], clip = 'clip'): Rule => (call) => {
  const both = {
    positive: encoded(call, positive, call.inputs.get(clip)),
    negative: encoded(call, negative, call.inputs.get(clip)),
  };
  return { ...both, base_positive: both.positive, base_negative: both.negative };
};

/** A conditioning without words: pictures alone, or zeros. */
export const nothing: Conditioning = { kind: 'conditioning', text: plain(''), isComfy: true, doubts: [] };
export const saysNothing: Rule = (call) => ({ conditioning: { ...nothing, clip: as('conditioning', call.fields.get('conditioning'))?.clip } });

interface Joining {
  readonly names: readonly string[] | RegExp;
  readonly between: (call: Call) => Plain | Unknown;
  readonly skipsEmpty?: boolean;
  readonly trims?: boolean;
  readonly atMost?: number;
}

/** Texts, one behind the other. */
export function joinTexts(call: Call, { names, between, skipsEmpty = false, trims = false, atMost = 200 }: Joining): Plain | Unknown {
  const delimiter = between(call);
  if (delimiter.kind === 'unknown') return delimiter;
  const parts: Plain[] = [];
  for (const name of (names instanceof RegExp ? numbered(call, names) : names).slice(0, atMost)) {
    const value = call.inputs.get(name);
    if (value?.kind === 'unknown') return value;
    if (value?.kind === 'plain') parts.push(value); else if (value) return call.unknown;
  }
  const words = parts.map(({ value }) => (trims ? text(value).trim() : text(value))).filter((each) => !skipsEmpty || each !== '');
  const made = words.join(text(delimiter.value));
  return call.spend(made) ? plain(made, ...parts, delimiter) : call.unknown;
}

/** Written in an input of the node, with `\n` for a line break; `otherwise` where it is absent. */
export const written = (name: string, otherwise: string): Joining['between'] => (call) => {
  const value = call.inputs.get(name);
  if (value?.kind === 'unknown') return value;
  return value?.kind === 'plain' ? plain(text(value.value).replaceAll('\\n', '\n'), value) : plain(otherwise);
};
