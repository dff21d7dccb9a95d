// The values of a node by their names: drawn graphs have them by position.
import { asObject } from '../../fields';
import { isObject } from '../../json';
import { signatureOf } from '../signatures';
import type { DrawnNode } from './drawing';

/** Names of positions. A seed is followed by what the window does with it after a run, a picture by its button; these have no name. */
function widgetNames(type: string): string[] | undefined {
  const repeated = repeatedWidgets[type], signature = signatureOf(type);
  if (repeated)
    return [...repeated.before, ...Array.from({ length: repeated.most }, (_, i) => repeated.each.map((name) => name.replace('{}', String(i + 1)))).flat()];
  return signature?.inputs.filter((input) => input.type === '').flatMap(({ name, extra }) => [name, ...Array.from({ length: extra }, () => '')]);
}

/** Nodes that have the same widgets again and again, more than their definition lists. */
const repeatedWidgets: Readonly<Record<string, { before: string[]; each: string[]; most: number }>> = {
  'LoRA Stacker': { before: ['input_mode', 'lora_count'], each: ['lora_name_{}', 'lora_wt_{}', 'model_str_{}', 'clip_str_{}'], most: 50 },
  'easy loraStack': {
    before: ['toggle', 'mode', 'num_loras'],
    each: ['lora_{}_name', 'lora_{}_strength', 'lora_{}_model_strength', 'lora_{}_clip_strength'],
    most: 10,
  },
  'ttN pipeLoraStack': {
    before: ['toggle', 'mode', 'num_loras'],
    each: ['lora_{}_name', 'lora_{}_strength', 'lora_{}_model_strength', 'lora_{}_clip_strength'],
    most: 10,
  },
};
const indexSwitch = /^easy \w+IndexSwitch$/;

/** By name where the file has names, an object or inputs that say which widget they are; else as the definition orders them. Others are numbered. */
export function widgetValues(node: DrawnNode): [string, unknown][] {
  const { values, type } = node;
  if (!Array.isArray(values)) return Object.entries(asObject(values) ?? {}).filter(([, value]) => !Array.isArray(value));
  if (type === 'Power Lora Loader (rgthree)')
    return values.filter((value) => isObject(value) && 'lora' in value).map((value, i): [string, unknown] => [`lora_${i + 1}`, value]);
  const known = namesFor(node, values);
  return values.map((value: unknown, i): [string, unknown] => [
      known[i] ?? `widget_${i}`,
      typeof value === 'string' && encoder.test(type) ? withoutComments(value) : value,
    ])
    .filter(([name, value]) => name !== '' && !Array.isArray(value));
}

/** Texts in which ComfyUI's window leaves comments out before it runs a graph. */
const encoder = /^(?:CLIPTextEncode|TextEncode|PhotoMakerEncode|Power Prompt|SDXL Power Prompt)/;

function withoutComments(said: string): string {
  const kept: string[] = [], last = said.lastIndexOf('*/');
  let from = 0;
  for (const mark = /\/\*|\/\//g; ; ) {
    const found = mark.exec(said);
    if (!found) break;
    const end = found[0] === '//' ? said.indexOf('\n', found.index) : found.index < last ? said.indexOf('*/', found.index + 2) + 2 : NaN;
    if (Number.isNaN(end) || end === 1) continue;
    kept.push(said.slice(from, found.index));
    from = end < 0 ? said.length : end;
    if (end < 0) break;
    mark.lastIndex = from;
  }
  return [...kept, said.slice(from)].join('');
}

/** `{a|b}`, but not behind a backslash. */
const choice = /(?<!\\)\{[^{}|]*\|[^{}]*\}/;
export const hasChoice = (value: unknown): boolean => typeof value === 'string' && choice.test(value);

/** A text as it is run: a backslash keeps what would be a choice. */
export const unescaped = ({ type }: DrawnNode, value: unknown): unknown =>
  typeof value === 'string' && encoder.test(type) ? value.replace(/\\([{}|])/g, '$1') : value;

function namesFor({ type, inputs }: DrawnNode, values: readonly unknown[]): readonly string[] {
  const own = inputs.flatMap(({ widget }) => widget ?? []), defined = indexSwitch.test(type) ? ['index'] : widgetNames(type);
  if (defined?.length === values.length) return defined;
  const spread = spreadOver(own, values);
  return spread ?? defined ?? own.flatMap((name) => (isSeed(name) && values.length > own.length ? [name, ''] : [name]));
}

const isSeed = (name: string): boolean => /^(?:noise_)?seed$/.test(name);
const afterRun: readonly unknown[] = ['fixed', 'increment', 'decrement', 'randomize'];

/** All of a node's widgets, as newer files name them, with a place behind a seed where the file has one; undefined where that does not come out even. */
function spreadOver(own: readonly string[], values: readonly unknown[]): string[] | undefined {
  const names: string[] = [];
  for (const name of own) {
    names.push(name);
    if (afterRun.includes(values[names.length]) && values.length > own.length) names.push('');
  }
  return own.length > 0 && names.length === values.length ? names : undefined;
}
