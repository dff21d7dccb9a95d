// Nodes that let one of several inputs through.
import { asNumber } from '../../fields';
import type { Call } from '../call';
import type { Unknown, Value } from '../values';
import { chooses, isOn, slots, text, under, type Rule } from './kit';

/** A switch that is not known, or is not there, chooses nothing that is known. */
function chosenBy(call: Call, name: string, input: (value: string | number | boolean) => string | undefined): string | Unknown {
  const value = call.inputs.get(name);
  if (value?.kind === 'unknown') return value;
  return (value?.kind === 'plain' ? input(value.value) : undefined) ?? call.unknown;
}

/** By number: the index stands in place of the braces, as it is written. A slot's own pattern may follow. */
export const byIndex = (index: string, ...patterns: readonly string[]): Rule => chooses((call, slot) =>
  chosenBy(call, index, (value) => {
    const i = asNumber(value);
    return i === undefined ? undefined : (patterns[slot] ?? patterns[0]!).replace('{}', String(i));
  }),
);

/** By number from 1; what is past the last one is the last one. */
export const byInput = (count: number, ...patterns: readonly string[]): Rule => chooses((call, slot) =>
  chosenBy(call, 'Input', (value) => {
    const i = asNumber(value);
    return i === undefined ? undefined : (patterns[slot] ?? patterns[0]!).replace('{}', String(i >= 1 && i < count ? i : count));
  }),
);

/** By a truth. A pair for each slot may follow. */
export const byFlag = (flag: string, ...pairs: readonly (readonly [yes: string, no: string])[]): Rule =>
  chooses((call, slot) => chosenBy(call, flag, (value) => (pairs[slot] ?? pairs[0]!)[isOn(value) ? 0 : 1]));

/** What goes in comes out where the flag is `open`; nothing does where it is not. */
export function letThrough(call: Call, flag: string, open: boolean): Value | undefined {
  const chosen = chosenBy(call, flag, (value) => (isOn(value) === open ? 'in' : ''));
  return typeof chosen === 'string' ? call.inputs.get(chosen) : chosen;
}

/** By the name of the input itself. */
export const byName = (name: string, inputs: Readonly<Record<string, string>>): Rule =>
  chooses((call) => chosenBy(call, name, (value) => under(inputs, text(value))));

/** The first that is there, in the graph's order. A context is there where one of its fields is. */
export const firstThere = (pattern: RegExp): Rule => (call) => slots(there(call, pattern));

export const there = (call: Call, pattern: RegExp): Value | undefined =>
  [...call.inputs].find(([name, value]) => pattern.test(name) && !(value.kind === 'bundle' && value.fields.size === 0 && !value.rest))?.[1];
