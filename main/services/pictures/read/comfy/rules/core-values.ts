// ComfyUI's own nodes for words, numbers and switches.
import { evaluateExpression } from '../expression';
import { plain } from '../values';
import { each, isOn, numberOf, passes, says, slots, text, under, worked, works, type Rule, type Rules } from './kit';
import { byFlag } from './switches';
import { joinTexts, written } from './text';

const cases: Readonly<Record<string, (text: string) => string>> = {
  UPPERCASE: (said) => said.toUpperCase(),
  lowercase: (said) => said.toLowerCase(),
  Capitalize: (said) => said.charAt(0).toUpperCase() + said.slice(1).toLowerCase(),
  'Title Case': (said) => said.toLowerCase().replace(/\p{L}+/gu, (word) => word.charAt(0).toUpperCase() + word.slice(1)),
};
const trims: Readonly<Record<string, (text: string) => string>> = {
  Both: (said) => said.trim(),
  Left: (said) => said.trimStart(),
  Right: (said) => said.trimEnd(),
};

/** Values come as 'values.a'. */
const calculates: Rule = (call) => {
  const names = [...call.inputs.keys()].filter((name) => name.startsWith('values.'));
  const value = worked(call, ['expression', ...names].join(' '), (...[expression, ...values]) =>
    evaluateExpression(text(expression), (name) => {
      const at = names.indexOf(`values.${name}`);
      return at < 0 ? undefined : numberOf(values[at]);
    }),
  );
  return slots(value, value.kind === 'plain' ? plain(Math.trunc(Number(value.value)), value) : value);
};

export const coreValues: Rules = {
  ...each(['PrimitiveInt', 'PrimitiveFloat', 'PrimitiveString', 'PrimitiveStringMultiline', 'PrimitiveBoolean', 'PrimitiveNode'], passes('value')),
  ...each(['Reroute', 'Reroute (rgthree)'], (call) => slots([...call.inputs.values()][0])),
  CustomCombo: passes('choice'),
  ConvertStringToComboNode: passes('string'),
  PreviewAny: passes('source'),
  StringConcatenate: (call) => slots(joinTexts(call, { names: ['string_a', 'string_b'], between: written('delimiter', '') })),
  StringReplace: says('string find replace', (of, find, by) => (find === '' ? undefined : of.replaceAll(find, () => by))),
  StringSubstring: says('string start end', (of, start, end) => of.slice(numberOf(start), numberOf(end))),
  StringLength: says('string', (of) => of.length),
  CaseConverter: says('string mode', (of, mode) => under(cases, mode)?.(of)),
  StringTrim: says('string mode', (of, mode) => under(trims, mode)?.(of)),
  StringContains: says('string substring case_sensitive', (of, part, exact) =>
    isOn(exact) ? of.includes(part) : of.toLowerCase().includes(part.toLowerCase()),
  ),
  InvertBooleanNode: works('boolean', (value) => !isOn(value)),
  ComfyMathExpression: calculates,
  ComfySwitchNode: byFlag('switch', ['on_true', 'on_false']),
};
