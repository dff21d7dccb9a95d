// One tensor with a module in it, computed by the runtime: what baking does, and what a cache of changed weights would.
import { Graph, type Value } from '../graph/graph';
import type { Runtime } from '../pipeline/runtime';
import { float32, type Tensor } from '../tensor';
import type { LoraModule } from '../weights/lora/modules';
import { changedBias, changedWeight, type DoraRule } from './change';
import { prepareModule, type Adapter, type AdapterPart } from './module';

export interface Change {
  readonly field: 'weight' | 'bias';
  readonly strength: number;
  readonly dora?: DoraRule | undefined;
  /** The tensor is [in, out]. */
  readonly transposed?: boolean | undefined;
}

/** `tensor` [out, in, …] or a bias [out]. Throws weights.shapeMismatch naming the layer, and what the runtime throws. */
export async function changed(runtime: Runtime, tensor: Tensor, module: LoraModule<Tensor>, { field, strength, dora, transposed = false }: Change): Promise<Tensor> {
  const g = new Graph('adapter');
  const adapter = prepareModule(module, module.parts, tensor.dims[transposed ? 1 : 0] ?? 1);
  const stored = g.input('tensor', 'float32', tensor.dims), m = g.input('strength', 'float32', []);
  const turn = (value: Value): Value => (transposed ? g.apply('Transpose', [value], { perm: [1, 0] }) : value);
  const parts = Object.entries(adapter.parts).map(([part, { dims }]) => [part, g.input(part, 'float32', dims)] as const);
  const values: Adapter<Value> = { ...adapter, parts: Object.fromEntries(parts) as Partial<Record<AdapterPart, Value>> };
  g.output('out', turn(field === 'bias' ? changedBias(g, stored, values, m) : changedWeight(g, turn(stored), values, m, dora)));
  const session = await runtime.open(g);
  try {
    return (await session.run({ tensor, strength: float32([], Float32Array.of(strength)), ...adapter.parts }))['out']!;
  } finally {
    await session.close();
  }
}
