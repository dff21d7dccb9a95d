// KJNodes, and Use Everywhere's own values.
import { asText } from '../../fields';
import { evaluateExpression } from '../expression';
import { as, plain, type Value } from '../values';
import { each, inPart, isOn, joinedConditioning, numberOf, numbered, passes, says, scalar, slots, text, worked, works, type Rule, type Rules } from './kit';
import { loads, loadsLora, loadsVae, mixes } from './models';
import { blank, pictureOf, resized, sidesOf, sizeInWords } from './pictures';
import { byFlag } from './switches';
import { joinTexts, written } from './text';

/** '768 x 512 (1.5:1)', and the other way round where it says so. */
const presets: Rule = (call) => {
  const size = sizeInWords(scalar(call, 'dimensions')), isTurned = isOn(scalar(call, 'invert'));
  const side = (name: 'width' | 'height'): Value => worked(call, 'dimensions invert?', () => size?.[isTurned ? (name === 'width' ? 'height' : 'width') : name]);
  const made = { width: side('width'), height: side('height') };
  return { ...blank(made), ...made };
};

const joinsMany: Rule = (call) =>
  isOn(scalar(call, 'return_list'))
    ? slots(call.unknown)
    : slots(
        joinTexts(call, {
          names: numbered(call, /^string_(\d{1,4})$/),
          between: written('delimiter', ' '),
          skipsEmpty: true,
          atMost: Math.min(numberOf(scalar(call, 'inputcount')) ?? 2, 200),
        }),
      );

const combinesMany: Rule = (call) => slots(
  joinedConditioning(
    call,
    numbered(call, /^conditioning_(\d{1,4})$/).slice(0, numberOf(scalar(call, 'inputcount')) ?? 2).map((name) => call.inputs.get(name)),
    asText(scalar(call, 'operation')) === 'concat' ? ' BREAK ' : ' AND ',
  ),
  call.inputs.get('inputcount'),
);

/** Numbered pairs, one behind the other. */
const masks: Rule = (call) => slots(
  ...(['positive', 'negative'] as const).map((role) =>
    joinedConditioning(call, numbered(call, new RegExp(`^${role}_(\\d)$`)).map((name) => inPart(call, call.inputs.get(name), true)), ' AND '),
  ),
);

/** Only where both sides are written, and the picture is stretched to them. */
const resizes: Rule = (call) => {
  const keep = scalar(call, 'keep_proportion'), by = numberOf(scalar(call, 'divisible_by')) ?? 1;
  const isFree = keep === undefined || keep === false || keep === 'stretch' || keep === 'crop' || keep === 'pad';
  const side = (name: string): Value =>
    isFree && !call.inputs.has('get_image_size')
      ? worked(call, name, (value) => {
          const number = numberOf(value);
          return number ? number - (by > 1 ? number % by : 0) : undefined;
        })
      : call.unknown;
  const to = { width: side('width'), height: side('height') };
  return { ...resized(call, { to, method: call.inputs.get('upscale_method') }, to), ...to };
};

const variables: Rule = (call) => {
  const names = [...call.inputs.keys()].filter((name) => name !== 'expression');
  const value = worked(call, ['expression', ...names].join(' '), (...[source, ...values]) =>
    evaluateExpression(text(source), (name) => {
      const at = names.findIndex((each) => each === name || each.endsWith(`.${name}`));
      return at < 0 ? undefined : numberOf(values[at]);
    }),
  );
  return slots(
    value,
    value.kind === 'plain' ? plain(Math.trunc(Number(value.value)), value) : value,
    value.kind === 'plain' ? plain(Number(value.value) !== 0, value) : value,
  );
};

export const kjnodes: Rules = {
  ...each(['INTConstant', 'FloatConstant', 'BOOLConstant'], passes('value')),
  StringConstant: passes('string'),
  StringConstantMultiline: says('string strip_newlines?', (said, strips) => (isOn(strips ?? true) ? said.replaceAll('\n', '').trim() : said)),
  JoinStrings: (call) => slots(joinTexts(call, { names: ['string1', 'string2'], between: written('delimiter', ' ') })),
  JoinStringMulti: joinsMany,
  SomethingToString: works('input prefix? suffix?', (value, before, after) => `${text(before)}${text(value)}${text(after)}`),
  ...each(['EmptyLatentImagePresets', 'EmptyLatentImageCustomPresets'], presets),
  ConditioningMultiCombine: combinesMany,
  ...each(['ConditioningSetMaskAndCombine', 'ConditioningSetMaskAndCombine3', 'ConditioningSetMaskAndCombine4', 'ConditioningSetMaskAndCombine5'], masks),
  ...each(['ImageResizeKJ', 'ImageResizeKJv2'], resizes),
  GetImageSizeAndCount: (call) => ({ ...sidesOf(pictureOf(call), call), image: pictureOf(call) }),
  GetLatentSizeAndCount: (call) => ({ ...sidesOf(pictureOf(call), call), latent: pictureOf(call) }),
  LazySwitchKJ: byFlag('switch', ['on_true', 'on_false']),
  SimpleCalculatorKJ: variables,
  CheckpointLoaderKJ: loads('ckpt_name'),
  ...each(['DiffusionModelLoaderKJ', 'GGUFLoaderKJ'], loads('model_name')),
  VAELoaderKJ: loadsVae('vae_name'),
  DiTBlockLoraLoader: loadsLora('lora_name', 'strength_model'),
  DummyOut: passes('any_input'),
  VRAM_Debug: (call) => slots(call.inputs.get('any_input'), as('picture', call.inputs.get('image_pass')), call.inputs.get('model_pass')),
  ...each(['GenerateNoise', 'VAEMergeKJ', 'EncodeVideoComponents', 'CheckpointPerturbWeights'], mixes),
  DiffusionModelSelector: passes('model_name'),
  WidgetToString: mixes,
  ScheduledCFGGuidance: (call) => ({
    guider: {
      kind: 'guider',
      model: call.fields.get('model'),
      positive: call.inputs.get('positive'),
      negative: call.inputs.get('negative'),
      cfg: call.inputs.get('cfg'),
    },
  }),
};

export const everywhere: Rules = { 'Seed Everywhere': passes('seed'), 'Simple String': passes('string'), 'Combo Clone': passes('combo') };
