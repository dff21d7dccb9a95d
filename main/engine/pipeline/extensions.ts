// What changes a U-Net from outside while a picture is made: adapters, control, reference pictures. Each says what it does to the graph, and what the
// graph is fed for it at every evaluation.
import { composeHooks, type Hooks } from '../graph/hooks';
import type { UnetConfig, UnetShape } from '../families/unet';
import type { AnyTensor, Tensor } from '../tensor';
import type { Condition } from './networks';

/** When the U-Net is asked, and for what. */
export interface Asked {
  /** Which side of the guidance each row of the batch is. */
  readonly rows: readonly ('cond' | 'uncond')[];
  readonly sigma: number;
  /** The share of the pass's evaluations that lie before this one, 0–1. */
  readonly progress: number;
}

/** One evaluation: x [B, C, h, w] scaled for the network and without the channels under `concat`, t [B]. */
export interface UnetCall extends Asked { readonly x: Tensor; readonly t: Tensor; readonly condition: Condition }

export interface Extension {
  /** Tells graphs apart: all that `hooks` hang on, files included. */
  readonly key: string;
  /** Inputs that they add to the graph have names of their own, which `feeds` fills. */
  hooks(size: UnetShape, unet: UnetConfig): Hooks;
  feeds(call: UnetCall): Readonly<Record<string, AnyTensor>> | Promise<Readonly<Record<string, AnyTensor>>>;
  /** What the graph gave at this evaluation, with what the hooks made outputs of it. */
  read?(outputs: Readonly<Record<string, Tensor>>, call: UnetCall): void;
  /** Lets go of networks of its own: others need the room. */
  release?(): Promise<void>;
}

export const keyOf = (extensions: readonly Extension[]): string => extensions.map(({ key }) => key).join('\n');

/** None: the network's own graph. */
export const hooksOf = (extensions: readonly Extension[], size: UnetShape, unet: UnetConfig): Hooks =>
  extensions.length === 0 ? {} : composeHooks(extensions.map((extension) => extension.hooks(size, unet)));

/** One after the other: each may run a network of its own. */
export async function feedsOf(extensions: readonly Extension[], call: UnetCall): Promise<Record<string, AnyTensor>> {
  const feeds: Record<string, AnyTensor> = {};
  for (const extension of extensions) Object.assign(feeds, await extension.feeds(call));
  return feeds;
}
