// The networks that a prompt in A1111's grammar calls up, as a picture's report has them.
import type { PictureJob } from '../../../../preload/contract/picture-report';
import { loraTags } from '../../../engine/text/lora-tags';
import { takeExtraNetworks } from '../../../engine/text/prompt-syntax';

export const lorasOf = (prompt: string): PictureJob['loras'] =>
  loraTags(prompt).map(({ unet, text, unread: _, ...tag }) => ({ ...tag, weight: unet, ...(text !== unet && { textWeight: text }), fromPrompt: true }));

export const hypernetworksOf = (prompt: string): string[] =>
  takeExtraNetworks(prompt).networks.filter(({ kind }) => kind.toLowerCase() === 'hypernet').map(({ positional }) => positional[0] ?? '');
