// What a prompt in A1111's grammar calls up: <lora:name:te:unet>, <lyco:…>, <hypernet:…>.
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { takeExtraNetworks, type ExtraNetwork } from '../../../engine/text/extra-networks';

/** `weight` is the U-Net's. Without numbers it is 1, and the text encoder's is the same unless both are given. */
export function lorasOf(prompt: string): PictureJob['loras'] {
  return takeExtraNetworks(prompt).networks.filter(({ kind }) => /^(?:lora|lyco)$/i.test(kind)).flatMap((network) => {
    const name = network.positional[0] ?? '';
    const textWeight = weightOf(network, 1, 'te') ?? 1, weight = weightOf(network, 2, 'unet') ?? textWeight;
    return name === '' ? [] : [{ name, weight, ...(textWeight !== weight && { textWeight }) }];
  });
}

export const hypernetworksOf = (prompt: string): string[] =>
  takeExtraNetworks(prompt).networks.filter(({ kind }) => kind.toLowerCase() === 'hypernet').map(({ positional }) => positional[0] ?? '');

function weightOf({ positional, named }: ExtraNetwork, position: number, name: string): number | undefined {
  const text = named.get(name) ?? positional[position];
  const number = text === undefined || text.trim() === '' ? NaN : Number(text);
  return Number.isFinite(number) ? number : undefined;
}
