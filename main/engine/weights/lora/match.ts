// Which modules of a LoRA change which tensors of a checkpoint, and which fit nothing there.
import type { TensorEntry } from '../source';
import type { LoraModule, LoraParts } from './modules';
import { isNumbered, numberedTargets } from './numbered';
import { targetOf, type LoraTarget, type LoraTargets } from './targets';

/** What one module does to one tensor. */
export interface ModuleChange<M> { readonly module: M; readonly target: LoraTarget; readonly field: 'weight' | 'bias'; readonly entry: TensorEntry }

export interface Match<M> {
  readonly changes: readonly ModuleChange<M>[];
  /** Modules that changed a layer. */
  readonly applied: number;
  /** Layers that the checkpoint does not have; '<layer> bias' where it lacks only the bias. */
  readonly unmatched: readonly string[];
  /** Modules with parts missing. */
  readonly incomplete: readonly string[];
}

type Named = Pick<LoraModule, 'layer' | 'algorithm'> & { readonly parts: LoraParts<unknown> };

export function matchModules<M extends Named>(modules: readonly M[], targets: LoraTargets): Match<M> {
  const changes: ModuleChange<M>[] = [], unmatched: string[] = [], incomplete: string[] = [];
  let applied = 0;
  const numbered = numberedTargets(modules.filter(({ layer }) => isNumbered(layer)), targets);
  for (const module of modules) {
    const target = numbered.get(module.layer) ?? targetOf(module, targets);
    if (module.algorithm === 'incomplete') { incomplete.push(module.layer); continue; }
    if (!target) { unmatched.push(module.layer); continue; }
    const forWeight = changesWeight(module), forBias = changesBias(module);
    if (forWeight) changes.push({ module, target, field: 'weight', entry: target.weight });
    if (forBias && target.bias) changes.push({ module, target, field: 'bias', entry: target.bias });
    if (forBias && !target.bias) unmatched.push(`${module.layer} bias`);
    if (forWeight || target.bias) applied++;
  }
  return { changes, applied, unmatched, incomplete };
}

const changesWeight = ({ algorithm, parts }: Named): boolean => algorithm !== 'full' || (parts.diff ?? parts.set_weight) !== undefined;
const changesBias = ({ parts }: Named): boolean => (parts.diffBias ?? parts.upBias) !== undefined;
