// The first LoRAs' names (cloneofsimo/lora): numbers alone, in the order in which the trained modules stand in the network: `unet:0:up`, `text_encoder:3:down`,
// and in his lists (.pt) `0`, `1`, … for up and down in turn. Which module a number means, the checkpoint's own layers tell.
import { sizeOf, type Dims } from '../../tensor';
import type { LoraTarget, LoraTargets } from './targets';

const pattern = /^(unet|text_encoder):(\d+)$/;

/** 'unet:12' and its like. */
export const isNumbered = (layer: string): boolean => pattern.test(layer);

interface Sized { readonly layer: string; readonly parts: { readonly up?: unknown; readonly down?: unknown } }

/** By name, the layers of numbered modules; of the orders that there are the first in which every module fits its layer. */
export function numberedTargets(modules: readonly Sized[], targets: LoraTargets): ReadonlyMap<string, LoraTarget> {
  const found = new Map<string, LoraTarget>();
  for (const network of ['unet', 'text_encoder'] as const) {
    const own = modules.filter(({ layer }) => pattern.exec(layer)?.[1] === network);
    if (own.length === 0) continue;
    const numberOf = ({ layer }: Sized): number => Number(pattern.exec(layer)![2]);
    const orders = network === 'unet' ? unetOrders(targets) : [textOrder(targets)];
    const order = orders.find((list) => own.every((module) => fits(module, list[numberOf(module)]))) ?? orders[0]!;
    for (const module of own) {
      const target = order[numberOf(module)];
      if (target) found.set(module.layer, target);
    }
  }
  return found;
}

const shapeOf = (part: unknown): Dims | undefined => (part as { readonly shape?: Dims } | undefined)?.shape;

function fits({ parts }: Sized, target: LoraTarget | undefined): boolean {
  const up = shapeOf(parts.up), down = shapeOf(parts.down);
  if (!target || !up || !down) return false;
  const [out = 1, ...rest] = target.weight.shape;
  return up[0] === (target.rows?.count ?? out) && sizeOf(down.slice(1)) === sizeOf(rest);
}

const attention = (name: string): string[] => ['to_q', 'to_k', 'to_v', 'to_out_0'].map((part) => `${name}_${part}`);
const resnet = ['conv1', 'time_emb_proj', 'conv2', 'conv_shortcut'];

/**
 * diffusers' U-Net registers its middle last, and a block's attentions before its resnets. Until 2023 a transformer registered its feed-forward (of which
 * the GEGLU is trained) between its attentions, later behind them. With or without the resnets (`extended`).
 */
function unetOrders(targets: LoraTargets): LoraTarget[][] {
  const at = (name: string): LoraTarget[] => { const target = targets.get(`unet:${name}`); return target ? [target] : []; };
  const many = (make: (i: number) => LoraTarget[]): LoraTarget[] => {
    const all: LoraTarget[] = [];
    for (let i = 0, next = make(0); next.length > 0 || i < MOST_EMPTY; next = make(++i)) all.push(...next);
    return all;
  };
  const transformer = (name: string, old: boolean): LoraTarget[] => {
    const gate = `${name}_ff_net_0_proj`;
    return [...attention(`${name}_attn1`), ...(old ? [gate] : []), ...attention(`${name}_attn2`), ...(old ? [] : [gate])].flatMap(at);
  };
  const block = (name: string, old: boolean, extended: boolean): LoraTarget[] => [
    ...many((j) => many((k) => transformer(`${name}_attentions_${j}_transformer_blocks_${k}`, old))),
    ...(extended ? many((j) => resnet.flatMap((part) => at(`${name}_resnets_${j}_${part}`))) : []),
  ];
  return [false, true].flatMap((extended) => [true, false].map((old) => [
    ...many((i) => block(`down_blocks_${i}`, old, extended)), ...many((i) => block(`up_blocks_${i}`, old, extended)), ...block('mid_block', old, extended),
  ]));
}

/** Blocks without attention stand between those with it. */
const MOST_EMPTY = 4;

/** transformers' CLIP registers key, value, query, output. */
function textOrder(targets: LoraTargets): LoraTarget[] {
  const order: LoraTarget[] = [];
  for (let i = 0; targets.has(`te1:text_model_encoder_layers_${i}_self_attn_k_proj`); i++) {
    for (const part of ['k_proj', 'v_proj', 'q_proj', 'out_proj']) order.push(targets.get(`te1:text_model_encoder_layers_${i}_self_attn_${part}`)!);
  }
  return order;
}
