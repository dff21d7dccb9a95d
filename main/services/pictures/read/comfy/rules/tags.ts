// Nodes that load what tags in a text call up: `<lora:name:0.8>`.
import { lorasOf } from '../../lora-tags';
import type { Call } from '../call';
import { plain, type Lora } from '../values';
import { text, type Made, type Rule } from './kit';
import { withLoras } from './models';
import { encoded, firstText } from './text';

/** Nodes have the network's strength first, A1111 the text encoder's. */
const turned = (said: string): string => said.replace(/(<(?:lora|lyco):[^:<>]*):([-+.\d]+):([-+.\d]+)(?=[:>])/gi, '$1:$3:$2');

/** Written by tags in these texts; `read` takes out of a text what the node reads. Those of a text that is not known are not known. */
export function tagged(call: Call, names: readonly string[], read: (said: string) => string = (said) => said): Lora[] {
  return names.flatMap((name): Lora[] => {
    const words = call.inputs.get(name);
    if (words?.kind === 'unknown') return [{ name: words }];
    if (words?.kind !== 'plain') return [];
    return lorasOf(turned(read(text(words.value)))).map(({ name: file, weight, textWeight }) => ({
      name: plain(file, words), weight: plain(weight), textWeight: textWeight === undefined ? undefined : plain(textWeight),
    }));
  });
}

export const loadsTags = (...names: readonly string[]): Rule => (call) => withLoras(call, tagged(call, names));

/** With the text that it has read, as conditioning and as it stands. */
export const encodesTagged = (...names: readonly string[]): Rule => (call): Made => {
  const words = firstText(call, names), conditioning = encoded(call, names), said = conditioning.text;
  const ours = !conditioning.isComfy && said.kind === 'plain' ? { ...conditioning, text: { ...said, value: turned(text(said.value)) } } : conditioning;
  return { ...withLoras(call, tagged(call, names)), conditioning: ours, populated_text: words, text: words };
};
