// Comfyroll.
import { asNumber } from '../../fields';
import type { Call } from '../call';
import { evaluateExpression } from '../expression';
import { as, plain, type Value } from '../values';
import { replaces } from './easy';
import { counts, each, isOn, joinedConditioning, numberOf, passes, says, scalar, slots, text, under, whole, worked, works, type Rule, type Rules } from './kit';
import { appliesStack, loraOf, lorasIn, mixes, stackOf, stacks, withLoras } from './models';
import { blank, chosenSize, pictureOf, resized, sizeBy } from './pictures';
import { byInput, byName } from './switches';
import { encodesBoth, firstText, joinTexts, written } from './text';

/** 'SDXL - 3:4 portrait 896x1152', sides exchanged or not, and times `prescale_factor`. */
const aspectRatio: Rule = (call) => {
  const chosen = chosenSize(call, 'aspect_ratio', 'width', 'height'), isTurned = isOn(scalar(call, 'swap_dimensions'));
  const turned = isTurned ? { width: chosen.height, height: chosen.width } : chosen, by = call.inputs.get('prescale_factor');
  const size = by ? (sizeBy(call, turned, by, (side, factor) => Math.trunc(side * factor)) ?? turned) : turned;
  return {
    ...blank({ width: inEighths(call, size.width), height: inEighths(call, size.height) }),
    ...size,
    upscale_factor: call.inputs.get('upscale_factor'),
    prescale_factor: by,
    int: size.width,
    float: call.inputs.get('upscale_factor'),
  };
};

const inEighths = (call: Call, side: Value): Value => {
  const number = side.kind === 'plain' ? numberOf(side.value) : undefined;
  return side.kind !== 'plain' ? side : number === undefined ? call.unknown : plain(Math.floor(number / 8) * 8, side);
};

/** The old node, whose outputs have no names of their own. */
const oldAspectRatio: Rule = (call) => {
  const size = chosenSize(call, 'aspect_ratio', 'width', 'height'), isTurned = isOn(scalar(call, 'swap_dimensions'));
  return slots(
    isTurned ? size.height : size.width,
    isTurned ? size.width : size.height,
    call.inputs.get('upscale_factor1'),
    call.inputs.get('upscale_factor2'),
    call.inputs.get('batch_size'),
  );
};

const changes: Readonly<Record<string, (text: string) => string>> = {
  uppercase: (said) => said.toUpperCase(),
  lowercase: (said) => said.toLowerCase(),
  capitalize: (said) => said.charAt(0).toUpperCase() + said.slice(1).toLowerCase(),
  trim: (said) => said.trim(),
  remove_spaces: (said) => said.replaceAll(' ', ''),
  invert_case: (said) => [...said].map((sign) => (sign === sign.toUpperCase() ? sign.toLowerCase() : sign.toUpperCase())).join(''),
  reverse: (said) => [...said].reverse().join(''),
};

const functions: Readonly<Record<string, string>> = { sqrt: 'sqrt(a)', neg: '-a', abs: 'abs(a)' };

/** Lines that begin with # are left out. */
const multiline: Rule = says('text convert_from_csv? split_string? remove_chars? chars_to_remove?', (all, isCsv, isSplit, removes, signs) => {
  if (isOn(isCsv) || isOn(isSplit)) return undefined;
  const lines = all.replace(/,+$/, '').split('\n').filter((line) => !line.trim().startsWith('#'));
  return lines.map((line) => (isOn(removes) ? line.replaceAll(text(signs), '') : line)).join('\n');
});

const mixesConditioning: Rule = (call) => {
  const both = [call.inputs.get('conditioning_1'), call.inputs.get('conditioning_2')], how = text(scalar(call, 'mix_method')).toLowerCase();
  return slots(how === 'concat' || how === 'combine' ? joinedConditioning(call, both, how === 'concat' ? ' BREAK ' : ' AND ') : call.unknown);
};

