// <kind:arg:arg…> tags: networks that a prompt asks for, such as <lora:name:0.8>.
import { word } from './unicode';

export interface ExtraNetwork {
  /** As written: lora, lyco, hypernet, … */
  kind: string;
  /** Arguments in order, name first. */
  positional: string[];
  /** Arguments of the form key=value, e.g. te, unet, dyn. */
  named: Map<string, string>;
}

/** Takes the tags out of a prompt. What is no tag, such as '<3' or '<lora>', stays. */
export function takeExtraNetworks(prompt: string): { prompt: string; networks: ExtraNetwork[] } {
  const networks: ExtraNetwork[] = [];
  const end = prompt.lastIndexOf('>') + 1;                   // looking for a '>' that never comes would take quadratic time
  const rest = prompt.slice(0, end).replace(tag, (_, kind: string, args: string) => {
    const network: ExtraNetwork = { kind, positional: [], named: new Map() };
    for (const arg of args.split(':')) {
      const [key = '', value, more] = arg.split('=');
      if (value === undefined || more !== undefined) network.positional.push(arg);
      else network.named.set(key, value);
    }
    networks.push(network);
    return '';
  });
  return { prompt: rest + prompt.slice(end), networks };
}

const tag = new RegExp(`<([${word}]+):([^>]+)>`, 'gu');
