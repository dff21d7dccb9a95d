// Smaller packs that people use for words and sizes: Crystools, Art Venture, prompt-control, mtb, Chibi, and the like.
import { asText } from '../../fields';
import type { Value } from '../values';
import { each, isOn, numberOf, numbered, passes, scalar, slots, text, under, whole, worked, works, type Rule, type Rules } from './kit';
import { number } from './math';
import { loads, mixes } from './models';
import { blank, pictureOf, sampled, sidesOf } from './pictures';
import { byFlag } from './switches';
import { encodesTagged, loadsTags } from './tags';
import { conditioningOf, encodes, encodesBoth, firstText, joinTexts, written } from './text';

const ratios: Readonly<Record<string, readonly [number, number]>> = {
  '1:1': [1024, 1024],
  '2:3': [832, 1216],
  '3:4': [896, 1152],
  '5:8': [768, 1216],
  '9:16': [768, 1344],
  '9:19': [704, 1472],
  '9:21': [640, 1536],
  '3:2': [1216, 832],
  '4:3': [1152, 896],
  '8:5': [1216, 768],
  '16:9': [1344, 768],
  '19:9': [1472, 704],
  '21:9': [1536, 640],
};

const sdxlRatio: Rule = (call) => {
  const side = (i: 0 | 1): Value => worked(call, 'aspect_ratio', (ratio) => under(ratios, text(ratio))?.[i]);
  return slots(call.inputs.get('aspect_ratio'), side(0), side(1));
};

const prompts: Rule = (call) => {
  const [positive, negative] = [firstText(call, ['Positive']), firstText(call, ['Negative'])];
  return slots(
    conditioningOf(call, positive),
    conditioningOf(call, positive),
    conditioningOf(call, negative),
    conditioningOf(call, negative),
    call.inputs.get('clip'),
    positive,
    negative,
  );
};

/** Fits what a style adds around the words; the node writes neither. */
const styler: Rule = (call) => {
  const isPlain = /^(?:base|none|no style|)$/i.test(text(scalar(call, 'style')).trim()) && call.inputs.get('style')?.kind !== 'unknown';
  const at = (name: string): Value | undefined => (isPlain ? call.inputs.get(name) : call.unknown);
  return call.inputs.has('text_positive_g')
    ? slots(
        at('text_positive_g'),
        at('text_positive_l'),
        isPlain ? firstText(call, ['text_positive_g', 'text_positive_l']) : call.unknown,
        at('text_negative'),
        at('text_negative'),
        at('text_negative'),
      )
    : slots(at('text_positive'), at('text_negative'));
};

const listOfTexts: Rule = (call) => slots(joinTexts(call, { names: numbered(call, /^string_(\d)$/), between: written('delimiter', ' '), skipsEmpty: true }));

export const utilities: Rules = {
  'Primitive integer [Crystools]': number('int'),
  'Primitive float [Crystools]': number('float'),
  'Primitive boolean [Crystools]': number('boolean'),
  ...each(['Primitive string [Crystools]', 'Primitive string multiline [Crystools]'], number('string')),
  'List of strings [Crystools]': listOfTexts,
  ...each(
    ['Switch any [Crystools]', 'Switch string [Crystools]', 'Switch conditioning [Crystools]', 'Switch latent [Crystools]', 'Switch image [Crystools]'],
    byFlag('boolean', ['on_true', 'on_false']),
  ),
  'Get resolution [Crystools]': (call) => sidesOf(pictureOf(call), call),
  AspectRatioSelector: sdxlRatio,
  SDXLAspectRatioSelector: sdxlRatio,
  ...each(['SDXLPromptStyler', 'SDXLPromptStylerAdvanced'], styler),
  SeedSelector: (call) =>
    slots(asText(scalar(call, 'mode')) === 'fixed' && call.inputs.has('fixed_seed') ? call.inputs.get('fixed_seed') : call.inputs.get('seed')),
  ...each(['StringToInt'], works('string', (value) => whole(numberOf(value)))),
  BooleanPrimitive: works('value reverse?', (value, turns) => isOn(value) !== isOn(turns)),
  CheckpointNameSelector: (call) => slots(call.inputs.get('ckpt_name'), call.inputs.get('ckpt_name')),
  ...each(['AV_CheckpointMerge', 'MergeModels', 'OverlayInpaintedLatent'], mixes),
  ...each(
    [
      'PCTextEncode', 'PCLazyTextEncode', 'PCLazyTextEncodeAdvanced', 'PCTextEncodeWithRange', 'BNK_CLIPTextEncodeAdvanced', 'smZ CLIPTextEncode',
      'ConditionText', 'CLIPTextEncodeWithWeight //Inspire',
    ],
    encodes('text'),
  ),
  BNK_CLIPTextEncodeSDXLAdvanced: encodes('text_g', 'text_l'),
  ...each(['PCLazyLoraLoader', 'PCLazyLoraLoaderAdvanced'], loadsTags('text')),
  LoraTagLoader: (call) => ({ ...encodesTagged('text')(call), string: call.inputs.get('text') }),
  ConditionTextPrompts: encodesBoth(['positive'], ['negative']),
  Prompts: prompts,
  Textbox: (call) => slots(call.inputs.get('passthrough') ?? call.inputs.get('text')),
  Int2String: works('Int', (value) => text(value)),
  ImageSizeInfo: (call) => ({ ...sidesOf(pictureOf(call), call), image: pictureOf(call) }),
  SimpleSampler: (call) => sampled(call),
  Loader: (call) => ({
    model: { kind: 'model', file: call.inputs.get('Checkpoint') },
    clip: { kind: 'clip', skip: call.inputs.get('stop_at_clip_layer') },
    vae: { kind: 'vae', name: call.inputs.get('Vae') },
    ...blank({ width: call.inputs.get('width') ?? call.unknown, height: call.inputs.get('height') ?? call.unknown }),
  }),
  DF_Text_Box: passes('Text'),
  DF_Text: passes('Text'),
  DF_Integer: passes('Value'),
  DF_Float: passes('Value'),
  ...each(['CheckpointLoaderNF4', 'CheckpointLoaderSimpleShared //Inspire'], loads('ckpt_name')),
  ...each(['UnetLoaderGGUF', 'UnetLoaderGGUFAdvanced'], loads('unet_name')),
};
