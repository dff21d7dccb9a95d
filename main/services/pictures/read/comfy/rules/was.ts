// WAS Node Suite.
import type { Call } from '../call';
import { as, plain, type Value } from '../values';
import { each, isOn, numberOf, passes, says, scalar, slots, text, under, whole, worked, works, type Argument, type Rule, type Rules } from './kit';
import { loads, loadsLora, mixes } from './models';
import { pictureOf, resized, sampled, sizeBy, inEighths } from './pictures';
import { byFlag } from './switches';
import { encodes, firstText, joinTexts, written } from './text';

const operations: Readonly<Record<string, (a: number, b: number) => number>> = {
  addition: (a, b) => a + b,
  subtraction: (a, b) => a - b,
  multiplication: (a, b) => a * b,
  division: (a, b) => a / b,
  'floor division': (a, b) => Math.floor(a / b),
  exponentiation: (a, b) => a ** b,
  modulus: (a, b) => a - b * Math.floor(a / b),
  'greater-than': (a, b) => Number(a > b),
  'greater-than or equals': (a, b) => Number(a >= b),
  'less-than': (a, b) => Number(a < b),
  'less-than or equals': (a, b) => Number(a <= b),
  equals: (a, b) => Number(a === b),
  'does not equal': (a, b) => Number(a !== b),
};

/** As number, as float, and as whole number. */
const threeWays = (value: Value | undefined): ReturnType<typeof slots> => slots(value, value, value?.kind === 'plain' ? wholeOf(value) : value);
const wholeOf = (value: Value & { kind: 'plain' }): Value => {
  const number = whole(numberOf(value.value));
  return number === undefined ? value : plain(number, value);
};

const operates: Rule = (call) =>
  threeWays(worked(call, 'number_a number_b operation', (a, b, how) => under(operations, text(how))?.(numberOf(a) ?? NaN, numberOf(b) ?? NaN)));

const constant: Rule = (call) => threeWays(
  text(scalar(call, 'number_as_text')) === ''
    ? worked(call, 'number_type number', (type, value) => typed(type, value))
    : worked(call, 'number_type number_as_text', (type, value) => typed(type, value)),
);
const typed = (type: unknown, value: Argument): number | undefined => {
  const number = numberOf(value);
  return type === 'integer' ? whole(number) : type === 'bool' ? Number(isOn(value)) : number;
};

const condition: Rule = (call) => threeWays(
  worked(call, 'number_a number_b return_boolean comparison', (first, second, asTruth, way) => {
    const a = numberOf(first) ?? NaN, b = numberOf(second) ?? NaN, how = text(way);
    const both: Readonly<Record<string, boolean>> = {
      and: a !== 0 && b !== 0,
      or: a !== 0 || b !== 0,
      'divisible by': b % a === 0,
      'if A odd': a % 2 !== 0,
      'if A even': a % 2 === 0,
      'factor of': b % a === 0,
    };
    const isSo = under(both, how) ?? isTrue(under(operations, how)?.(a, b));
    return isSo === undefined ? undefined : asTruth === 'true' ? Number(isSo) : isSo ? a : b;
  }),
);

const isTrue = (value: number | undefined): boolean | undefined => (value === undefined ? undefined : value !== 0);

const multiple: Rule = (call) => threeWays(
  worked(call, 'number multiple', (number, of) => {
    const [a, b] = [numberOf(number), numberOf(of)];
    return a === undefined || !b ? undefined : Math.ceil(a / b) * b;
  }),
);

/** Older versions have a number of 1 in place of the truth. */
const choosesOf = (...pairs: readonly (readonly [string, string])[]): Rule => (call) =>
  byFlag(call.inputs.has('boolean_number') ? 'boolean_number' : 'boolean', ...pairs)(call);

const replaces: Rule = says('text find replace', (said, find, by) =>
  find === '' || /[\\^$.|?*+()[\]{}]/.test(find) ? undefined : said.replaceAll(find, () => by.replaceAll('\\n', '\n')),
);

const filled: Rule = (call) => ({ ...encodes('text')(call), parsed_text: call.unknown, raw_text: firstText(call, ['text']) });
/** Words that are filled in when the graph runs are not known; others are what is written. */
const isFixed = (call: Call): boolean => !/__[^_]+__|<[^>]+>/.test(text(scalar(call, 'text')));
const parses: Rule = (call) => (isFixed(call) ? slots(call.inputs.get('text')) : slots(call.unknown));

const seed: Rule = (call) => {
  const value = call.inputs.get('seed');
  return slots(value, value, value, value);
};
const sizeOf: Rule = (call) => {
  const size = pictureOf(call)?.size, all = [size?.width ?? call.unknown, size?.height ?? call.unknown];
  return slots(...all, ...all, ...all);
};

const joins: Rule = (call) => slots(
  joinTexts(call, {
    names:
      call.inputs.has('text_a') || call.inputs.has('text_b') || call.inputs.has('text_c')
        ? ['text_a', 'text_b', 'text_c', 'text_d', 'text_e', 'text_f', 'text_g']
        : /^text(\d+)$/,
    between: written('delimiter', ', '),
    skipsEmpty: true,
    trims: isOn(scalar(call, 'clean_whitespace') ?? 'true'),
  }),
);

