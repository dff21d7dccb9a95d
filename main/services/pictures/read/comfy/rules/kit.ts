// What rules are made of. A rule says what a node's outputs carry: by the names that its definition has for them, or by their slots.
import { asNumber } from '../../fields';
import type { Call, Outputs } from '../call';
import { as, plain, type Conditioning, type Plain, type Scalar, type Unknown, type Value } from '../values';

export type Made = Readonly<Record<string, Value | undefined>>;
export type Rule = (call: Call) => Made | Outputs;
export type Rules = Readonly<Record<string, Rule>>;

/** One rule for several types. */
export const each = (types: readonly string[], rule: Rule): Rules => Object.fromEntries(types.map((type) => [type, rule]));

export const slots = (...values: readonly (Value | undefined)[]): Outputs => (slot) => values[slot];

/** The first of these inputs that is there. */
export const firstOf = (call: Call, ...names: readonly string[]): Value | undefined =>
  names.map((name) => call.inputs.get(name)).find((value) => value !== undefined);

/** The first output is this input. */
export const passes = (...names: readonly string[]): Rule => (call) => slots(firstOf(call, ...names));

/** All of its outputs are what this node makes of one or the other input; `which` gives the input's name for an output. */
export const chooses = (which: (call: Call, slot: number) => string | Unknown): Rule => (call) => (slot) => {
  const chosen = which(call, slot);
  return typeof chosen === 'string' ? call.inputs.get(chosen) : chosen;
};

export type Argument = Scalar | undefined;

/**
 * What is worked out from values: of `names`, those that end in '?' may be absent. Not known where one of them is not, where one is missing, or where
 * `make` gives undefined or no number.
 */
export function worked(call: Call, names: string, make: (...values: Argument[]) => Scalar | undefined): Plain | Unknown {
  const taken: Plain[] = [], values: Argument[] = [];
  for (const name of names.split(' ')) {
    const value = call.inputs.get(name.replace(/[?]$/, ''));
    if (value?.kind === 'unknown') return value;
    if (value ? value.kind !== 'plain' : !name.endsWith('?')) return call.unknown;
    if (value?.kind === 'plain') taken.push(value);
    values.push(value?.kind === 'plain' ? value.value : undefined);
  }
  const made = make(...values);
  if (made === undefined || Number.isNaN(made) || (typeof made === 'string' && !call.spend(made))) return call.unknown;
  return plain(made, ...taken);
}

/** The first output is worked out from values. */
export const works = (names: string, make: (...values: Argument[]) => Scalar | undefined): Rule => (call) => slots(worked(call, names, make));

/** Numbers that JavaScript holds exactly; others are not computed with. */
export const numberOf = (value: Argument): number | undefined => {
  const number = typeof value === 'boolean' ? Number(value) : asNumber(value);
  return number === undefined || (Number.isInteger(number) && !Number.isSafeInteger(number)) ? undefined : number;
};

/** As `works`, with every value as text; '' where it is absent. */
export const says = (names: string, make: (...texts: string[]) => Scalar | undefined): Rule => works(names, (...values) => make(...values.map(text)));

/** As `works`, with numbers alone: not known where one of them is none. */
export const counts = (names: string, make: (...numbers: number[]) => Scalar | undefined): Rule => works(names, (...values) => {
  const numbers = values.map(numberOf).filter((number) => number !== undefined);
  return numbers.length === values.length ? make(...numbers) : undefined;
});

/** Python's int(): towards zero. */
export const whole = (number: number | undefined): number | undefined => (number === undefined || !Number.isFinite(number) ? undefined : Math.trunc(number));

export const text = (value: Argument): string => (value === undefined ? '' : typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value));

/** 'true', 'on', 'yes' and 1 are true. */
export const isOn = (value: Argument): boolean => (typeof value === 'string' ? /^(?:true|on|yes|enable|enabled|1)$/i.test(value) : Boolean(value));

/** What a table has under somebody's word. */
export const under = <T>(table: Readonly<Record<string, T>>, word: string): T | undefined => (Object.hasOwn(table, word) ? table[word] : undefined);

/** A value that a rule has to know to go on; undefined where it is not there. */
export function scalar(call: Call, name: string): Scalar | undefined {
  const value = call.inputs.get(name);
  return value?.kind === 'plain' ? value.value : undefined;
}

/** Inputs whose names are `prefix` and a number, by number. */
export const numbered = (call: Call, pattern: RegExp): string[] => [...call.inputs.keys()]
  .map((name) => ({ name, number: Number(pattern.exec(name)?.[1] ?? NaN) }))
  .filter(({ number }) => !Number.isNaN(number)).sort((a, b) => a.number - b.number).map(({ name }) => name);

/** Both texts, with `between` where both have words. */
export function joinedConditioning(call: Call, values: readonly (Value | undefined)[], between: string): Value | undefined {
  const all = values.filter((value) => value !== undefined), unknown = all.find((value) => value.kind === 'unknown');
  if (unknown) return unknown;
  const conditionings = all.flatMap((value) => as('conditioning', value) ?? []), texts = conditionings.map((each) => each.text);
  const first = conditionings[0];
  if (!first || conditionings.length === 1) return first;
  const notKnown = texts.find((each) => each.kind === 'unknown');
  const plains = texts.filter((each): each is Plain => each.kind === 'plain');
  const made = plains.map((each) => text(each.value)).filter((each) => each.trim() !== '').join(between);
  return {
    ...first,
    isComfy: false,
    text: notKnown ?? (call.spend(made) ? plain(made, ...plains) : call.unknown),
    doubts: [...new Set(conditionings.flatMap((each) => each.doubts))].slice(0, MOST_DOUBTS),
  };
}

const MOST_DOUBTS = 8;

/** What nodes have that let a conditioning count everywhere and all the time. */
const everywhere: Readonly<Record<string, number>> = { width: 1, height: 1, temporal: 1, x: 0, y: 0, z: 0, strength: 1, start: 0, end: 1, prompt_weight: 1 };
const limits = /^(?:opt_)?(?:mask|hooks|lora_hook|timesteps)(?:_cond)?$|_strength$/;

/** It counts in a part of the picture or of the steps alone, or for more than others, which a job has no words for. */
export function inPart(call: Call, value: Value | undefined, isAlways = false): Value | undefined {
  const conditioning = as('conditioning', value);
  const isPart = isAlways || [...call.node.inputs].some(([name]) => (Object.hasOwn(everywhere, name) ? scalar(call, name) !== everywhere[name] : limits.test(name)));
  return conditioning && isPart ? { ...conditioning, doubts: [...conditioning.doubts, call.node].slice(-MOST_DOUBTS) } : value;
}

/** A conditioning whose words are not all of it. */
export const doubted = (call: Call, conditioning: Conditioning): Conditioning => ({
  ...conditioning,
  isComfy: false,
  doubts: [...conditioning.doubts, call.node].slice(-MOST_DOUBTS),
});
