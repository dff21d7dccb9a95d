// rgthree's nodes.
import { asText } from '../../fields';
import type { Outputs } from '../call';
import { as, plain, type Value } from '../values';
import { firstOf, isOn, numberOf, scalar, slots, text, whole, worked, type Rule, type Rules } from './kit';
import { lorasIn, lorasInObjects, withLoras } from './models';
import { blank, pictureOf, resized, sidesOf, sizeInWords } from './pictures';
import { firstThere, there } from './switches';
import { encodesTagged } from './tags';
import { encodes } from './text';

/** In the order of the outputs; the small context ends with the seed. */
const contextFields = [
  '', 'model', 'clip', 'vae', 'positive', 'negative', 'latent', 'image', 'seed', 'steps', 'step_refiner', 'cfg', 'ckpt_name', 'sampler_name',
  'scheduler', 'clip_width', 'clip_height', 'text_pos_g', 'text_pos_l', 'text_neg_g', 'text_neg_l', 'mask', 'control_net',
];

/** Of several contexts that come in, the later ones win; own inputs win over all. */
const context: Rule = (call): Outputs => (slot) => {
  const name = contextFields[slot];
  if (name === undefined) return call.unknown;
  return name === '' ? { kind: 'bundle', fields: call.fields, rest: call.rest } : (call.fields.get(name) ?? call.rest);
};

const contextSwitch: Rule = (call): Outputs => (slot) => {
  const chosen = there(call, /^ctx_/), name = contextFields[slot];
  if (chosen?.kind !== 'bundle' || slot === 0) return chosen;
  return name === undefined ? call.unknown : (chosen.fields.get(name) ?? chosen.rest);
};

const primitive: Rule = (call) => slots(
  worked(call, 'value type?', (value, type): string | number | boolean | undefined => {
    const wanted = text(type).replace(/\s*\([^)]*\)\s*$/, '');
    return wanted === 'STRING'
      ? text(value)
      : wanted === 'INT' ? whole(numberOf(value)) : wanted === 'FLOAT' ? numberOf(value) : /^BOOL/.test(wanted) ? isOn(value) : value;
  }),
);

/** '1216 x 832   (landscape)', and that size times `clip_scale`. */
const emptyLatent: Rule = (call) => {
  const dimensions = call.inputs.get('dimensions'), size = dimensions?.kind === 'plain' ? sizeInWords(dimensions.value) : undefined;
  const side = (of: number | undefined): Value =>
    of === undefined || dimensions?.kind !== 'plain' ? (dimensions?.kind === 'unknown' ? dimensions : call.unknown) : plain(of, dimensions);
  const scaled = (of: number | undefined): Value =>
    of === undefined
      ? call.unknown
      : worked(call, 'dimensions clip_scale', (_, scale) => {
          const by = numberOf(scale);
          return by === undefined ? undefined : Math.trunc(of * by);
        });
  return { ...blank({ width: side(size?.width), height: side(size?.height) }), clip_width: scaled(size?.width), clip_height: scaled(size?.height) };
};

/** Only where it is told to set both sides, in pixels. */
const imageResize: Rule = (call) => {
  const sides = ['width', 'height'].map((name) => call.inputs.get(name) ?? call.unknown) as [Value, Value];
  const isKnown =
    asText(scalar(call, 'measurement')) === 'pixels' && sides.every((side) => side.kind !== 'plain' || side.value !== 0) &&
    asText(scalar(call, 'fit')) !== 'contain';
  const [width, height] = isKnown ? sides : [call.unknown, call.unknown], to = { width, height };
  return { ...resized(call, { to, method: call.inputs.get('method') }, to), width, height };
};

export const rgthree: Rules = {
  'Context (rgthree)': context,
  'Context Big (rgthree)': context,
  'Context Merge (rgthree)': context,
  'Context Merge Big (rgthree)': context,
  'Context Switch (rgthree)': contextSwitch,
  'Context Switch Big (rgthree)': contextSwitch,
  'Any Switch (rgthree)': firstThere(/^any_/),
  'Power Primitive (rgthree)': primitive,
  'Seed (rgthree)': (call) => slots(call.inputs.get('seed')),
  'Display Any (rgthree)': (call) => slots(call.inputs.get('source')),
  'Display Int (rgthree)': (call) => slots(call.inputs.get('input')),
  'SDXL Empty Latent Image (rgthree)': emptyLatent,
  'Image or Latent Size (rgthree)': (call) => sidesOf(as('picture', call.inputs.get('input')), call),
  'Image Resize (rgthree)': imageResize,
  'KSampler Config (rgthree)': (call) => slots(...['steps_total', 'refiner_step', 'cfg', 'sampler_name', 'scheduler'].map((name) => call.inputs.get(name))),
  'Power Lora Loader (rgthree)': (call) => withLoras(call, lorasInObjects(call)),
  'Lora Loader Stack (rgthree)': (call) => withLoras(call, lorasIn(call, { name: 'lora_{}', strength: 'strength_{}', pad: 2, most: 4 })),
  'Power Prompt (rgthree)': encodesTagged('prompt'),
  'Power Prompt - Simple (rgthree)': (call) => ({ ...encodes('prompt')(call), text: firstOf(call, 'prompt') }),
  'SDXL Power Prompt - Positive (rgthree)': (call) => ({
    ...encodesTagged('prompt_g', 'prompt_l')(call),
    text_g: call.inputs.get('prompt_g'),
    text_l: call.inputs.get('prompt_l'),
  }),
  'SDXL Power Prompt - Simple / Negative (rgthree)': (call) => ({
    ...encodes('prompt_g', 'prompt_l')(call),
    text_g: call.inputs.get('prompt_g'),
    text_l: call.inputs.get('prompt_l'),
  }),
  'Image Inset Crop (rgthree)': (call) => resized(call, {}, undefined, pictureOf(call)),
};
