// What a prompt in A1111's grammar calls up: <lora:name:te:unet:dyn>, by place or by name (`te=`, `unet=`, `dyn=`), and <lyco:…>. With them the LoRA Block
// Weight extension's `lbw=` (or a list or preset in place of a number), `start=`, `stop=` and `step=first-last`, in steps.
import { blockWeights } from '../weights/lora/block-weights';
import { isLoraTag, takeExtraNetworks, type ExtraNetwork } from './prompt-syntax';

export interface LoraTag {
  /** Of the file, or the one that it gives itself (`ss_output_name`). */
  readonly name: string;
  /** Without numbers 1; the text encoders' is the U-Net's unless both are given. */
  readonly unet: number;
  readonly text: number;
  readonly ranks?: number;
  readonly blocks?: Readonly<Record<string, number>>;
  /** Shares of the `steps` that it is read for. */
  readonly start?: number;
  readonly end?: number;
  /** What it says of blocks and steps and cannot be read. */
  readonly unread?: string;
}

/** In their order, in a prompt of so many steps. Tags without a name are none. */
export function loraTags(prompt: string, steps = 0): LoraTag[] {
  return takeExtraNetworks(prompt).networks.filter(({ kind }) => isLoraTag(kind)).flatMap((network) => {
    const name = network.positional[0]?.trim() ?? '';
    const text = numberOf(network, 1, 'te') ?? 1, ranks = Math.trunc(numberOf(network, 3, 'dyn') ?? 0);
    const list = network.named.get('lbw') ?? network.positional.slice(1).find((value) => blockWeights(value)), blocks = list === undefined ? undefined : blockWeights(list);
    return name === '' ? [] : [{
      name, unet: numberOf(network, 2, 'unet') ?? text, text, ...(ranks > 0 && { ranks }), ...(blocks && { blocks }), ...(list !== undefined && !blocks && { unread: `lbw=${list}` }), ...(steps > 0 && sharesOf(network, steps)),
    }];
  });
}

function sharesOf({ named }: ExtraNetwork, steps: number): { start?: number; end?: number } {
  const [from, to] = (named.get('step') ?? '').split('-'), share = (value: string | undefined): number | undefined => { const step = Number(value); return value?.trim() && Number.isFinite(step) ? Math.min(1, Math.max(0, step / steps)) : undefined; };
  const start = share(named.get('start') ?? from), end = share(named.get('stop') ?? to);
  return { ...(start !== undefined && { start }), ...(end !== undefined && { end }) };
}

function numberOf({ positional, named }: ExtraNetwork, place: number, name: string): number | undefined {
  const written = named.get(name) ?? positional[place];
  const number = written === undefined || written.trim() === '' ? NaN : Number(written);
  return Number.isFinite(number) ? number : undefined;
}
