// Sums and comparisons, by the words that packs have for them, and sums that are written out.
import type { Call } from '../call';
import { evaluateExpression } from '../expression';
import { as, plain, type Value } from '../values';
import { numberOf, slots, text, worked, type Rule } from './kit';

/** As in Python: a remainder has the sign of the divisor. */
export const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Mod: (a, b) => a - b * Math.floor(a / b),
  Pow: (a, b) => a ** b,
  FloorDiv: (a, b) => Math.floor(a / b),
  Max: Math.max,
  Min: Math.min,
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
  divide: (a, b) => a / b,
  modulo: (a, b) => a - b * Math.floor(a / b),
  power: (a, b) => a ** b,
};

const signs: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};
/** By their sign alone, and as `a < b`. */
export const comparisons: typeof signs = { ...signs, ...Object.fromEntries(Object.entries(signs).map(([sign, holds]) => [`a ${sign} b`, holds])) };

/** `asWhole` for the first output, the sum itself for the second. */
export const sums = (expression: string, asWhole: (value: number) => number = Math.trunc, names = 'a b c d'): Rule => (call) => {
  const value = sum(call, expression, names);
  return slots(
    value.kind === 'plain' ? plain(asWhole(Number(value.value)), value) : value,
    value,
    value.kind === 'plain' ? plain(Math.trunc(Number(value.value)) !== 0, value) : value,
  );
};

/** Names may be numbers, or pictures, of which the sides may be asked. */
export function sum(call: Call, expression: string, names = 'a b c d'): ReturnType<typeof worked> {
  const all = names.split(' ');
  const sides = new Map<string, Value>(
    all.flatMap((name) => {
      const size = as('picture', call.inputs.get(name))?.size;
      return size ? [[`${name}.width`, size.width] as const, [`${name}.height`, size.height] as const] : [];
    }),
  );
  const inputs = new Map([...call.inputs, ...sides]);
  const given = [...all.filter((name) => inputs.get(name)?.kind === 'plain' || inputs.get(name)?.kind === 'unknown'), ...sides.keys()];
  return worked({ ...call, inputs, unknown: call.unknown }, [expression, ...given].join(' '), (...[source, ...values]) =>
    evaluateExpression(text(source), (name) => {
      const at = given.indexOf(name);
      return at < 0 ? undefined : numberOf(values[at]);
    }),
  );
}
