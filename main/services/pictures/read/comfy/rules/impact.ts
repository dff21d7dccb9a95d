// Impact Pack. Its pipes need no rules: their fields are named in the definitions.
import { asInteger } from '../../fields';
import { as, plain } from '../values';
import { renamed, sampled, samples, sidesOf } from './pictures';
import { chooses, each, isOn, joinedConditioning, numberOf, numbered, passes, says, scalar, slots, text, under, works, type Rule, type Rules } from './kit';
import { loraOf, mixes, withLoras } from './models';
import { encodesTagged } from './tags';
import { saysNothing } from './text';

/** Counted from 1. */
const selects: Rule = (call) => {
  const select = call.inputs.get('select'), index = select?.kind === 'plain' ? asInteger(select.value) : undefined, name = `input${index}`;
  if (select?.kind === 'unknown') return () => select;
  return slots(index === undefined ? call.unknown : call.inputs.get(name), plain(name), select);
};

const branches: Rule = chooses((call) => {
  const cond = call.inputs.get('cond');
  return cond?.kind === 'unknown' ? cond : isOn(scalar(call, 'cond')) ? 'tt_value' : 'ff_value';
});

const joins = (between: string): Rule => (call) => slots(
  joinedConditioning(call, numbered(call, /^conditioning(\d{1,4})$/).map((name) => call.inputs.get(name)), between),
);

/** The refiner's half of a pipe, as a pipe of its own. */
const halves: Rule = (call) => (slot) => {
  const names = ['model', 'clip', 'vae', 'positive', 'negative'];
  const fields =
    slot === 0
      ? call.fields
      : new Map(
          [...renamed(call.fields, Object.fromEntries(names.map((name) => [name, `refiner_${name}`])))].filter(
            ([name]) => call.fields.has(`refiner_${name}`) || name === 'vae',
          ),
        );
  return { kind: 'bundle', fields, rest: call.rest };
};

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  'a = b': (a, b) => a === b,
  'a <> b': (a, b) => a !== b,
  'a > b': (a, b) => a > b,
  'a < b': (a, b) => a < b,
  'a >= b': (a, b) => a >= b,
  'a <= b': (a, b) => a <= b,
  tt: () => true,
  ff: () => false,
};

const logic: Readonly<Record<string, (a: boolean, b: boolean) => boolean>> = { and: (a, b) => a && b, or: (a, b) => a || b, xor: (a, b) => a !== b };

const lines = (all: string, isMultiline: boolean): string[] =>
  isMultiline ? all.split(/\n(?=#)/).map((part) => part.trim().replace(/^#/, '')) : all.split('\n');

/** Text, number and truth of a value. */
const converts: Rule = (call) => {
  const value = call.inputs.get('value');
  if (value?.kind !== 'plain') return () => value ?? call.unknown;
  const number = /^[-+]?\d*\.?\d+$/.test(text(value.value)) ? Number(text(value.value)) : Number(text(value.value).toLowerCase() !== 'false');
  return slots(plain(text(value.value), value), plain(number, value), plain(Math.trunc(number), value), plain(number !== 0, value));
};

export const impact: Rules = {
  ...each(['ImpactSwitch', 'LatentSwitch', 'SEGSSwitch'], selects),
  ...each(['ImpactConditionalBranch', 'ImpactConditionalBranchSelMode'], branches),
  /** All but the chosen output are absent. */
  ImpactInversedSwitch: (call) => (slot) => (asInteger(scalar(call, 'select')) === slot + 1 ? call.inputs.get('input') : undefined),
  ...each(['ImpactInt', 'ImpactFloat', 'ImpactBoolean', 'ImpactValueSender', 'ImpactControlBridge', 'ImpactValueReceiver'], passes('value')),
  ...each(['ImpactQueueTrigger', 'ImpactSleep', 'ImpactSetWidgetValue', 'ImpactNodeSetMuteState'], passes('signal')),
  ImpactExecutionOrderController: (call) => slots(call.inputs.get('signal'), call.inputs.get('value')),
  ImpactIfNone: (call) => slots(call.inputs.get('signal'), plain(call.inputs.has('any_input'))),
  ImpactConvertDataType: converts,
  ImpactMinMax: works('mode a b', (isMost, a, b) => (isOn(isMost) ? Math.max : Math.min)(numberOf(a) ?? NaN, numberOf(b) ?? NaN)),
  ImpactCompare: says('cmp a b', (how, a, b) => under(comparisons, how)?.(numberOf(a) ?? NaN, numberOf(b) ?? NaN)),
  ImpactNeg: works('value', (value) => !isOn(value)),
  ImpactLogicalOperators: says('operator bool_a bool_b', (how, a, b) => under(logic, how)?.(isOn(a), isOn(b))),
  ImpactStringSelector: says('strings multiline select', (all, isMultiline, select) => {
    const parts = lines(all, isOn(isMultiline));
    return parts[(numberOf(select) ?? NaN) % parts.length];
  }),
  ImpactWildcardProcessor: passes('populated_text'),
  ImpactWildcardEncode: encodesTagged('populated_text'),
  ImpactCombineConditionings: joins(' AND '),
  ImpactConcatConditionings: joins(' BREAK '),
  ImpactNegativeConditioningPlaceholder: saysNothing,
  ImpactSchedulerAdapter: (call) => slots(scalar(call, 'extra_scheduler') === 'None' ? call.inputs.get('scheduler') : call.inputs.get('extra_scheduler')),
  ImpactImageInfo: (call) => sidesOf(as('picture', call.inputs.get('value')), call),
  ImpactLatentInfo: (call) => sidesOf(as('picture', call.inputs.get('value')), call),
  ...each(['ImpactKSamplerBasicPipe', 'ImpactKSamplerAdvancedBasicPipe'], samples),
  ...each(
    [
      'RegionalSampler', 'RegionalSamplerAdvanced', 'TwoSamplersForMask', 'TwoAdvancedSamplersForMask', 'IterativeLatentUpscale', 'LatentPixelScale',
      'LatentReceiver',
    ],
    mixes,
  ),
  DetailerPipeToBasicPipe: halves,
};

export const inspire: Rules = {
  ...each(
    [
      'KSampler //Inspire', 'KSamplerAdvanced //Inspire', 'KSamplerPipe //Inspire', 'KSamplerAdvancedPipe //Inspire', 'KSamplerProgress //Inspire',
      'KSamplerAdvancedProgress //Inspire',
    ],
    (call) => sampled(call),
  ),
  'WildcardEncode //Inspire': encodesTagged('populated_text'),
  'RandomNoise //Inspire': (call) => ({ noise: { kind: 'noise', seed: call.inputs.get('noise_seed') } }),
  'PromptBuilder //Inspire': passes('text'),
  'ScheduledCFGGuider //Inspire': (call) => ({
    guider: {
      kind: 'guider',
      model: call.fields.get('model'),
      positive: call.inputs.get('positive'),
      negative: call.inputs.get('negative'),
      cfg: call.unknown,
    },
  }),
  'FloatRange //Inspire': mixes,
  'LoraLoaderBlockWeight //Inspire': (call) =>
    isOn(scalar(call, 'bypass')) ? {} : withLoras(call, loraOf(call, 'lora_name', 'strength_model', 'strength_clip')),
};
