// LoRAs as hooks of a network's graph. Their tensors are initializers into their own files, and their strengths are inputs, so that another strength is
// another number and no other graph.
import type { Graph, Value } from '../graph/graph';
import type { Hooks, WeightSite } from '../graph/hooks';
import { storedTensor } from '../nn/weights';
import { sizeOf, type Tensor } from '../tensor';
import { blockOf } from '../weights/merge/blocks';
import type { ModuleChange } from '../weights/lora/match';
import type { TensorEntry } from '../weights/source';
import { changedBias, changedWeight } from './change';
import type { ReadyModule } from './lora';
import type { Adapter, AdapterPart } from './module';

export type LoraChange = ModuleChange<ReadyModule>;

/** A LoRA as one network meets it. */
export interface AppliedLora {
  /** Of its file. */
  readonly path: string;
  /** The input of the graph that is its strength []. */
  readonly input: string;
  readonly changes: readonly LoraChange[];
  /** A multiplier for each block. */
  readonly blocks?: BlockMultipliers | undefined;
  /** Of its factors only so many of the first ranks count, as they are scaled for all of them (A1111's `dyn`). */
  readonly ranks?: number | undefined;
}

/** By block: BASE (text encoders, and what stands in no block), IN00–IN11, M00, OUT00–OUT11. */
export type BlockMultipliers = Readonly<Record<string, number>>;

/** For one graph, each LoRA on what those before it have made. Throws lora.misfit naming the layer. */
export function loraHooks(loras: readonly AppliedLora[]): Hooks {
  const bySite = new Map<string, { lora: AppliedLora; change: LoraChange }[]>();
  for (const lora of loras) {
    for (const change of lora.changes) {
      const site = siteOf(change.entry.name, change.target.rows), here = bySite.get(site);
      if (here) here.push({ lora, change });
      else bySite.set(site, [{ lora, change }]);
    }
  }
  const scale = scales();
  return {
    weight: (g, { path, rows }, value) => (bySite.get(siteOf(path, rows)) ?? []).reduce((w, { lora, change }) => changed(g, w, lora, change, (factor) => scale(g, lora.input, factor)), value),
  };
}

const siteOf = (name: string, rows: WeightSite['rows']): string => (rows ? `${name} ${rows.start}` : name);

/** Strength times a number [], each once in the graph. */
function scales(): (g: Graph, input: string, factor: number) => Value {
  const made = new Map<string, Value>();
  const once = (key: string, make: () => Value): Value => {
    const value = made.get(key) ?? make();
    made.set(key, value);
    return value;
  };
  return (g, input, factor) => {
    const strength = once(input, () => g.input(input, 'float32', []));
    return factor === 1 ? strength : once(`${input} ${factor}`, () => g.within('', () => g.apply('Mul', [strength, g.scalar(factor)])));
  };
}

function changed(g: Graph, weight: Value, lora: AppliedLora, { module, target, field }: LoraChange, scale: (factor: number) => Value): Value {
  const block = lora.blocks?.[blockIn(target.weight.name)] ?? 1;
  if (block === 0) return weight;
  const values = (): Adapter<Value> => valuesOf(g, lora, module);
  if (field === 'bias') return changedBias(g, weight, values(), scale(block));
  const turn = (value: Value): Value => (target.transposed ? g.apply('Transpose', [value], { perm: [1, 0] }) : value);
  const own = turn(weight);
  return turn(lowRank(g, own, lora, module, block, scale) ?? changedWeight(g, own, values(), scale(block)));
}

const blockIn = (tensor: string): string => (/(?:^|\.)(?:input|middle|output)_blocks?\./.test(tensor) ? blockOf(tensor, 0) : 'BASE');

/** What layers can apply without the changed weight: plain factors that fit. Others go their general way, where those that do not fit are named. */
function lowRank(g: Graph, weight: Value, lora: AppliedLora, module: ReadyModule, block: number, scale: (factor: number) => Value): Value | undefined {
  const { up, down, mid, rest, doraScale, alpha } = module.parts, { dims } = weight;
  if (module.algorithm !== 'lora' || !up || !down || isMade(up) || isMade(down) || mid || rest || doraScale) return undefined;
  const [out = 1, ...upRest] = up.shape, [r = 0, ...downRest] = down.shape;
  if (out !== dims[0] || sizeOf(upRest) !== r || sizeOf(downRest) !== sizeOf(dims.slice(1))) return undefined;
  const factors = [storedTensor(g, lora.path, up, [out, r]), storedTensor(g, lora.path, down, [r, sizeOf(downRest)])] as const;
  const kept = Math.min(r, lora.ranks ?? r), some = factors.map((value, i) => (kept === r ? value : g.apply('Slice', [value], { axis: 1 - i, start: 0, end: kept })));
  return g.apply('LowRank', [weight, ...some, scale(block * (alpha && isMade(alpha) ? alpha.data[0]! / r : 1))]);
}

/** No tensor of the file. */
const isMade = (part: TensorEntry | Tensor): part is Tensor => 'dims' in part;

function valuesOf(g: Graph, { path }: AppliedLora, { parts, ...module }: ReadyModule): Adapter<Value> {
  const values = Object.entries(parts).map(([part, tensor]): [string, Value] => [part, isMade(tensor) ? g.constant('float32', tensor.dims, tensor.data) : storedTensor(g, path, tensor)]);
  return { ...module, parts: Object.fromEntries(values) as Partial<Record<AdapterPart, Value>> };
}
