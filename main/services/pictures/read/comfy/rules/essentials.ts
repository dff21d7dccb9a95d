// Essentials: sums, sizes and choices.
import { roundHalfEven } from '../expression';
import { plain, type Value } from '../values';
import { sum, sums } from './arithmetic';
import { each, isOn, joinedConditioning, numberOf, numbered, passes, scalar, slots, worked, type Rule, type Rules } from './kit';
import { compares } from './math';
import { mixes } from './models';
import { blank, kept, pictureOf, sidesOf, sizeInWords } from './pictures';
import { byFlag } from './switches';
import { encodes } from './text';

const slider: Rule = (call) => {
  const value = worked(call, 'value min max rounding?', (at, low, high, digits) => {
    const [a, b, c] = [numberOf(at), numberOf(low), numberOf(high)], d = numberOf(digits) ?? 0;
    const made = (b ?? NaN) + (a ?? NaN) * ((c ?? NaN) - (b ?? NaN));
    return d > 0 ? roundHalfEven(made, d) : made;
  });
  return slots(value, value.kind === 'plain' ? plain(Math.trunc(Number(value.value)), value) : value);
};

/** '1024x1024 (1.0)', or sides that are written over it where they are more than 0. */
const sizePicker: Rule = (call) => {
  const size = sizeInWords(scalar(call, 'resolution'));
  const side = (name: 'width' | 'height'): Value => worked(call, `resolution ${name}_override?`, (_, own) => numberOf(own) || size?.[name]);
  const made = { width: side('width'), height: side('height') };
  return { ...blank(made), ...made };
};

export const essentials: Rules = {
  'SimpleMath+': sums('value', (value) => roundHalfEven(value)),
  'SimpleMathDual+': (call) => {
    const [a, b] = [sum(call, 'value_1'), sum(call, 'value_2')];
    const near = (value: typeof a): Value => (value.kind === 'plain' ? plain(roundHalfEven(Number(value.value)), value) : value);
    return slots(near(a), a, near(b), b);
  },
  'SimpleMathCondition+': (call) => {
    const flag = call.inputs.get('evaluate');
    return flag?.kind === 'plain' ? sums(isOn(flag.value) ? 'on_true' : 'on_false', (value) => roundHalfEven(value))(call) : () => flag ?? call.unknown;
  },
  ...each(['SimpleMathInt+', 'SimpleMathFloat+', 'SimpleMathPercent+', 'SimpleMathBoolean+'], (call) =>
    slots(call.inputs.get('value'), call.inputs.get('value')),
  ),
  'SimpleMathSlider+': slider,
  'SimpleComparison+': compares,
  'SimpleCondition+': byFlag('evaluate', ['on_true', 'on_false']),
  'SDXLEmptyLatentSizePicker+': sizePicker,
  'CLIPTextEncodeSDXL+': encodes('text'),
  'ConditioningCombineMultiple+': (call) => slots(
    joinedConditioning(call, numbered(call, /^conditioning_(\d)$/).map((name) => call.inputs.get(name)), ' AND '),
  ),
  'GetImageSize+': (call) => {
    const { width, height } = sidesOf(pictureOf(call), call);
    return slots(width, height);
  },
  ...each(['KSamplerVariationsStochastic+', 'KSamplerVariationsWithNoise+', 'FluxSamplerParams+', 'InjectLatentNoise+', 'ImageResize+'], mixes),
  DisplayAny: passes('input'),
  'RemoveLatentMask+': (call) => kept(call),
};
