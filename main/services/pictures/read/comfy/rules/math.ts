// Logic and ComfyMath: numbers, comparisons, and switches between them.
import { roundHalfEven } from '../expression';
import { comparisons, operators } from './arithmetic';
import { each, isOn, numberOf, says, scalar, slots, under, whole, works, type Rule, type Rules } from './kit';
import { chosenSize } from './pictures';
import { byFlag, byIndex } from './switches';

export const compares: Rule = says('a b comparison', (a, b, how) => {
  const [x, y] = [numberOf(a), numberOf(b)];
  return x === undefined || y === undefined ? under(same, how)?.(a, b) : under(comparisons, how)?.(x, y);
});

const same: Readonly<Record<string, (a: string, b: string) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  'a == b': (a, b) => a === b,
  'a != b': (a, b) => a !== b,
};

const unary: Readonly<Record<string, (a: number) => number>> = {
  Neg: (a) => -a,
  Abs: Math.abs,
  Inc: (a) => a + 1,
  Dec: (a) => a - 1,
  Sqr: (a) => a * a,
  Sqrt: Math.sqrt,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Round: (a) => roundHalfEven(a),
  Trunc: Math.trunc,
};

const twoNumbers = (finish: (value: number) => number = (value) => value): Rule =>
  says('op a b', (how, a, b) => finish(under(operators, how)?.(numberOf(a) ?? NaN, numberOf(b) ?? NaN) ?? NaN));

const oneNumber: Rule = says('op a', (how, a) => under(unary, how)?.(numberOf(a) ?? NaN));

const asWhole: Rule = works('a', (value) => whole(numberOf(value)));

/** '1024x1024'. */
const resolution: Rule = (call) => {
  const size = chosenSize(call, 'resolution', '', '');
  return slots(size.width, size.height);
};

export const number = (name: string): Rule => (call) => slots(call.inputs.get(name));

export const math: Rules = {
  ...each(['Int-🔬', 'Float-🔬', 'String-🔬', 'Bool-🔬'], number('value')),
  'Compare-🔬': compares,
  'If ANY return A else B-🔬': byFlag('ANY', ['IF_TRUE', 'IF_FALSE']),
  CM_IntBinaryOperation: twoNumbers(Math.trunc),
  CM_FloatBinaryOperation: twoNumbers(),
  CM_NumberBinaryOperation: twoNumbers(),
  ...each(['CM_IntUnaryOperation', 'CM_FloatUnaryOperation', 'CM_NumberUnaryOperation'], oneNumber),
  ...each(['CM_FloatToInt', 'CM_NumberToInt', 'CM_BoolToInt'], asWhole),
  ...each(['CM_IntToFloat', 'CM_IntToNumber', 'CM_FloatToNumber', 'CM_NumberToFloat'], number('a')),
  CM_IntToBool: works('a', (value) => numberOf(value) !== 0),
  ...each(['CM_SDXLResolution', 'CM_SDXLExtendedResolution'], resolution),
  IntMathOperation: says('a b operation', (a, b, how) => Math.trunc(under(operators, how)?.(numberOf(a) ?? NaN, numberOf(b) ?? NaN) ?? NaN)),
  InversionDemoLazySwitch: byFlag('switch', ['on_true', 'on_false']),
  InversionDemoLazyIndexSwitch: byIndex('index', 'value{}'),
  ToBoolNode: works('value invert?', (value, inverts) => isOn(value) !== isOn(inverts)),
  ExecutionBlocker: (call) => slots(isOn(scalar(call, 'block')) ? undefined : call.inputs.get('input')),
};
