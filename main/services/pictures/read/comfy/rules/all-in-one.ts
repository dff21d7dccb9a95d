// Loaders that are everything at once, and what goes with them: Easy-Use, tinyterra and Efficiency have them alike.
import { asNumber, asText } from '../../fields';
import { asModelName } from '../../resources';
import type { Call } from '../call';
import { as, plain, type Clip, type Conditioning, type Lora, type Model, type Value } from '../values';
import { isOn, scalar, text, type Made, type Rule } from './kit';
import { loraOf, lorasIn, override } from './models';
import { blank, chosenSize, factorOf, resized, sizeAt, sizeBy } from './pictures';
import { tagged } from './tags';
import { areOthers, conditioningOf, firstText } from './text';

const loraPlaces: readonly (readonly [name: string, strength: string, textStrength: string])[] = [
  ['lora_name', 'lora_model_strength', 'lora_clip_strength'],
  ...[1, 2, 3].map((i) => [`lora${i}_name`, `lora${i}_model_strength`, `lora${i}_clip_strength`] as const),
];

/** What a loader says besides its checkpoint: words, LoRAs, the layers left out, the size to begin with. `file` is the checkpoint's input. */
export const loadsAll = (
  file = 'ckpt_name',
  skip = 'clip_skip',
  positive: readonly string[] = ['positive', 'positive_g', 'positive_l'],
  negative: readonly string[] = ['negative', 'negative_g', 'negative_l'],
): Rule => (call): Made => {
  const loras = [...loraPlaces.flatMap((place) => loraOf(call, ...place)), ...lorasInWords(call)], stack = call.fields.get('lora_stack');
  const loaded: Model = override(call, 'model_override') ?? { kind: 'model', file: call.inputs.get(file) };
  const model: Model = { kind: 'model', before: loaded, loras, stack };
  const clip: Clip = { kind: 'clip', before: call.inputs.get('clip_override'), skip: call.inputs.get(skip) };
  const vae: Value = call.inputs.get('vae_override') ?? {
    kind: 'vae',
    name: asModelName(scalar(call, 'vae_name')) === undefined ? undefined : call.inputs.get('vae_name'),
  };
  const says = (names: readonly string[], before: string): Conditioning =>
    ({ ...conditioningOf(call, prepended(call, names, before), clip), doubts: areOthers(call, names) ? [call.node] : [] });
  const choice = call.inputs.has('resolution') ? 'resolution' : 'empty_latent_aspect';
  const size = chosenSize(call, choice, 'empty_latent_width', 'empty_latent_height');
  return {
    model,
    clip,
    vae,
    positive: says(positive, 'prepend_positive'),
    negative: says(negative, 'prepend_negative'),
    ...blank(size),
    ...size,
    pos_string: prepended(call, positive, 'prepend_positive'),
    neg_string: prepended(call, negative, 'prepend_negative'),
  };
};

/** tinyterra's field for LoRAs: tags, of which those without a number are passed over. */
export const lorasInWords = (call: Call): Lora[] => tagged(call, ['loras'], (said) => (said.match(/<lora:[^<>:]*(?::[-0-9.]+)+>/g) ?? []).join(''));

/** tinyterra puts another text before what is written. */
export function prepended(call: Call, names: readonly string[], before: string): ReturnType<typeof firstText> {
  const words = firstText(call, names), first = call.inputs.get(before);
  if (first?.kind !== 'plain' || words.kind !== 'plain') return first?.kind === 'unknown' ? first : words;
  return plain([first, words].map(({ value }) => text(value)).filter((each) => each !== '').join(' '), first, words);
}

export const stackPlaces = (call: Call): Lora[] => {
  if (call.inputs.has('toggle') && !isOn(scalar(call, 'toggle'))) return [];
  const isSimple = asText(scalar(call, 'mode')) === 'simple';
  return lorasIn(call, {
    name: 'lora_{}_name',
    strength: isSimple ? 'lora_{}_strength' : 'lora_{}_model_strength',
    textStrength: isSimple ? 'lora_{}_strength' : 'lora_{}_clip_strength',
    count: 'num_loras',
  });
};

/** By a model, and then to a share of that, or to a size. */
export const hiresFix = (field: 'latent' | 'image'): Rule => (call) => {
  const name = call.inputs.get('model_name') ?? call.inputs.get('upscale_model_name');
  const before = as('picture', call.fields.get('image')) ?? as('picture', call.fields.get(field)), how = asText(scalar(call, 'rescale')) ?? '';
  if (/width/i.test(how)) {
    const to = sizeAt(call, 'width', 'height');
    return resized(call, { to, upscaler: name }, to, before);
  }
  const percent = asNumber(scalar(call, 'percent')), factor = factorOf(name);
  const share = scalar(call, 'rescale_after_model') === false ? 1 : /percent/i.test(how) && percent !== undefined ? percent / 100 : undefined;
  const by = factor?.kind === 'plain' && share !== undefined ? plain(Number(factor.value) * share, factor) : call.unknown;
  return resized(call, { by, upscaler: name }, sizeBy(call, before?.size, by, (side, grow) => Math.round(side * grow)), before);
};
