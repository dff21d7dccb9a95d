// The one way into a network from outside. Adapters, control, reference attention, attention maps, caching between steps and training change
// what a network computes here and nowhere else: at an attention, at a block's output, at what stands around a picture, at a weight. The network's own code knows none of them.
import type { Graph, Value } from './graph';
import type { Pads } from './primitives';

/** q [B, Lq, heads·d], k and v [B, Lk, heads·d], bias [1, 1, Lq, Lk]? */
export interface AttentionSite {
  /** Of the layer, as in the checkpoint: '….transformer_blocks.0.attn2'. */
  readonly path: string;
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
  readonly heads: number;
  readonly bias?: Value | undefined;
}

export interface BlockSite {
  /** '….input_blocks.4', '….middle_block', '….output_blocks.11'. */
  readonly path: string;
  /** A block's output as the next block reads it, or an input block's as the output block `path` reads it again. */
  readonly role: 'output' | 'skip';
}

export interface WeightSite {
  /** The tensor's name in the checkpoint. */
  readonly path: string;
  /** Where one tensor packs several weights, the rows that are read. */
  readonly rows?: { readonly start: number; readonly count: number };
}

/** What a convolution reads, and what it is still to pad with zeros. */
export interface Bordered { readonly x: Value; readonly pads: Pads }

export interface Hooks {
  /** `attend` is the network's attention with what other hooks make of it, `own` that of the network alone, as often and with whatever else as the hook wants. → [B, Lq, heads·d] */
  attention?(g: Graph, site: AttentionSite, attend: (site: AttentionSite) => Value, own: (site: AttentionSite) => Value): Value;
  /** h [B, C, H, W] → the same shape. */
  block?(g: Graph, site: BlockSite, h: Value): Value;
  /** What stands around x [B, C, H, W] where a convolution of more than one pixel looks beyond it. */
  border?(g: Graph, site: Bordered): Bordered;
  /** → the same shape. */
  weight?(g: Graph, site: WeightSite, value: Value): Value;
}

/** Each sees what those before it have made of a block or a weight, and wraps their attention. */
export const composeHooks = (all: readonly Hooks[]): Hooks => ({
  attention: (g, site, attend, own) => all.reduce<typeof attend>((inner, hooks) => (hooks.attention ? (at) => hooks.attention!(g, at, inner, own) : inner), attend)(site),
  block: (g, site, h) => all.reduce((value, hooks) => hooks.block?.(g, site, value) ?? value, h),
  border: (g, site) => all.reduce((bordered, hooks) => hooks.border?.(g, bordered) ?? bordered, site),
  weight: (g, site, own) => all.reduce((value, hooks) => hooks.weight?.(g, site, value) ?? value, own),
});
