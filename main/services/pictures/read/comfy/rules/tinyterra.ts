// tinyterra: loaders, samplers and pipes, most of them of Easy-Use's forms.
import { asText } from '../../fields';
import type { Call } from '../call';
import type { Conditioning, Model, Value } from '../values';
import { hiresFix, loadsAll, lorasInWords, prepended, stackPlaces } from './all-in-one';
import { each, isOn, joinedConditioning, numberOf, numbered, passes, scalar, slots, text, whole, worked, type Rule, type Rules } from './kit';
import { loraOf, mixes, stackOf, withLoras } from './models';
import { inEighths, pictureOf, resized, sampled, sizeBy } from './pictures';
import { conditioningOf, firstText, joinTexts, written } from './text';

/** tinyterra's samplers may enlarge the latents before they begin, and load a LoRA. */
const samplesPipe: Rule = (call) => {
  const method = asText(scalar(call, 'upscale_method')), before = pictureOf(call);
  const isLarger = method !== undefined && !/^none$/i.test(method) && /latent/i.test(method) && !/model/i.test(method);
  const by = call.inputs.get('factor');
  const larger = resized(call, { by, method: call.inputs.get('upscale_method') }, sizeBy(call, before?.size, by, inEighths), before)['latent'];
  const loras = [
    ...loraOf(call, 'lora_name', 'lora_model_strength', 'lora_clip_strength'),
    ...(call.inputs.has('lora_strength') ? loraOf(call, 'lora_name', 'lora_strength') : []),
  ].slice(-1);
  const changed = new Map([
    ...call.fields,
    ...(loras.length > 0 ? [['model', withLoras(call, loras)['model']!] as const] : []),
    ...(isLarger && larger ? [['latent', larger] as const] : []),
  ]);
  return { ...sampled(call, changed), model: changed.get('model') };
};

/** Of two networks one behind the other, the steps are split in a way that a job has no words for. */
const samplesTwo: Rule = (call) =>
  sampled(call, new Map([...call.fields].filter(([name]) => name !== 'steps')), { refiner: { model: call.fields.get('refiner_model'), at: call.unknown } });

const conditions: Rule = (call) => {
  const model: Model = { kind: 'model', before: call.fields.get('model'), loras: lorasInWords(call), stack: call.fields.get('lora_stack') }, clip = call.fields.get('clip');
  const both = {
    positive: conditioningOf(call, prepended(call, ['positive'], 'prepend_positive'), clip),
    negative: conditioningOf(call, prepended(call, ['negative'], 'prepend_negative'), clip),
  };
  return { model, ...both, pos_string: both.positive.text, neg_string: both.negative.text };
};

const concatenates: Rule = (call) => {
  if (call.inputs.has('toggle') && !isOn(scalar(call, 'toggle'))) return {};
  const with_ = (role: 'positive' | 'negative'): Value | undefined => {
    const from = call.inputs.get(`optional_${role}_from`), old = call.inputs.get('pipe');
    const own: Conditioning = conditioningOf(call, firstText(call, [role]));
    return joinedConditioning(call, [from ?? (old?.kind === 'bundle' ? (old.fields.get(role) ?? old.rest) : old), own], ' BREAK ');
  };
  return { positive: with_('positive'), negative: with_('negative') };
};

export const tinyterra: Rules = {
  ...each(['ttN pipeLoader', 'ttN pipeLoader_v2', 'ttN pipeLoaderSDXL', 'ttN pipeLoaderSDXL_v2', 'ttN tinyLoader'], (call) => ({
    ...loadsAll()(call),
    ...(call.inputs.has('refiner_ckpt_name') && { refiner_model: { kind: 'model', file: call.inputs.get('refiner_ckpt_name') } }),
  })),
  ...each(['ttN pipeKSampler', 'ttN pipeKSampler_v2', 'ttN pipeKSamplerAdvanced', 'ttN pipeKSamplerAdvanced_v2', 'ttN KSampler_v2'], samplesPipe),
  ...each(['ttN pipeKSamplerSDXL', 'ttN pipeKSamplerSDXL_v2'], samplesTwo),
  'ttN conditioning': conditions,
  'ttN pipeEncodeConcat': concatenates,
  'ttN hiresfixScale': hiresFix('image'),
  'ttN multiModelMerge': mixes,
  'ttN pipeLoraStack': (call) => stackOf(call, isOn(scalar(call, 'toggle')) ? stackPlaces(call) : []),
  'ttN seed': passes('seed'),
  'ttN text': passes('text'),
  'ttN textDebug': passes('text'),
  'ttN textOutput': passes('text'),
  'ttN int': (call) => slots(call.inputs.get('int'), call.inputs.get('int'), worked(call, 'int', (value) => text(value))),
  'ttN float': (call) => slots(
    call.inputs.get('float'),
    worked(call, 'float', (value) => whole(numberOf(value))),
    worked(call, 'float', (value) => text(value)),
  ),
  'ttN concat': (call) => slots(joined(call, ['text1', 'text2', 'text3'])),
  'ttN text3BOX_3WAYconcat': (call) => slots(
    ...['text1', 'text2', 'text3'].map((name) => call.inputs.get(name)),
    joined(call, ['text1', 'text2']),
    joined(call, ['text1', 'text3']),
    joined(call, ['text2', 'text3']),
    joined(call, ['text1', 'text2', 'text3']),
  ),
  'ttN text7BOX_concat': (call) => slots(
    ...[1, 2, 3, 4, 5, 6, 7].map((i) => call.inputs.get(`text${i}`)),
    joinTexts(call, { names: numbered(call, /^text(\d)$/), between: written('delimiter', ','), skipsEmpty: true }),
  ),
};

const joined = (call: Call, names: readonly string[]): Value => joinTexts(call, { names, between: written('delimiter', ',') });
