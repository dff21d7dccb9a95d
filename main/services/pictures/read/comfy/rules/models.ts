// Nodes that load models, and those that change them on the way.
import { asNumber, asText } from '../../fields';
import { isObject } from '../../json';
import { asModelName } from '../../resources';
import type { Call } from '../call';
import { as, type Clip, type Lora, type Model, type Plain, type Value } from '../values';
import { isOn, scalar, slots, type Made, type Rule } from './kit';

/** Some loaders keep a picture beside the name: `{ content, image }`. */
function fileOf(call: Call, name: string): Value | undefined {
  const written = call.node.inputs.get(name);
  return isObject(written) ? plainText(call, name, written.content) : call.inputs.get(name);
}

const plainText = (call: Call, name: string, value: unknown): Plain | undefined => {
  const said = asText(value);
  return said === undefined ? undefined : { kind: 'plain', value: said, origin: { node: call.node, name } };
};

export const loads = (name: string): Rule => (call) => ({
  model: { kind: 'model', file: fileOf(call, name) },
  clip: { kind: 'clip' },
  vae: { kind: 'vae' },
  string: fileOf(call, name),
  model_name: fileOf(call, name),
  name_string: fileOf(call, name),
  filename: fileOf(call, name),
});

export const loadsVae = (name: string): Rule => (call) => ({ vae: { kind: 'vae', name: call.inputs.get(name) } });
export const loadsClip: Rule = () => ({ clip: { kind: 'clip' } });

/** −2 leaves the last layer out, which is 2 in A1111's way to count. */
export const skipsClip = (name: string): Rule => (call) => ({ clip: { kind: 'clip', before: call.fields.get('clip'), skip: call.inputs.get(name) } });

/** Model and text encoder as they come in, with LoRAs. */
export function withLoras(call: Call, loras: readonly Lora[], stack?: Value): Made {
  const model: Model = { kind: 'model', before: call.fields.get('model'), loras, stack };
  const clip: Clip = { kind: 'clip', before: call.fields.get('clip') };
  return { model, clip };
}

const isNamed = (value: Value | undefined): value is Value => value !== undefined && (value.kind !== 'plain' || asModelName(value.value) !== undefined);

/** One LoRA; `strength` and the like are the names of its inputs. */
export function loraOf(call: Call, name: string, strength: string, textStrength = strength): Lora[] {
  const file = fileOf(call, name);
  return isNamed(file) ? [{ name: file, weight: call.inputs.get(strength), textWeight: call.inputs.get(textStrength) }] : [];
}

export const loadsLora = (name: string, strength: string, textStrength = strength): Rule => (call) =>
  withLoras(call, loraOf(call, name, strength, textStrength));

/** Numbered places: 'lora_{}' with i in the braces. `on` is the switch of one. */
export interface Places {
  readonly name: string;
  readonly strength: string;
  readonly textStrength?: string;
  readonly on?: string;
  readonly count?: string;
  readonly most?: number;
  readonly pad?: number;
}

export function lorasIn(call: Call, { name, strength, textStrength = strength, on, count, most = 50, pad = 1 }: Places): Lora[] {
  const at = (pattern: string, i: number): string => pattern.replace('{}', String(i).padStart(pad, '0'));
  const wanted = count === undefined ? undefined : asNumber(scalar(call, count));
  return Array.from({ length: Math.min(most, wanted ?? most) }, (_, i) => i + 1).flatMap((i) => {
    if (on !== undefined && !isOn(scalar(call, at(on, i)))) return [];
    return loraOf(call, at(name, i), at(strength, i), at(textStrength, i));
  });
}

/** rgthree's list of `{ on, lora, strength, strengthTwo }`. */
export const lorasInObjects = (call: Call): Lora[] => [...call.node.inputs].flatMap(([name, value]): Lora[] => {
  if (!/^lora_\d{1,4}$/i.test(name) || !isObject(value) || value.on === false || asModelName(value.lora) === undefined) return [];
  const part = (key: string): Plain | undefined => {
    const found = typeof value[key] === 'number' ? value[key] : undefined;
    return found === undefined ? undefined : { kind: 'plain', value: found, origin: { node: call.node, name } };
  };
  return [{ name: plainText(call, name, value.lora)!, weight: part('strength'), textWeight: part('strengthTwo') ?? part('strength') }];
});

/** LoRAs that travel as a list, behind those of the list that comes in. */
export const stackOf = (call: Call, loras: readonly Lora[], before: Value | undefined = call.fields.get('lora_stack')): Made => ({
  lora_stack: { kind: 'loras', before, loras },
});

export const stacks = (places: Places): Rule => (call) => stackOf(call, lorasIn(call, places));

export const appliesStack: Rule = (call) => withLoras(call, [], call.fields.get('lora_stack'));

/** A model as it comes in, with what the network's answers mean. */
export const predicts = (name: string): Rule =>
  (call) => ({ model: { kind: 'model', before: call.fields.get('model'), prediction: call.inputs.get(name) } });
export const rescales = (name: string): Rule =>
  (call) => ({ model: { kind: 'model', before: call.fields.get('model'), rescale: call.inputs.get(name) } });

/** The model of two that a chooser lets through would be; of two that are mixed, none. */
export const mixes: Rule = (call) => slots(call.unknown);

/** `as`, for what a loader takes in place of its own. */
export const override = (call: Call, name: string): Model | undefined => as('model', call.inputs.get(name));
