// LoRAs in JSON: a list of `{ name, weight }`, of `[name, weight]`, of RuinedFooocus' `[hash, "weight - name"]`, of `name:weight`; or an object whose keys are the names.
import { stem } from '../../models/which-model';
import { asList, asNumber, asObject, asText, asWords, type Parse } from './fields';

export interface Lora { readonly name: string; readonly weight: number; readonly hash: string | null }

/** `whole`: nothing else was in the list, as models of other kinds. undefined where something in it cannot be understood. */
export const asLoras: Parse<{ loras: Lora[]; whole: boolean }> = (value) => {
  const named = asObject(value), list = asList(value) ?? (named ? Object.entries(named) : tagsIn(value)), loras = (list ?? []).map(asLora);
  if (!list || loras.includes(undefined)) return undefined;
  const found = loras.filter((lora) => lora !== null && lora !== undefined);
  return { loras: found.filter(({ name }) => !/^none$/i.test(name)), whole: found.length === loras.length };
};

/** As in RuinedFooocus' first versions: `Loras:<name:0.5>,<name:1>`. */
function tagsIn(value: unknown): string[] | undefined {
  const tags = [...(asText(value) ?? '').slice(0, 10_000).matchAll(/<([^<>]{1,300})>/g)].map(([, tag]) => tag!);
  return tags.length > 0 ? tags : undefined;
}

/** null for a model of another kind. */
function asLora(item: unknown): Lora | null | undefined {
  const object = asObject(item), list = asList(item);
  return object ? ofObject(object) : list ? ofList(list) : ofWord(asWords(item) ?? '');
}

function ofObject(object: Readonly<Record<string, unknown>>): Lora | null | undefined {
  const name = nameIn(object), weight = [object.weight, object.strength, object.multiplier, object.scale].map(asNumber).find((each) => each !== undefined);
  if (!/^(?:lora|lycoris|locon|loha|lokr|dora)$/i.test(asText(object.type) ?? 'lora')) return null;
  return name === undefined ? undefined : { name: stem(name), weight: weight ?? 1, hash: hex(object.hash) };
}

function ofList(list: readonly unknown[]): Lora | undefined {
  const [, weight, name] = /^(-?\d{1,3}(?:\.\d{1,9})?) - (.{1,300})$/.exec(asText(list[1]) ?? '') ?? [];
  if (name !== undefined) return { name: stem(name), weight: Number(weight), hash: hex(list[0]) };
  const word = list.map(asWords).find((each) => each !== undefined && asNumber(each) === undefined), number = list.map(asNumber).find((each) => each !== undefined);
  return word === undefined ? undefined : { name: stem(word), weight: number ?? 1, hash: hex(list[2]) };
}

function ofWord(text: string): Lora | undefined {
  const [, name = text, weight] = /^(.{1,300}?)\s?:\s?(-?\d{1,3}(?:\.\d{1,9})?)$/.exec(text) ?? [];
  return name === '' ? undefined : { name: stem(name), weight: Number(weight ?? 1), hash: null };
}

/** Of a model that is an object of its own. */
export function nameIn(value: unknown): string | undefined {
  const object = asObject(value), name = object && [object.modelFileName, object.name, object.model_name, object.file_name, object.file, object.path, object.model].find((each) => asWords(each) !== undefined);
  return asText(name);
}

/** A hash in small letters. */
export const hex = (value: unknown): string | null => /^(?:0x)?([0-9a-f]{6,64})$/i.exec(asText(value) ?? '')?.[1]?.toLowerCase() ?? null;