/** By a model, then to a factor of the picture that came in, or to a width. */
const upscales: Rule = (call) => {
  const before = pictureOf(call), name = call.inputs.get('upscale_model');
  const by = text(scalar(call, 'mode')) === 'rescale' ? call.inputs.get('rescale_factor') : call.unknown;
  return resized(
    call,
    { by, upscaler: name, method: call.inputs.get('resampling_method') },
    sizeBy(call, before?.size, by, (side, factor) => Math.round(side * factor)),
    before,
  );
};

const splitText: Rule = (call) => (slot) =>
  slot > 3
    ? undefined
    : worked(call, 'text delimiter?', (said, delimiter) => {
        const parts = text(said).split(text(delimiter ?? ',') || ',');
        return parts[slot]?.trim() ?? '';
      });

export const comfyroll: Rules = {
  ...Object.fromEntries(
    ['Model', 'Latent', 'Conditioning', 'Clip', 'Image', 'Text', 'ControlNet', 'VAE', 'Schedule'].map((kind) => [
      `CR ${kind} Input Switch`,
      byInput(2, `${kind === 'ControlNet' ? 'control_net' : kind === 'VAE' ? 'VAE' : kind.toLowerCase()}{}`),
    ]),
  ),
  'CR Pipe Switch': byInput(2, 'pipe{}'),
  'CR Text Input Switch (4 way)': byInput(4, 'text{}'),
  'CR Image Input Switch (4 way)': byInput(4, 'image{}'),
  'CR Switch Model and CLIP': byInput(2, 'model{}', 'clip{}'),
  'CR Img2Img Process Switch': byName('Input', { txt2img: 'txt2img', img2img: 'img2img' }),
  'CR Hires Fix Process Switch': byName('Input', { latent_upscale: 'latent_upscale', image_upscale: 'image_upscale' }),
  'CR Batch Process Switch': byName('Input', { image: 'image', 'image batch': 'image_batch' }),
  'CR Seed': passes('seed'),
  'CR Text': passes('text'),
  'CR Prompt Text': passes('prompt'),
  'CR Multiline Text': multiline,
  'CR Index': passes('index'),
  'CR Seed to Int': passes('seed'),
  'CR Value': (call) => slots(call.inputs.get('value'), worked(call, 'value', (value) => whole(numberOf(value)))),
  'CR Select Font': passes('font_name'),
  'CR Select Resize Method': passes('method'),
  'CR Text Concatenate': (call) => slots(joinTexts(call, { names: ['text1', 'text2'], between: written('separator', '') })),
  'CR Combine Prompt': (call) => slots(joinTexts(call, { names: ['part1', 'part2', 'part3', 'part4'], between: written('separator', ',') })),
  'CR Text Replace': replaces('text'),
  'CR Text Operation': says('text operation', (said, how) => under(changes, how)?.(said)),
  'CR Text Length': says('text', (said) => said.length),
  'CR Split String': splitText,
  'CR Text Blacklist': says('text blacklist_words replacement_text?', (said, words, by) =>
    words.split('\n').map((word) => word.trim()).filter((word) => word !== '').reduce((left, word) => left.replaceAll(word, () => text(by)), said),
  ),
  'CR Integer Multiple': works('integer multiple', (integer, multiple) => {
    const [a, b] = [numberOf(integer), numberOf(multiple)];
    return a === undefined || b === undefined ? undefined : Math.trunc(b === 0 ? a : a * b);
  }),
  'CR Index Increment': counts('index interval', (a, b) => a + b),
  'CR Index Multiply': counts('index factor', (a, b) => a * b),
  'CR Index Reset': passes('reset_to'),
  'CR Trigger': (call) => slots(call.inputs.get('index'), worked(call, 'index trigger_value', (a, b) => numberOf(a) === numberOf(b))),
  'CR Math Operation': says('a operation decimal_places?', (a, how, digits) => {
    const value = evaluateExpression(under(functions, how) ?? '', () => numberOf(a)), by = 10 ** (numberOf(digits) ?? 2);
    return value === undefined ? undefined : Math.round(value * by) / by;
  }),
  'CR Clamp Value': works('a range_min range_max', (a, low, high) => Math.max(numberOf(low) ?? NaN, Math.min(numberOf(high) ?? NaN, numberOf(a) ?? NaN))),
  'CR Set Value On Boolean': (call) => {
    const chosen = call.inputs.get(isOn(scalar(call, 'boolean')) ? 'value_if_true' : 'value_if_false'), flag = call.inputs.get('boolean');
    return flag?.kind === 'unknown' ? () => flag : slots(chosen, chosen);
  },
  'CR Set Value On Binary': (call) => {
    const flag = call.inputs.get('binary'), chosen = call.inputs.get(asNumber(scalar(call, 'binary')) === 1 ? 'value_if_1' : 'value_if_0');
    return flag?.kind === 'unknown' ? () => flag : slots(chosen, chosen);
  },
  'CR Integer To String': works('int_', (value) => text(value)),
  'CR Float To String': works('float_', (value) => text(value)),
  'CR Float To Integer': works('_float', (value) => whole(numberOf(value))),
  'CR String To Boolean': says('text', (said) => /^true$/i.test(said)),
  'CR String To Combo': says('text', (said) => said.split(',')[0]),
  'CR String To Number': (call) => {
    const value = worked(call, 'text', (said) => numberOf(said));
    return slots(
      value.kind === 'plain' && text(scalar(call, 'round_integer')) === 'round' ? plain(Math.round(Number(value.value)), value) : call.unknown,
      value,
    );
  },
  ...each(
    [
      'CR Aspect Ratio', 'CR SD1.5 Aspect Ratio', 'CR SDXL Aspect Ratio', 'CR Aspect Ratio Banners', 'CR Aspect Ratio Social Media',
      'CR_Aspect Ratio For Print',
    ],
    aspectRatio,
  ),
  'CR Aspect Ratio SDXL': oldAspectRatio,
  'CR Image Size': (call) => slots(call.inputs.get('width'), call.inputs.get('height'), call.inputs.get('upscale_factor')),
  'CR Select ISO Size': (call) => {
    const size = chosenSize(call, 'iso_size', '', '');
    return slots(size.width, size.height);
  },
  'CR LoRA Stack': stacks({ name: 'lora_name_{}', strength: 'model_weight_{}', textStrength: 'clip_weight_{}', on: 'switch_{}', most: 3 }),
  'CR Apply LoRA Stack': appliesStack,
  'CR Load LoRA': (call) => (isOn(scalar(call, 'switch')) ? withLoras(call, loraOf(call, 'lora_name', 'strength_model', 'strength_clip')) : {}),
  ...each(
    [
      'CR Random LoRA Stack', 'CR Random Weight LoRA', 'CR Apply Model Merge', 'CR Load Scheduled LoRAs', 'CR Load Scheduled Models',
      'CR Cycle LoRAs', 'CR Cycle Models', 'CR Encode Scheduled Prompts',
    ],
    mixes,
  ),
  'CR Select Model': (call) => {
    const i = asNumber(scalar(call, 'select_model')), file = call.inputs.get(`ckpt_name${i}`);
    return slots({ kind: 'model', file }, { kind: 'clip' }, { kind: 'vae' }, file);
  },
  'CR SDXL Base Prompt Encoder': encodesBoth(['pos_g', 'pos_l'], ['neg_g', 'neg_l'], 'base_clip'),
  'CR SDXL Style Text': (call) => slots(firstText(call, ['positive_style']), firstText(call, ['negative_style'])),
  'CR Conditioning Mixer': mixesConditioning,
  'CR Upscale Image': upscales,
  'CR VAE Decode': (call) => {
    const before = as('picture', call.fields.get('latent'));
    return { image: { kind: 'picture', before, size: before?.size, keepsSize: true, isLatent: false } };
  },
  'CR Latent Batch Size': (call) => slots(call.inputs.get('latent')),
  'CR Interpolate Latents': mixes,
  'CR LoRA List': (call) => stackOf(call, lorasIn(call, { name: 'lora_name{}', strength: 'model_strength_{}', textStrength: 'clip_strength_{}', most: 3 })),
};