export const was: Rules = {
  ...each(['Checkpoint Loader (Simple)', 'Checkpoint Loader', 'unCLIP Checkpoint Loader'], loads('ckpt_name')),
  ...each(['Diffusers Model Loader'], loads('model_path')),
  ...each(['Lora Loader', 'Load Lora'], loadsLora('lora_name', 'strength_model', 'strength_clip')),
  'KSampler (WAS)': (call) => sampled(call),
  ...each(['KSampler Cycle', 'Blend Latents', 'Load Cache', 'Latent Noise Injection'], mixes),
  'Upscale Model Loader': (call) => ({ upscale_model: { kind: 'upscaler', name: call.inputs.get('model_name') } }),
  'Latent Upscale by Factor (WAS)': (call) => {
    const by = call.inputs.get('factor');
    return resized(call, { by, method: call.inputs.get('mode') }, sizeBy(call, pictureOf(call)?.size, by, inEighths));
  },
  'Model Input Switch': choosesOf(['model_a', 'model_b']),
  'CLIP Input Switch': choosesOf(['clip_a', 'clip_b']),
  'VAE Input Switch': choosesOf(['vae_a', 'vae_b']),
  'Conditioning Input Switch': choosesOf(['conditioning_a', 'conditioning_b']),
  'Latent Input Switch': choosesOf(['latent_a', 'latent_b']),
  'Image Input Switch': choosesOf(['image_a', 'image_b']),
  'Text Input Switch': choosesOf(['text_a', 'text_b']),
  'Number Input Switch': choosesOf(['number_a', 'number_b']),
  'Lora Input Switch': choosesOf(['model_a', 'model_b'], ['clip_a', 'clip_b']),
  'Logic Boolean': (call) => {
    const value = call.inputs.get('boolean');
    return slots(value, value, value, value);
  },
  'Logic Boolean Primitive': passes('boolean'),
  'Logic NOT': works('boolean', (value) => !isOn(value)),
  'Logic Comparison AND': works('boolean_a boolean_b', (a, b) => isOn(a) && isOn(b)),
  'Logic Comparison OR': works('boolean_a boolean_b', (a, b) => isOn(a) || isOn(b)),
  'Logic Comparison XOR': works('boolean_a boolean_b', (a, b) => isOn(a) !== isOn(b)),
  'Text Concatenate': joins,
  ...each(['Text Multiline', 'Text to String', 'Text to Console', 'Text Parse A1111 Embeddings'], passes('text')),
  'Text Parse Noodle Soup Prompts': parses,
  'Text Multiline (Code Compatible)': passes('text'),
  'String to Text': passes('string'),
  'Text String': (call) => slots(...['text', 'text_b', 'text_c', 'text_d'].map((name) => call.inputs.get(name))),
  ...each(['Text Find and Replace', 'Text Find and Replace Input'], replaces),
  'Text Contains': says('text sub_text case_insensitive?', (said, part, isLoose) =>
    isOn(isLoose ?? true) ? said.toLowerCase().includes(part.toLowerCase()) : said.includes(part),
  ),
  'Text to Conditioning': encodes('text'),
  ...each(['CLIPTextEncode (NSP)', 'CLIPTextEncode (BlenderNeko Advanced + NSP)'], filled),
  Seed: seed,
  'Constant Number': constant,
  'Number Operation': operates,
  'Number Multiple Of': multiple,
  'Number Input Condition': condition,
  'Debug Number to Console': passes('number'),
  ...each(['Number to Int'], works('number', (value) => whole(numberOf(value)))),
  ...each(['Number to Float', 'Number to Seed'], passes('number')),
  ...each(['Number to String', 'Number to Text'], works('number', (value) => text(value))),
  'Text to Number': works('text', (value) => numberOf(value)),
  'Boolean To Text': works('boolean', (value) => (isOn(value) ? 'True' : 'False')),
  ...each(['Image Size to Number', 'Latent Size to Number'], sizeOf),
  'Image Resize': (call) => wasResize(call),
  'Samples Passthrough (Stat System)': passes('samples'),
  'Number PI': () => slots(plain(Math.PI), plain(Math.PI)),
};

/** By a factor, or to sides, which are made multiples of 8. */
function wasResize(call: Call): ReturnType<Rule> {
  const method = call.inputs.get('resampling'), by = call.inputs.get('rescale_factor');
  if (text(scalar(call, 'mode')) === 'rescale')
    return resized(
      call,
      { by, method },
      sizeBy(call, as('picture', call.fields.get('image'))?.size, by, (side, factor) => Math.trunc(side * factor)),
    );
  const side = (name: string): Value => worked(call, name, (value) => {
    const number = numberOf(value);
    return number === undefined ? undefined : Math.ceil(number / 8) * 8;
  });
  const to = { width: side('resize_width'), height: side('resize_height') };
  return resized(call, { to, method }, to);
}
